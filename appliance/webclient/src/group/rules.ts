// Who may change the group, as pure functions over plain values: which Commit is acceptable, and what a facilitator's browser does next.

import type { RosterMember } from "../protocol.ts";
import { LAST_LEAF } from "../sealing/kid.ts";
import type { Holder } from "./types.ts";


type Role = Holder["role"];
type Seat = Pick<Holder, "leaf" | "member" | "role" | "key">;

/** A proposal of a Commit, as far as the rules look. `other`: another type, a reference, or an Add whose credential does not hold. */
export type Step = { kind: "add"; member: string; role: Role } | { kind: "remove"; leaf: number } | { kind: "externalInit" } | { kind: "other" };

/** Who made a Commit: the owner of a leaf, somebody new by an external Commit (RFC 9420 section 12.4.3.2), or nobody of ours. */
export type Maker = { kind: "leaf"; leaf: number } | { kind: "newcomer"; member: string; role: Role } | { kind: "other" };

export type Refusal =
  | "unknown maker" | "not a facilitator" | "nothing in it" | "forbidden proposal" | "no such leaf" | "removes itself" | "removed twice"
  | "adds a facilitator" | "already there" | "leaves an old leaf" | "removes another" | "no external init" | "full";

/** null if the members accept this Commit over a tree with these seats. */
export function refusal(maker: Maker, steps: readonly Step[], seats: readonly Seat[]): Refusal | null {
  if (maker.kind === "leaf") return memberRefusal(maker.leaf, steps, seats);
  if (maker.kind === "newcomer") return newcomerRefusal(maker, steps, seats);
  return "unknown maker";
}

function memberRefusal(leaf: number, steps: readonly Step[], seats: readonly Seat[]): Refusal | null {
  const maker = seats.find((seat) => seat.leaf === leaf);
  if (!maker) return "unknown maker";
  if (maker.role !== "facilitator") return "not a facilitator";
  if (steps.length === 0) return "nothing in it";
  const gone = new Set<number>();
  const added = new Set<string>();
  // Removes take effect before Adds, in whatever order they stand (RFC 9420 section 12.3).
  for (const step of steps) {
    if (step.kind !== "remove") continue;
    if (step.leaf === leaf) return "removes itself";
    if (gone.has(step.leaf)) return "removed twice";
    if (!seats.some((seat) => seat.leaf === step.leaf)) return "no such leaf";
    gone.add(step.leaf);
  }
  for (const step of steps) {
    if (step.kind === "remove") continue;
    if (step.kind !== "add") return "forbidden proposal";
    if (step.role !== "participant") return "adds a facilitator";
    if (added.has(step.member) || seats.some((seat) => seat.member === step.member && !gone.has(seat.leaf))) return "already there";
    added.add(step.member);
  }
  return seats.length - gone.size + added.size > LAST_LEAF + 1 ? "full" : null;
}

function newcomerRefusal(maker: { member: string; role: Role }, steps: readonly Step[], seats: readonly Seat[]): Refusal | null {
  if (maker.role !== "facilitator") return "not a facilitator";
  if (steps.some((step) => step.kind === "other" || step.kind === "add")) return "forbidden proposal";
  if (steps.filter((step) => step.kind === "externalInit").length !== 1) return "no external init";
  const removed = steps.filter((step) => step.kind === "remove");
  const former = seats.find((seat) => seat.member === maker.member);
  if (removed.length > 1) return "removes another";
  if (removed[0]) return removed[0].leaf === former?.leaf ? null : "removes another";
  if (former) return "leaves an old leaf";
  return seats.length > LAST_LEAF ? "full" : null;
}

/** A KeyPackage that was looked through and waits to be let in. */
export interface Offered {
  member: string;
  /** Signature key, base64url. */
  key: string;
}

/**
 * The offers that can sit in one tree with these seats, with nodes of these HPKE keys and with each other. A key may stand there once
 * (RFC 9420 section 7.3): two people who share one would otherwise spoil the Commit of whoever lets them in, again and again.
 */
export function apart<T extends Offered & { leafKey: string }>(offers: readonly T[], seats: readonly Seat[], nodeKeys: Iterable<string>): T[] {
  const owners = new Map(seats.map((seat) => [seat.key, seat.member]));
  const taken = new Set(nodeKeys);
  return offers.filter(({ member, key, leafKey }) => {
    if ((owners.get(key) ?? member) !== member || taken.has(leafKey)) return false;
    owners.set(key, member);
    taken.add(leafKey);
    return true;
  });
}

export interface Plan {
  /** Members to add; whoever is in `swap` is not. */
  add: string[];
  /** Leaves of people who are out. */
  remove: number[];
  /** Members whose older leaf gives way to their new KeyPackage. */
  swap: string[];
  /** Members whom the box has let in and whom somebody must still let in here. */
  pending: string[];
  /** Somebody is let in by a tap on this page: no other page does it. */
  urgent: boolean;
}

const NOTHING: Plan = { add: [], remove: [], swap: [], pending: [], urgent: false };

/**
 * What brings the tree in line with the box's list of the room. `approvals`: member to the key that was let in by a tap
 * here, or to null as long as no key was there. The box's list alone adds nobody: it needs a tap, or the key of the member's own leaf.
 */
export function plan(
  me: string,
  seats: readonly Seat[],
  roster: readonly RosterMember[] | null,
  offers: readonly Offered[],
  approvals: ReadonlyMap<string, string | null>,
): Plan {
  // A list without this very page is no list of this room: nobody loses their keys over it.
  if (!roster?.some((one) => one.member === me)) return NOTHING;
  const inside = new Set(roster.map((one) => one.member));
  const made: Plan = { ...NOTHING, add: [], swap: [], pending: [], remove: seats.filter((seat) => seat.member !== me && !inside.has(seat.member)).map((seat) => seat.leaf) };
  for (const { member, key } of offers) {
    const seat = seats.find((one) => one.member === member);
    if (!inside.has(member) || seat?.role === "facilitator") continue;
    const approved = approvals.get(member);
    const tapped = approved === null || approved === key;
    if (!tapped && seat?.key !== key) made.pending.push(member);
    else (seat ? made.swap : made.add).push(member);
    made.urgent ||= tapped;
  }
  return made;
}

/** How many other connected facilitators act before this page: those with a lower leaf. */
export function rank(me: string, seats: readonly Seat[], roster: readonly RosterMember[] | null): number {
  const connected = new Set(roster?.filter((one) => one.facilitator && one.connected !== false).map((one) => one.member));
  const own = seats.find((seat) => seat.member === me)?.leaf ?? LAST_LEAF;
  return seats.filter((seat) => seat.role === "facilitator" && seat.leaf < own && connected.has(seat.member)).length;
}
