import assert from "node:assert/strict";
import { test } from "node:test";
import { cardsOf, concernsOf, followed, handsOf, raised, readWord, type ShownCard } from "../src/lead/board.ts";
import { leaderAway, news, next, offered, shown } from "../src/lead/moment.ts";
import { stepped } from "../src/lead/rows.ts";
import { titled } from "../src/lead/waiting.ts";
import type { Phase, SessionFacts } from "../src/protocol.ts";

const PHASES: readonly Phase[] = ["scheduled", "open", "rules", "running", "paused", "ended"];

function facts(phase: Phase, more: Partial<SessionFacts> = {}): SessionFacts {
  const state = phase === "scheduled" || phase === "ended" ? phase : "open";
  return { state, phase, locked: false, leader: { member: "me", name: "Mara", here: true }, ...more };
}

function moments(command: string, more: Partial<SessionFacts> = {}): string {
  return PHASES.filter((phase) => offered(command, facts(phase, more), "me")).join(" ");
}

test("each command is offered at its moments and at no others", () => {
  assert.equal(moments("open"), "scheduled");
  assert.equal(moments("show_rules"), "open");
  assert.equal(moments("begin"), "rules");
  assert.equal(moments("pause"), "open rules running");
  assert.equal(moments("resume"), "paused");
  assert.equal(moments("lock"), "open rules running paused");
  assert.equal(moments("unlock"), "");
  assert.equal(moments("lock", { locked: true }), "");
  assert.equal(moments("unlock", { locked: true }), "open rules running paused");
  assert.equal(moments("end"), "scheduled open rules running paused");
  assert.equal(moments("card:reminder"), "open rules running paused");
  assert.equal(moments("card:rules"), "rules running paused");
  assert.equal(moments("card:redirect"), "open rules running paused");
});

test("a colleague takes over from another one while the session goes on; nobody takes over from themselves or without a place", () => {
  const led = { leader: { member: "co", name: "Jonas", here: true } };
  assert.equal(moments("take_over", led), "open rules running paused");
  assert.equal(moments("take_over"), "");
  assert.equal(offered("take_over", facts("running", led), ""), false);
});

test("what was done hands the focus to what undoes it or comes next", () => {
  assert.equal(next("pause"), "resume");
  assert.equal(next("resume"), "pause");
  assert.equal(next("lock"), "unlock");
  assert.equal(next("begin"), "pause");
  assert.equal(next("end"), null);
});

test("a box that says no phase is read by its state", () => {
  assert.equal(offered("pause", { state: "open", locked: false }, "me"), true);
  assert.equal(offered("open", { state: "scheduled", locked: false }, "me"), true);
});

test("a place is shown in its phases, and what is of the lock only while the session goes on", () => {
  assert.equal(shown("open rules", facts("rules")), true);
  assert.equal(shown("open rules", facts("running")), false);
  assert.equal(shown("locked", facts("running", { locked: true })), true);
  assert.equal(shown("locked", facts("ended", { locked: true })), false);
});

test("who leads is missed by the others, not by themselves, and not before or after", () => {
  const away = { leader: { member: "co", name: "Jonas", here: false } };
  assert.equal(leaderAway(facts("running", away), "me"), true);
  assert.equal(leaderAway(facts("running", away), "co"), false);
  assert.equal(leaderAway(facts("scheduled", away), "me"), false);
  assert.equal(leaderAway(facts("running", { leader: null }), "me"), false);
});

test("what has changed is said once, a lock that came by itself as such", () => {
  assert.deepEqual(news(facts("open"), facts("open"), "me"), []);
  assert.deepEqual(news(facts("open"), facts("rules"), "me"), ["rulesShown"]);
  assert.deepEqual(news(facts("running"), facts("paused"), "me"), ["sessionPaused"]);
  assert.deepEqual(news(facts("paused"), facts("rules"), "me"), ["sessionResumed"]);
  assert.deepEqual(news(facts("open"), facts("open", { locked: true, byItself: true }), "me"), ["lockedItself"]);
  assert.deepEqual(news(facts("open", { locked: true }), facts("open"), "me"), ["unlocked"]);
  const gone = { leader: { member: "co", name: "Jonas", here: false } };
  assert.deepEqual(news(facts("open"), facts("open", gone), "me"), ["leadsNow", "leaderGone"]);
});

function card(id: string, at: string, open: string[], to = ""): ShownCard {
  return { id, kind: "reminder", at, to, done: ["a"], open };
}

test("the newest card is followed, but one for all that is unread before one for a single person", () => {
  assert.equal(followed([]), null);
  assert.equal(followed([card("1", "10:00", []), card("2", "10:05", [])])?.id, "2");
  assert.equal(followed([card("1", "10:00", ["b"]), card("2", "10:05", ["c"], "Tom")])?.id, "1");
  assert.equal(followed([card("1", "10:00", []), card("2", "10:05", ["c"], "Tom")])?.id, "2");
  assert.equal(readWord(card("1", "10:00", [])), "cardReadAll");
});

test("what is no list, or of no known kind, breaks nothing", () => {
  for (const odd of [{}, { queue: 7, cards: "x", open: null }, { queue: [null, 3], cards: [{}], open: [7] }]) {
    assert.deepEqual(handsOf(odd), []);
    assert.deepEqual(cardsOf(odd), []);
    assert.deepEqual(concernsOf(odd), []);
  }
});

test("only a concern that is new is told again", () => {
  const one = { id: "1", member: "m", name: "Ada", kind: "distress", at: "" };
  assert.deepEqual(raised([], [one]), [one]);
  assert.deepEqual(raised([one], [one]), []);
});

test("arrows walk from row to row and stop at the ends", () => {
  assert.equal(stepped("ArrowDown", 0, 3), 1);
  assert.equal(stepped("ArrowUp", 0, 3), null);
  assert.equal(stepped("ArrowDown", 2, 3), null);
  assert.equal(stepped("End", 0, 3), 2);
  assert.equal(stepped("Home", 2, 3), 0);
  assert.equal(stepped("Enter", 1, 3), null);
});

test("the tab's title counts who waits and names nobody", () => {
  assert.equal(titled("Session · Willow House", 2), "(2) Session · Willow House");
  assert.equal(titled("(2) Session · Willow House", 3), "(3) Session · Willow House");
  assert.equal(titled("(3) Session · Willow House", 0), "Session · Willow House");
});
