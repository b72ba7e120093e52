import assert from "node:assert/strict";
import { test } from "node:test";
import { letterOf } from "../src/keys.ts";

test("a letter is meant whether it is written large or small", () => {
  assert.equal(letterOf({ key: "p", code: "KeyP" }), "p");
  assert.equal(letterOf({ key: "P", code: "KeyP" }), "p");
  assert.equal(letterOf({ key: "?", code: "Slash" }), "?");
});

test("what the keyboard writes counts before where the key lies", () => {
  assert.equal(letterOf({ key: "a", code: "KeyQ" }), "a");
});

test("a keyboard of other letters is read by the place of its keys", () => {
  assert.equal(letterOf({ key: "ح", code: "KeyP" }), "p");
  assert.equal(letterOf({ key: "з", code: "KeyP" }), "p");
});

test("shortcuts of browser and screen reader, held keys and half-written letters are nobody's command", () => {
  for (const held of ["ctrlKey", "altKey", "metaKey", "repeat", "isComposing"]) assert.equal(letterOf({ key: "p", code: "KeyP", [held]: true }), "");
});

test("digits, signs, named keys and letters with accents are no command", () => {
  for (const key of ["1", " ", ".", "Enter", "Escape", "Process", "Dead", "ñ", "é"]) assert.equal(letterOf({ key, code: "KeyP" }), "", key);
});
