// Pure rules of what a page says about its keys: who holds keys and is on no list, who is shown, which sentence of silence.

import type { GroupFacts, Holder } from "./group/types.ts";
import type { RosterMember } from "./protocol.ts";
import type { StreamState } from "./sealing/sealer.ts";
import type { SilenceKey } from "./silence.ts";

/** When the words were last compared, and in which epoch, as the box tells it. */
export interface Comparison {
  epoch: number;
  at: string;
}

/** Reads the `compared` of a `group` event; null for none, or for what is none. */
export function comparison(value: unknown): Comparison | null {
  if (typeof value !== "object" || value === null) return null;
  const { epoch, at } = value as { epoch?: unknown; at?: unknown };
  return typeof epoch === "number" && typeof at === "string" ? { epoch, at } : null;
}

/** A leaf may come before its person stands on the list, or outlive that by a Commit; longer than this it is worth an alarm. */
export const SETTLE_MS = 4000;

export interface Unlisted {
  /** Names of those who never stood on the list. */
  strangers: string[];
  /** Names of those who did: they went, and nobody was here who could take their keys away. */
  gone: string[];
  /** In how many milliseconds to look again; null for no need. */
  again: number | null;
}

/** Holders who are not on the box's list of the room. However often keys change, their time runs on. */
export class Strangers {
  #since = new Map<string, number>();

  /** At `now`, in milliseconds. `listed`: who is on the list; `known`: who ever was, on this page. */
  look(holders: readonly Holder[], listed: ReadonlySet<string>, known: ReadonlySet<string>, now: number): Unlisted {
    const unlisted = holders.filter((one) => !one.you && !listed.has(one.member));
    this.#since = new Map(unlisted.map((one) => [one.member, this.#since.get(one.member) ?? now]));
    const age = (one: Holder): number => now - this.#since.get(one.member)!;
    const young = unlisted.filter((one) => age(one) < SETTLE_MS);
    const names = (were: boolean): string[] => unlisted.filter((one) => age(one) >= SETTLE_MS && known.has(one.member) === were).map((one) => one.name);
    return { strangers: names(false), gone: names(true), again: young.length > 0 ? SETTLE_MS - Math.max(...young.map(age)) : null };
  }
}

/**
 * The list as it is shown. Names from the keys stand above names from the list: the list is the box's word, the keys are the group's.
 * Who could lead and has not come is not among the people in the room.
 */
export function present(roster: readonly RosterMember[], holders: readonly Holder[]): RosterMember[] {
  const names = new Map(holders.map((one) => [one.member, one.name]));
  const here = (one: RosterMember): boolean => !one.facilitator || one.you || one.connected !== false || one.aside === true || names.has(one.member);
  return roster.filter(here).map((one) => ({ ...one, name: names.get(one.member) ?? one.name }));
}

/** Whether all that comes is under keys that this page does not have. A box that keeps a Commit from it would look like this. */
export function isLeftBehind(states: readonly StreamState[]): boolean {
  const coming = states.filter((one) => one !== "waiting" && one !== "silent");
  return coming.length > 0 && coming.every((one) => one === "noKey");
}

/** The sentence for a page that has no keys, or null while it has them or needs none. `roster`: who is in the room by the box. */
export function silenceOf(facts: GroupFacts, inside: boolean, facilitator: boolean, roster: readonly RosterMember[]): SilenceKey | null {
  if (!inside || facts.phase === "in") return null;
  if (facts.phase === "broken") return "keysBroken";
  if (facilitator) return null; // on the way back in: nobody lets them in but themselves
  const led = roster.some((one) => one.facilitator && one.connected !== false);
  return led ? "keysAwaited" : "leaderAway";
}
