// Whispers in whole lives of a group: who opens them, who cannot, and what happens when the keys change on the way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_NARROW } from "../src/group/keeper.ts";
import type { Data } from "../src/protocol.ts";
import { newId, read, REACTIONS, written } from "../src/said.ts";
import { Life, type Open } from "./life.ts";

const opened = (page: Open): [string, string][] => page.whispers.map((one) => [one.from.member, one.text]);
const answers = (page: Open): string[] => page.heard.map((one) => one.text).filter((text) => read(text).t === "heard");

/** Fay leads; Ada and Ben have keys. `sent` collects what each page of the room is carried. */
async function room(): Promise<{ life: Life; fay: Open; ada: Open; ben: Open; sent: [string, Data][] }> {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const sent: [string, Data][] = [];
  life.box.rig.event = (page, event, data) => {
    if (event === "groupSaid") sent.push([page.person.member, data]);
    return data;
  };
  return { life, fay, ada: ada!, ben: ben!, sent };
}

test("a whisper is opened by whom it is for, is carried to nobody else, and its sender learns that it was", async () => {
  const { life, fay, ada, ben, sent } = await room();
  const id = await ada.keeper.whisper(["Fay"], "I am afraid");
  await life.rest();
  assert.deepEqual([opened(fay), opened(ben), ben.heard], [[["Ada", "I am afraid"]], [], []]);
  assert.deepEqual(sent.map(([to]) => to), ["Fay", "Ada"]);
  assert.deepEqual(answers(ada).map(read), [{ t: "heard", id }]);
});

test("another member who gets a whisper from a box that carries it to everybody cannot open it", async () => {
  const { life, fay, ada, ben } = await room();
  const everybody: Data[] = [];
  life.box.rig.request = (page, method, data) => {
    if (method === "groupSay" && page.person.member === "Ada") {
      everybody.push({ ...data });
      delete data["to"];
    }
  };
  await ada.keeper.whisper(["Fay"], "I am afraid");
  await life.rest();
  assert.equal(everybody.length, 1);
  assert.deepEqual([opened(fay), opened(ben)], [[["Ada", "I am afraid"]], []]);
  assert.deepEqual(ben.heard, []); // Ben's page does not show what it could not open
});

test("what is sealed to one leaf opens for no other, nor as from another, nor under another id", async () => {
  const { life, fay, ada, ben } = await room();
  // Ben says again, in his own name, what Ada has sealed: with her id, with another, and to himself.
  let stolen = "";
  const say = ada.keeper.say.bind(ada.keeper);
  ada.keeper.say = (text, to) => ((stolen = text), say(text, to));
  await ada.keeper.whisper(["Fay"], "mine");
  await life.rest();
  const said = read(stolen);
  assert.equal(said.t, "whisper");
  if (said.t !== "whisper") return;
  await ben.keeper.say(stolen);
  await ben.keeper.say(written({ ...said, id: newId() }));
  const [sealed] = Object.values(said.sealed);
  await ben.keeper.say(written({ ...said, sealed: { "0": sealed!, "1": sealed!, "2": sealed! } }));
  await life.rest();
  assert.deepEqual([opened(fay), opened(ada), opened(ben)], [[["Ada", "mine"]], [], []]);
});

test("a whisper that meets new keys is sealed once more under them, and shown once", async () => {
  const { life, fay, ada } = await room();
  const { event } = life.box.rig;
  let lost = 0;
  life.box.rig.event = (page, name, data) => (name === "groupSaid" && page === fay.line && lost++ === 0 ? null : event!(page, name, data));
  await ada.keeper.whisper(["Fay"], "are you there?");
  await life.rest();
  assert.deepEqual(opened(fay), []);
  await life.bring(fay, "Cat"); // her Commit brings her a new leaf key
  await life.later();
  assert.deepEqual(opened(fay), [["Ada", "are you there?"]]);
  assert.equal(answers(ada).length, 1);
  await life.bring(fay, "Dan");
  await life.later();
  assert.deepEqual(opened(fay), [["Ada", "are you there?"]]);
});

test("an answer that was lost brings the whisper once more, which is not shown twice", async () => {
  const { life, fay, ada } = await room();
  let lost = 0;
  life.box.rig.event = (page, name, data) => (name === "groupSaid" && page === ada.line && lost++ === 0 ? null : data);
  await ada.keeper.whisper(["Fay"], "once");
  await life.rest();
  await life.bring(fay, "Cat");
  await life.later();
  assert.deepEqual([opened(fay), answers(ada).length], [[["Ada", "once"]], 1]);
});

test("nobody but whom it was for can say that a whisper was opened", async () => {
  const { life, fay, ada, ben } = await room();
  life.box.rig.event = (page, name, data) => (name === "groupSaid" && page === fay.line ? null : data);
  const id = await ada.keeper.whisper(["Fay"], "hello");
  await ben.keeper.say(written({ t: "heard", id }));
  await life.rest();
  assert.deepEqual(answers(ada), []);
});

test("a whisper to nobody who holds keys is refused, and so is one without keys", async () => {
  const { life, ada } = await room();
  await assert.rejects(ada.keeper.whisper(["Zoe"], "hello"));
  const eve = life.waiting("Eve");
  await life.rest();
  await assert.rejects(eve.keeper.whisper(["Fay"], "hello"));
});

test("however much is whispered, those who are not meant can still read the chat", async () => {
  const { life, fay, ada, ben } = await room();
  life.box.rig = {};
  for (let at = 0; at < 2 * MAX_NARROW + 10; at++) await ada.keeper.whisper(["Fay"], "again");
  await ada.keeper.say("and now to all");
  await life.rest();
  assert.equal(fay.whispers.length, 2 * MAX_NARROW + 10);
  assert.deepEqual(ben.heard.map((one) => one.text), ["and now to all"]);
});

test("what is no JSON of a known kind is a line of the chat, and a line that looks like one stays one", () => {
  for (const text of ["hello", "{", "{}", '{"t":"dance"}', '{"t":"react","what":"<b>"}', '{"t":"heard"}', '{"t":"whisper","id":"1","sealed":{}}', "[1]", "null"]) {
    assert.deepEqual(read(text), { t: "chat", text });
    assert.deepEqual(read(written({ t: "chat", text })), { t: "chat", text });
  }
  for (const what of REACTIONS) assert.deepEqual(read(written({ t: "react", what })), { t: "react", what });
  const forged = written({ t: "react", what: "heart" });
  assert.deepEqual(read(written({ t: "chat", text: forged })), { t: "chat", text: forged });
});

test("what another page sends is cut and bounded before anything reads it", () => {
  const id = newId();
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal((read("x".repeat(5000)) as { text: string }).text.length, 500);
  assert.equal((read(JSON.stringify({ t: "chat", text: "y".repeat(5000) })) as { text: string }).text.length, 500);
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [String(at), "AA"]));
  for (const sealed of [many, { x: "AA" }, { "1": "A".repeat(3000) }, { "1": 7 }, { "01": "AA" }, ["AA"], null]) {
    assert.equal(read(JSON.stringify({ t: "whisper", id, sealed })).t, "chat");
  }
  assert.equal(read(JSON.stringify({ t: "whisper", id, sealed: { "1": "AA" }, more: many })).t, "whisper");
});
