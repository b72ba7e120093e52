// Taps of the person at this page that let somebody in. Each is for one key: that which was offered then, or else the first that comes soon.

import type { RosterMember } from "../protocol.ts";
import type { Offered } from "./rules.ts";

/** Milliseconds in which what was tapped must come about: a key, and the box's own word. A slow phone takes seconds; later it takes another tap. */
export const TAP_MS = 60_000;

interface Approval {
  /** null: no KeyPackage was there yet. */
  key: string | null;
  /** The box's list has named them: once it does no longer, the tap is used up. */
  inside: boolean;
}

export class Approvals {
  readonly #all = new Map<string, Approval>();

  constructor(
    private readonly later: (work: () => void, ms: number) => () => void,
    private readonly kick: () => void,
  ) {}

  /** Member to the key that is let in. */
  get keys(): Map<string, string | null> {
    return new Map([...this.#all].map(([member, { key }]) => [member, key]));
  }

  tap(member: string, key: string | null): void {
    const approval = { key, inside: false };
    this.#all.set(member, approval);
    this.later(() => {
      if (this.#all.get(member) !== approval || (approval.key !== null && approval.inside)) return;
      this.#all.delete(member);
      this.kick();
    }, TAP_MS);
  }

  /** Who held keys before with this one, and may have them again. */
  again(member: string, key: string): void {
    this.#all.set(member, { key, inside: true });
  }

  /** What the box has told: who is in the room, if it has told that, and who offers which key. */
  follow(roster: readonly RosterMember[] | null, offers: readonly Offered[]): void {
    const inside = roster && new Set(roster.map((one) => one.member));
    for (const [member, approval] of this.#all) {
      approval.key ??= offers.find((one) => one.member === member)?.key ?? null;
      if (inside?.has(member)) approval.inside = true;
      else if (inside && approval.inside) this.#all.delete(member);
    }
  }

  /** They have been let in. */
  used(members: readonly string[]): void {
    for (const member of members) this.#all.delete(member);
  }
}
