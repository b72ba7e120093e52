import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupFacts, Holder } from "../src/group/types.ts";
import type { RosterMember } from "../src/protocol.ts";
import { Reading } from "../src/reading.ts";
import { comparison, isLeftBehind, present, SETTLE_MS, silenceOf, Strangers } from "../src/sealedrules.ts";

const holder = (leaf: number, member: string, key = `key of ${member}`): Holder => ({
  leaf,
  member,
  name: member.toUpperCase(),
  role: leaf === 0 ? "facilitator" : "participant",
  language: "en",
  key,
  you: leaf === 0,
});
const MARA = holder(0, "mara");
const ADA = holder(1, "ada");
const TOM = holder(2, "tom");
const facts = (...holders: Holder[]): GroupFacts => ({ phase: "in", epoch: 7n, holders, code: new Uint8Array(32), language: "en", pending: [] });
const listed = (member: string, facilitator = false, connected = true): RosterMember => ({ member, name: `box's ${member}`, facilitator, you: false, connected });

/** A tab's storage. */
function tab(): Storage {
  const kept = new Map<string, string>();
  const made: Partial<Storage> = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  return made as Storage;
}
const next = (before: GroupFacts, ...holders: Holder[]): GroupFacts => ({ ...before, epoch: before.epoch + 1n, code: new Uint8Array(32).fill(Number(before.epoch)), holders });

test("words are read aloud when nobody has compared them yet, and nobody reads them to themselves", () => {
  const reading = new Reading(true, tab(), "s");
  assert.equal(reading.wanted(facts(MARA, ADA)), true);
  assert.equal(reading.wanted(facts(MARA)), false);
  assert.equal(reading.wanted({ ...facts(MARA, ADA), phase: "broken" }), false);
});

test("words are read again after each admission, and not because somebody has gone", () => {
  const reading = new Reading(true, tab(), "s");
  const first = facts(MARA, ADA);
  reading.tapped(first);
  assert.equal(reading.wanted(first), false);
  assert.equal(reading.wanted(next(first, MARA)), false);
  assert.equal(reading.wanted(next(first, MARA, ADA)), false, "with the same keys");
  assert.equal(reading.wanted(next(first, MARA, holder(3, "ada"))), false, "with the same keys on another leaf");
  assert.equal(reading.wanted(next(first, MARA, ADA, TOM)), true);
  assert.equal(reading.wanted(next(first, MARA, holder(1, "ada", "another key"))), true);
});

test("a facilitator's page believes no box that says the words were compared", () => {
  const reading = new Reading(true, tab(), "s");
  reading.told(facts(MARA, ADA), { epoch: 7, at: "now" });
  assert.equal(reading.wanted(facts(MARA, ADA)), true);
});

test("a facilitator's tap outlives a reload, and not the session", () => {
  const storage = tab();
  new Reading(true, storage, "s").tapped(facts(MARA, ADA));
  assert.equal(new Reading(true, storage, "s").wanted(facts(MARA, ADA)), false);
  new Reading(true, storage, "s").forget();
  assert.equal(new Reading(true, storage, "s").wanted(facts(MARA, ADA)), true);
});

test("a patient's page is asked until the box tells that words were compared", () => {
  const reading = new Reading(false, tab(), "s");
  const first = facts(MARA, ADA);
  assert.equal(reading.wanted(first), true);
  reading.told(first, { epoch: 6, at: "now" });
  assert.equal(reading.wanted(first), true);
  reading.told(first, { epoch: 7, at: "now" });
  assert.equal(reading.wanted(first), false);
  assert.equal(reading.wanted(next(first, MARA)), false);
});

const LIST = new Set(["ada"]);

test("who holds keys and never stood on the list is told of after a moment, the page itself is none", () => {
  const strangers = new Strangers();
  const look = (now: number): unknown => strangers.look([MARA, ADA, TOM], LIST, LIST, now);
  assert.deepEqual(look(1000), { strangers: [], gone: [], again: SETTLE_MS });
  assert.deepEqual(look(1000 + SETTLE_MS), { strangers: ["TOM"], gone: [], again: null });
});

test("who went and still holds keys, because nobody could take them, is told of and is no stranger", () => {
  const strangers = new Strangers();
  const known = new Set(["ada", "tom"]);
  strangers.look([MARA, ADA, TOM], LIST, known, 0);
  assert.deepEqual(strangers.look([MARA, ADA, TOM], LIST, known, SETTLE_MS), { strangers: [], gone: ["TOM"], again: null });
});

test("keys that change again and again put no alarm off", () => {
  const strangers = new Strangers();
  const none = new Set<string>();
  for (let now = 0; now < SETTLE_MS; now += 500) assert.deepEqual(strangers.look([MARA, TOM], none, none, now).strangers, []);
  assert.deepEqual(strangers.look([MARA, ADA, TOM], none, none, SETTLE_MS), { strangers: ["TOM"], gone: [], again: SETTLE_MS });
});

test("who stands on the list in time was no stranger", () => {
  const strangers = new Strangers();
  strangers.look([MARA, TOM], new Set(), new Set(), 0);
  assert.equal(strangers.look([MARA, TOM], new Set(["tom"]), new Set(["tom"]), 100).again, null);
});

test("the name that came with the keys stands above the list's", () => {
  assert.deepEqual(
    present([listed("ada"), listed("wen")], [ADA]).map((one) => one.name),
    ["ADA", "box's wen"],
  );
});

test("who could lead and has not come is not shown as somebody in the room", () => {
  const shown = (one: RosterMember, ...holders: Holder[]): number => present([one], holders).length;
  assert.equal(shown(listed("ines", true, false)), 0);
  assert.equal(shown(listed("ines", true, true)), 1);
  assert.equal(shown(listed("mara", true, false), MARA), 1, "their line is lost, their keys are not");
  assert.equal(shown({ ...listed("mara", true, false), you: true }), 1);
  assert.equal(shown(listed("ada", false, false)), 1);
});

test("a page in the room without keys says why, by who could give them", () => {
  const asking: GroupFacts = { ...facts(), phase: "asking" };
  assert.equal(silenceOf(asking, true, false, [listed("mara", true)]), "keysAwaited");
  assert.equal(silenceOf(asking, true, false, [listed("mara", true, false)]), "leaderAway");
  assert.equal(silenceOf(asking, true, true, []), null);
  assert.equal(silenceOf(asking, false, false, []), null);
  assert.equal(silenceOf({ ...asking, phase: "broken" }, true, true, []), "keysBroken");
  assert.equal(silenceOf(facts(MARA), true, false, []), null);
});

test("a page for which nothing opens but for lack of keys is left behind, and one of whom others are not sure is not", () => {
  assert.equal(isLeftBehind(["noKey", "noKey", "silent", "waiting"]), true);
  assert.equal(isLeftBehind(["noKey", "open"]), false);
  assert.equal(isLeftBehind(["altered"]), false);
  assert.equal(isLeftBehind(["silent", "waiting"]), false);
  assert.equal(isLeftBehind([]), false);
});

test("a comparison is read from the box's word, or is none", () => {
  assert.deepEqual(comparison({ epoch: 3, at: "2026-11-22T10:05:00Z" }), { epoch: 3, at: "2026-11-22T10:05:00Z" });
  for (const none of [null, undefined, 3, {}, { epoch: "3", at: "x" }, { epoch: 3 }]) assert.equal(comparison(none), null);
});
