// Members who hold keys and offer a new KeyPackage come back in by themselves, but not as often as they like: each time is a Commit, and
// new keys on every page of the room.

/** How often one member may come back at once; after that each time takes RETURN_MS. A reload is one. */
export const FREE_RETURNS = 5;
/** Milliseconds. */
export const RETURN_MS = 10_000;

export class Returns {
  readonly #lately = new Map<string, number>();

  constructor(
    private readonly later: (work: () => void, ms: number) => () => void,
    private readonly kick: () => void,
  ) {}

  may(member: string): boolean {
    return (this.#lately.get(member) ?? 0) < FREE_RETURNS;
  }

  happened(member: string): void {
    this.#count(member, 1);
    this.later(() => {
      this.#count(member, -1);
      this.kick();
    }, RETURN_MS);
  }

  #count(member: string, more: 1 | -1): void {
    const count = (this.#lately.get(member) ?? 0) + more;
    if (count > 0) this.#lately.set(member, count);
    else this.#lately.delete(member);
  }
}
