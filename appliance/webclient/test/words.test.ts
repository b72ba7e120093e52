import assert from "node:assert/strict";
import { test } from "node:test";
import english from "../../portal/static/words-en.json";
import spanish from "../../portal/static/words-es.json";
import vectors from "../../../tests/vectors/code/words.json";
import { wordList, wordsNeeded, wordsOf } from "../src/group/words.ts";

const LISTS: Record<string, string[]> = { en: english, es: spanish };
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));

for (const one of vectors.cases) {
  test(`a code has the words of the vectors: ${one.name}, ${one.language}`, () => {
    assert.deepEqual(wordsOf(bytes(one.code), LISTS[one.language]!), one.words);
  });
}

test("a code is worth at least 2^100 tries in either language", () => {
  assert.deepEqual([wordsNeeded(7776), wordsNeeded(2048)], [8, 10]);
});

test("half a code, or no list, has no words", () => {
  assert.throws(() => wordsOf(new Uint8Array(31), english), RangeError);
  assert.throws(() => wordsOf(new Uint8Array(32), []), RangeError);
});

test("a list that is not the one everybody has is refused, and asked for again", async () => {
  const others = [[], [...spanish.slice(1), "abeja"], [...spanish].reverse(), spanish.map((one) => `${one}\u200b`), english];
  const answers = [new Response("no", { status: 404 }), ...others.map((list) => new Response(JSON.stringify(list)))];
  for (const answer of answers) await assert.rejects(wordList("es", async () => answer));
  let asked = "";
  const get = async (path: string): Promise<Response> => ((asked += path), new Response(JSON.stringify(spanish)));
  assert.deepEqual(await wordList("es", get), spanish);
  assert.equal(await wordList("es", get), await wordList("es", get));
  assert.equal(asked, "/static/words-es.json");
  await assert.rejects(wordList("xx", get));
});
