// Who is marked as speaking. A voice rests between words; a mark that went with each rest would flicker beside every face.

import type { Surroundings } from "./signalling.ts";

/** How long somebody stays marked after the relay has named them for the last time. Milliseconds: a breath, not a turn. */
export const BREATH_MS = 1200;

export class Voices {
  /** By member: what ends the breath they take, or null while they speak. */
  readonly #marked = new Map<string, (() => void) | null>();
  active: string | null = null;

  /** `changed`: somebody is marked who was not, or the other way round. */
  constructor(
    private readonly changed: () => void,
    private readonly later: Surroundings["later"],
  ) {}

  has(member: string): boolean {
    return this.#marked.has(member);
  }

  /** What the relay said; nobody at all when the room is left. */
  told(speakers: readonly string[], active: string | null): void {
    const before = [...this.#marked.keys(), this.active].join();
    for (const [member, breath] of this.#marked) if (breath === null && !speakers.includes(member)) this.#breathe(member);
    for (const member of speakers) {
      this.#marked.get(member)?.();
      this.#marked.set(member, null);
    }
    this.active = active;
    if ([...this.#marked.keys(), active].join() !== before) this.changed();
  }

  #breathe(member: string): void {
    const stop = this.later(() => {
      this.#marked.delete(member);
      this.changed();
    }, BREATH_MS);
    this.#marked.set(member, stop);
  }
}
