import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupFacts, Holder } from "../src/group/types.ts";
import type { RosterMember } from "../src/protocol.ts";
import { comparison, holding, named, SETTLE_MS, silenceOf, Strangers, wantsReading } from "../src/sealedrules.ts";

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

test("words are read aloud when nobody has compared them yet", () => {
  assert.equal(wantsReading(facts(MARA, ADA), null, null), true);
});

test("nobody reads words to themselves", () => {
  assert.equal(wantsReading(facts(MARA), null, null), false);
});

test("words that were compared in this epoch need no reading", () => {
  assert.equal(wantsReading(facts(MARA, ADA), { epoch: 7, at: "now" }, null), false);
});

test("words are read again after each admission, and not because somebody has gone", () => {
  const then = holding([MARA, ADA]);
  const compared = { epoch: 5, at: "now" };
  assert.equal(wantsReading(facts(MARA, ADA, TOM), compared, then), true);
  assert.equal(wantsReading(facts(MARA), compared, then), false);
  assert.equal(wantsReading(facts(MARA, ADA), compared, then), false);
});

test("a known person with another key is somebody new", () => {
  const then = holding([MARA, ADA]);
  assert.equal(wantsReading(facts(MARA, holder(1, "ada", "another key")), { epoch: 5, at: "now" }, then), true);
});

test("a page that does not know who compared asks for the words again", () => {
  assert.equal(wantsReading(facts(MARA, ADA), { epoch: 5, at: "now" }, null), true);
});

test("without keys there is nothing to read", () => {
  assert.equal(wantsReading({ ...facts(MARA, ADA), phase: "broken" }, null, null), false);
});

test("who holds keys and never stood on the list is told of after a moment, the page itself is none", () => {
  const strangers = new Strangers();
  const look = (now: number): unknown => strangers.look([MARA, ADA, TOM], new Set(["ada"]), now);
  assert.deepEqual(look(1000), { names: [], again: SETTLE_MS });
  assert.deepEqual(look(1000 + SETTLE_MS), { names: ["TOM"], again: null });
});

test("keys that change again and again put no alarm off", () => {
  const strangers = new Strangers();
  for (let now = 0; now < SETTLE_MS; now += 500) assert.deepEqual(strangers.look([MARA, TOM], new Set(), now).names, []);
  assert.deepEqual(strangers.look([MARA, ADA, TOM], new Set(), SETTLE_MS), { names: ["TOM"], again: SETTLE_MS });
});

test("who stands on the list in time was no stranger", () => {
  const strangers = new Strangers();
  strangers.look([MARA, TOM], new Set(), 0);
  assert.deepEqual(strangers.look([MARA, TOM], new Set(["tom"]), 100), { names: [], again: null });
  assert.deepEqual(strangers.look([MARA, TOM], new Set(), SETTLE_MS), { names: [], again: SETTLE_MS });
});

test("the name that came with the keys stands above the list's", () => {
  assert.deepEqual(
    named([listed("ada"), listed("wen")], [ADA]).map((one) => one.name),
    ["ADA", "box's wen"],
  );
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

test("a comparison is read from the box's word, or is none", () => {
  assert.deepEqual(comparison({ epoch: 3, at: "2026-11-22T10:05:00Z" }), { epoch: 3, at: "2026-11-22T10:05:00Z" });
  for (const none of [null, undefined, 3, {}, { epoch: "3", at: "x" }, { epoch: 3 }]) assert.equal(comparison(none), null);
});
