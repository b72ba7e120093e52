// Who reads a page aloud, and how the reading goes on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { after, localVoice, STILL } from "../src/readaloud.ts";

const own = { lang: "es_ES", localService: true, default: false };
const usual = { lang: "es-MX", localService: true, default: true };
const far = { lang: "es-ES", localService: false, default: true };
const english = { lang: "en-GB", localService: true, default: true };

test("a voice that sends the text away never reads", () => {
  assert.equal(localVoice([far, english], "es"), undefined);
  assert.equal(localVoice([far, own], "es"), own);
});

test("the device's usual voice of the language goes first", () => {
  assert.equal(localVoice([own, usual, english], "es-MX"), usual);
  assert.equal(localVoice([usual, english], "en"), english);
});

test("it reads one block after the other and is still at the end", () => {
  let now = after(STILL, "press", 2);
  assert.deepEqual(now, { state: "reading", at: 0 });
  now = after(now, "said", 2);
  assert.deepEqual(now, { state: "reading", at: 1 });
  assert.deepEqual(after(now, "said", 2), STILL);
});

test("a pause keeps the place, and going on begins that paragraph again", () => {
  const paused = after({ state: "reading", at: 3 }, "press", 9);
  assert.deepEqual(paused, { state: "paused", at: 3 });
  assert.deepEqual(after(paused, "said", 9), paused);
  assert.deepEqual(after(paused, "press", 9), { state: "reading", at: 3 });
  assert.deepEqual(after(paused, "stop", 9), STILL);
});
