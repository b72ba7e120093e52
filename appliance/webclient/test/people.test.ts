import assert from "node:assert/strict";
import { test } from "node:test";
import { missingWord, failureOf } from "../src/capture.ts";
import { loadChoices } from "../src/choices.ts";
import { codeFrom } from "../src/code.ts";
import { loudness } from "../src/level.ts";
import { change, clock, columns, initials, type LineFacts, lineWord, waitingLine } from "../src/people.ts";
import { members } from "../src/protocol.ts";
import { fill } from "../src/words.ts";

test("a tile without picture shows first and last initial", () => {
  assert.equal(initials("Rosa"), "R");
  assert.equal(initials("rosa marín"), "RM");
  assert.equal(initials("Ana María de la Cruz"), "AC");
  assert.equal(initials("  "), "·");
  assert.equal(initials("(J.)"), "J");
  assert.equal(initials("😀 Émile"), "É");
});

test("the grid grows by columns, never past four", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 9, 10, 16, 17].map(columns), [1, 1, 2, 2, 2, 3, 3, 4, 4, 4]);
});

test("a change names who came and who went", () => {
  const [a, b, c] = [{ member: "a" }, { member: "b" }, { member: "c" }];
  assert.deepEqual(change([a, b], [b, c]), { came: [c], went: [a] });
});

test("a time is shown as a clock, anything else as it is", () => {
  assert.match(clock("2026-11-22T10:05:00Z", "en"), /\d\d:\d\d/);
  assert.equal(clock("10:05", "en"), "10:05");
  assert.equal(clock("2026-99-99T10:05:00Z", "en"), "2026-99-99T10:05:00Z");
});

const FINE: LineFacts = { socket: "up", media: true, inside: true, ready: true, held: "", joined: true, session: { state: "open", locked: false } };

test("the line names the first thing that is wrong", () => {
  assert.equal(lineWord(FINE), "connected");
  assert.equal(lineWord({ ...FINE, joined: false }), "connecting");
  assert.equal(lineWord({ ...FINE, ready: false, joined: false }), "mediaAway");
  assert.equal(lineWord({ ...FINE, session: { state: "ended", locked: false } }), "sessionEnded");
  assert.equal(lineWord({ ...FINE, socket: "down", ready: false }), "lineLost");
  assert.equal(lineWord({ ...FINE, socket: "never" }), "connecting");
  assert.equal(lineWord({ ...FINE, socket: "replaced" }), "replaced");
});

test("in the waiting room picture and sound are not missed", () => {
  assert.equal(lineWord({ ...FINE, inside: false, ready: null, joined: false }), "connected");
  assert.equal(lineWord({ ...FINE, inside: false, session: { state: "scheduled", locked: false } }), "notOpen");
});

test("who waits reads how far the hour is once, and of the line what is wrong with it", () => {
  assert.equal(waitingLine("notOpen"), "");
  for (const key of ["replaced", "connecting", "lineLost", "connected"] as const) assert.equal(waitingLine(key), key);
});

test("the front desk's page needs no picture and sound", () => {
  assert.equal(lineWord({ ...FINE, media: false, ready: null, joined: false }), "connected");
});

test("only something that could be a code is taken from a link", () => {
  assert.equal(codeFrom("#K7QF-2M9X"), "K7QF-2M9X");
  for (const hash of ["", "#", "#a b", "#<script>", `#${"a".repeat(81)}`, "#%41"]) assert.equal(codeFrom(hash), "");
});

test("a missing device is named by what still works", () => {
  const track = {} as MediaStreamTrack;
  const both = { audio: true, video: true };
  assert.equal(missingWord({ audio: track, video: track, failure: null }, both), "");
  assert.equal(missingWord({ audio: track, video: null, failure: "none" }, both), "soundOnly");
  assert.equal(missingWord({ audio: null, video: track, failure: "none" }, both), "pictureOnly");
  assert.equal(missingWord({ audio: null, video: null, failure: "refused" }, both), "refused");
  assert.equal(missingWord({ audio: track, video: null, failure: null }, { audio: true, video: false }), "");
});

test("each refusal of a browser has its kind", () => {
  assert.equal(failureOf("NotAllowedError"), "refused");
  assert.equal(failureOf("NotFoundError"), "none");
  assert.equal(failureOf("NotReadableError"), "inUse");
  assert.equal(failureOf("TypeError"), "other");
});

test("loudness runs from silence to a near voice and never leaves the bar", () => {
  assert.equal(loudness(new Float32Array(64)), 0);
  assert.equal(loudness(new Float32Array()), 0);
  assert.equal(loudness(new Float32Array(64).fill(1)), 100);
  const middle = loudness(new Float32Array(64).fill(0.02));
  assert.ok(middle > 30 && middle < 70);
});

test("choices survive garbage in the storage and storage that is switched off", () => {
  const storage = (text: string | null): Storage => ({ getItem: () => text }) as unknown as Storage;
  assert.deepEqual(loadChoices(storage(null)), { camera: true });
  assert.deepEqual(loadChoices(storage("{")), { camera: true });
  assert.deepEqual(loadChoices(storage('{"camera":false,"cameraId":"c","microphoneId":7}')), { camera: false, cameraId: "c" });
  const refused = { getItem: () => { throw new Error("SecurityError"); } } as unknown as Storage;
  assert.deepEqual(loadChoices(refused), { camera: true });
});

test("braces are filled, unknown ones stay, and values are not read again", () => {
  assert.equal(fill("{name} is here", { name: "{other}" }), "{other} is here");
  assert.equal(fill("{what} is here", { name: "Rosa" }), "{what} is here");
});

test("a list that is none is empty", () => {
  assert.deepEqual(members({}), []);
  assert.deepEqual(members({ members: "x" }), []);
});
