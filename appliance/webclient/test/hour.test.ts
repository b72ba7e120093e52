// What the room's parts read from the box and from storage: the right things, and nothing that breaks the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cardsOf } from "../src/hour/cards.ts";
import { mark } from "../src/hour/deterrence.ts";
import { queueOf } from "../src/hour/hands.ts";
import { canBlur, keptOf } from "../src/hour/look.ts";
import { Joining } from "../src/joining.ts";
import { lineWord } from "../src/people.ts";
import { CannotSeal } from "../src/sealing/supported.ts";

test("hands keep their order, and what is no hand is left out", () => {
  assert.deepEqual(queueOf({ queue: [{ member: "b", name: "B" }, null, 7, {}, { member: "a" }] }), ["b", "a"]);
  for (const queue of [undefined, null, "x", {}]) assert.deepEqual(queueOf({ queue }), []);
});

test("a card without an id is none, and its text is text only", () => {
  const card = { id: "1", kind: "rules", title: "Rules", paragraphs: ["a", 7, null, "b"] };
  assert.deepEqual(cardsOf({ cards: [card, null, {}, { id: 1, kind: "rules" }] }), [{ ...card, paragraphs: ["a", "b"] }]);
  assert.deepEqual(cardsOf({ cards: [{ id: "2", kind: "new kind" }] }), [{ id: "2", kind: "new kind", title: "", paragraphs: [] }]);
  for (const cards of [undefined, null, "x", {}]) assert.deepEqual(cardsOf({ cards }), []);
  assert.equal(cardsOf({ cards: Array.from({ length: 500 }, (_, at) => ({ ...card, id: String(at) })) }).length, 50);
});

test("choices that were never made, or are garbage, are the usual ones", () => {
  for (const text of [null, "", "{", "[]", '{"sound":1,"blur":"yes"}']) assert.deepEqual(keptOf(text), { sound: false, blur: false });
  assert.deepEqual(keptOf('{"sound":true}'), { sound: true, blur: false });
});

test("blur is offered only by a camera that lists it", () => {
  const camera = (able: unknown) => ({ getCapabilities: () => ({ backgroundBlur: able }) }) as unknown as MediaStreamTrack;
  assert.deepEqual([camera([false, true]), camera([false]), camera(undefined), {} as MediaStreamTrack, null].map(canBlur), [true, false, false, false, false]);
});

test("the mark over pictures has the viewer's name and the time, again and again", () => {
  const text = mark("Ada <b>", new Date(2026, 10, 22, 10, 5), "en");
  assert.ok(text.split("Ada <b> · 11/22 10:05").length > 50);
});

test("while the media are held the line says why before anything else about picture and sound", () => {
  const facts = { socket: "up", media: true, inside: true, ready: false, held: "paused", joined: false, session: { state: "open", locked: false } } as const;
  assert.deepEqual([lineWord(facts), lineWord({ ...facts, held: "held" }), lineWord({ ...facts, socket: "down" })], ["paused", "onHold", "lineLost"]);
});

/** A room that counts; the promise of each join is the test's. */
function joining(join: () => Promise<void> = async () => undefined): { made: string[]; timers: (() => void)[]; all: Joining } {
  const made: string[] = [];
  const timers: (() => void)[] = [];
  const room = { join: async () => (made.push("join"), join()), resume: async () => (made.push("resume"), join()) };
  const later = (work: () => void): (() => void) => (timers.push(work), () => undefined);
  return { made, timers, all: new Joining(() => room, later, () => 0) };
}
const soon = (): Promise<void> => new Promise((done) => setImmediate(done));

test("a held room is joined again by itself when the media are there again, and not before", async () => {
  const { made, all } = joining();
  all.line(true);
  all.media(true);
  await soon();
  all.media(false);
  all.again(); // the path broke, as it must
  await soon();
  assert.deepEqual(made, ["resume"]);
  all.media(true);
  all.media(true);
  await soon();
  assert.deepEqual(made, ["resume", "join"]);
});

test("a join that fails is tried again after a pause, unless nothing can be sealed or the line is gone", async () => {
  const failing = joining(async () => Promise.reject(new Error("no")));
  failing.all.line(true);
  failing.all.media(true);
  await soon();
  assert.deepEqual([failing.made, failing.timers.length], [["resume"], 1]);
  failing.timers.splice(0)[0]!();
  await soon();
  assert.deepEqual(failing.made, ["resume", "join"]);
  failing.all.line(false);
  for (const work of failing.timers.splice(0)) work();
  await soon();
  assert.equal(failing.made.length, 2);
  const unsealed = joining(async () => Promise.reject(new CannotSeal()));
  unsealed.all.line(true);
  unsealed.all.media(true);
  await soon();
  assert.deepEqual([unsealed.made, unsealed.timers.length], [["resume"], 0]);
});
