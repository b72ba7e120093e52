// A facilitator's part: founds the group or comes back into it, and keeps its tree in line with the box's list of the room, as far as
// rules.ts `plan` allows: nobody is let in without a tap here or the key of their own leaf.

import { Approvals } from "./approvals.ts";
import { toHex } from "./bytes.ts";
import type { Ask, Attempt, Course } from "./course.ts";
import type { Trust } from "./credential.ts";
import type { Hold } from "./hold.ts";
import { makeOwn, type Offer, type Own, readOffer } from "./keypackage.ts";
import { type Made, Member } from "./member.ts";
import { fetchCredential } from "./own.ts";
import { Returns } from "./returns.ts";
import { apart, plan, rank } from "./rules.ts";
import type { Ticket } from "./ticket.ts";
import { groupFact, type Told } from "./told.ts";

/** Milliseconds that each facilitator with a lower leaf has, to do what all of them see must be done. A Commit takes about a tenth of it. */
export const STAGGER_MS = 2000;
const GROUP_BYTES = 16;
/** KeyPackages seen in the tree, which are used up. A session has a few dozen. */
const MAX_SPENT = 512;

export class Facilitator {
  pending: readonly string[] = [];
  asking = false;
  /** The group is stuck: the next way in is to found another in its place. */
  stuck = false;
  readonly #approvals: Approvals;
  readonly #returns: Returns;
  readonly #expelled = new Set<string>();
  #offers: Offer[] = [];
  #read = new Map<string, Offer | null>();
  #spent = new Set<string>();
  #waits: { epoch: number; due: boolean; stop: () => void } | null = null;

  constructor(
    private readonly ask: Ask,
    private readonly trust: Trust,
    private readonly told: Told,
    private readonly hold: Hold,
    private readonly course: Course,
    private readonly ticket: Ticket,
    private readonly me: string,
    private readonly later: (work: () => void, ms: number) => () => void,
    private readonly kick: () => void,
  ) {
    this.#approvals = new Approvals(later, kick);
    this.#returns = new Returns(later, kick);
  }

  /** Somebody was let in by a tap on this page: with the key that is offered now, or else with the first that will be. */
  approve(member: string): void {
    const key = this.#offers.find((one) => one.member === member)?.key ?? null;
    // Another facilitator's tap was faster. This one must not be good for whatever key comes next.
    if (key === null && this.hold.member?.seats.some((seat) => seat.member === member)) return;
    this.#approvals.tap(member, key);
  }

  /** Whoever holds this very key may come in: they were let in with it before. */
  letBack(member: string, key: string): void {
    this.#approvals.again(member, key);
  }

  /** Somebody was removed by a tap on this page: their keys go at once, whoever's turn it is. */
  expel(member: string): void {
    this.#expelled.add(member);
  }

  /** Keys are void. Those who were in are let in again by their keys, should it have to be another group. */
  giveUp(): void {
    this.#stopWaiting();
    this.course.drop();
    for (const { member, key, role } of this.hold.member?.seats ?? []) if (role === "participant") this.#approvals.again(member, key);
    this.hold.drop();
    this.pending = [];
  }

  async step(): Promise<void> {
    if (!this.told.group) return;
    this.asking = true;
    await this.course.settle();
    const standing = await this.course.catchUp();
    if (standing === "removed") {
      // By one's own other page, or by somebody who leads too: two pages must not take turns in throwing each other out.
      this.giveUp();
      this.hold.doubt();
      return;
    }
    if (standing === "moved") this.giveUp();
    await this.#readOffers();
    if (!this.hold.member) await this.#come();
    await this.#tend();
  }

  // -- into the group

  async #come(): Promise<void> {
    const look = await this.ask("groupLook", {});
    const fact = groupFact(look);
    if (!fact) throw new Error("the box tells of no group and of none");
    const made = fact.group === null || this.stuck ? null : await this.#comeBack(fact.group, fact.epoch, String(look["groupInfo"]));
    await this.course.submit(made ?? (await this.#found(fact.group)));
    this.stuck = false;
  }

  /** null: it cannot be come back to, for nobody else is there, or because it cannot be trusted; it is given up for another. */
  async #comeBack(group: string, epoch: number, groupInfo: string): Promise<Attempt | null> {
    const own = await this.#own();
    const { floor } = this.ticket;
    if (floor?.group === group && epoch < floor.epoch) return null; // an older epoch may have people in it who are out by now
    const made = await Member.comeBack(this.trust, group, epoch, groupInfo, own).catch(() => null);
    return made && commitAttempt(group, epoch, made, []);
  }

  async #found(instead: string | null): Promise<Attempt> {
    const group = toHex(this.trust.suite.rng.randomBytes(GROUP_BYTES));
    const { groupInfo, next } = await Member.found(this.trust, group, await this.#own());
    return { method: "groupFound", data: { group, groupInfo, instead }, group, epoch: -1, commit: null, next };
  }

  async #own(): Promise<Own> {
    const keys = await this.ticket.keys(this.trust.suite);
    return makeOwn(await fetchCredential(this.ask, this.trust, keys.publicKey, this.me, "facilitator"), keys, this.trust.suite);
  }

  // -- who is in it

  async #tend(): Promise<void> {
    const member = this.hold.member;
    if (!member) return;
    for (const key of member.leafKeys) this.#spent.add(key);
    for (const key of this.#spent) if (this.#spent.size > MAX_SPENT) this.#spent.delete(key);
    const fresh = apart(this.#offers.filter((one) => !this.#spent.has(one.leafKey)), member.seats, member.parentKeys);
    this.#approvals.follow(this.told.roster, fresh);
    const { keys } = this.#approvals;
    const offers = fresh.filter((one) => this.#returns.may(one.member) || keys.get(one.member) === one.key);
    const { add, remove, swap, pending, urgent } = plan(this.me, member.seats, this.told.roster, offers, keys);
    this.pending = pending;
    if (add.length + remove.length + swap.length === 0) return this.#stopWaiting();
    const expelled = member.seats.some((seat) => remove.includes(seat.leaf) && this.#expelled.has(seat.member));
    if (!urgent && !expelled && !this.#isOurTurn(member)) return;
    const added = [...add, ...swap];
    const old = member.seats.filter((seat) => swap.includes(seat.member)).map((seat) => seat.leaf);
    const made = await member.commit(offers.filter((one) => added.includes(one.member)), [...remove, ...old]);
    await this.course.submit(commitAttempt(member.group, member.epoch, made, added));
    this.#approvals.used(added);
    this.#expelled.clear();
    for (const one of swap) this.#returns.happened(one);
    this.#stopWaiting();
    this.kick(); // what has come up meanwhile
  }

  /** Several facilitators see the same duties; the one with the lowest leaf is first. */
  #isOurTurn({ epoch, seats }: Member): boolean {
    const before = rank(this.me, seats, this.told.roster);
    if (before === 0) return true;
    if (this.#waits?.epoch === epoch) return this.#waits.due;
    this.#stopWaiting();
    const waits = { epoch, due: false, stop: () => undefined as void };
    this.#waits = waits;
    waits.stop = this.later(() => {
      waits.due = true;
      this.kick();
    }, before * STAGGER_MS);
    return false;
  }

  #stopWaiting(): void {
    this.#waits?.stop();
    this.#waits = null;
  }

  async #readOffers(): Promise<void> {
    const before = this.#read;
    this.#read = new Map();
    for (const { member, keyPackage } of this.told.offers) {
      const name = `${member} ${keyPackage}`;
      const known = before.get(name);
      this.#read.set(name, known === undefined ? await readOffer(member, keyPackage, this.trust) : known);
    }
    this.#offers = [...this.#read.values()].filter((one) => one !== null);
  }
}

function commitAttempt(group: string, epoch: number, { commit, groupInfo, welcome, next }: Made, added: readonly string[]): Attempt {
  return { method: "groupCommit", data: { group, epoch, commit, groupInfo, welcome, added }, group, epoch, commit, next };
}
