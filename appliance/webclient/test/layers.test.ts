// How many layers a camera's picture gets, how large a picture stands on the screen, who speaks, and who has spoken for how long.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodingsFor, layersFor, sendLayers } from "../src/layers.ts";
import { type Size, Sizes } from "../src/sizes.ts";
import { secondsOf, talkOf } from "../src/talk.ts";
import { BREATH_MS, Voices } from "../src/voices.ts";

test("a large picture gets three layers, an old camera's two, a small one's one, whichever way the phone is held", () => {
  const wanted: [number, number, number][] = [[1920, 1080, 3], [1280, 720, 3], [960, 540, 3], [640, 480, 2], [640, 360, 2], [480, 270, 2], [320, 240, 1], [160, 120, 1]];
  for (const [width, height, layers] of wanted) {
    assert.equal(layersFor({ width, height }), layers);
    assert.equal(layersFor({ width: height, height: width }), layers);
  }
  assert.equal(layersFor({}), 2);
});

test("layers are the lowest first, each twice as wide as the one before, with one temporal layer", () => {
  assert.deepEqual(encodingsFor(3).map((one) => [one.maxBitrate, one.scaleResolutionDownBy]), [[150_000, 4], [500_000, 2], [1_200_000, 1]]);
  assert.deepEqual(encodingsFor(2).map((one) => [one.maxBitrate, one.scaleResolutionDownBy]), [[150_000, 2], [500_000, 1]]);
  assert.deepEqual(encodingsFor(1).map((one) => one.scaleResolutionDownBy), [1]);
  for (const layers of [1, 2, 3]) for (const one of encodingsFor(layers)) assert.equal((one as { scalabilityMode?: string }).scalabilityMode, "L1T1");
});

/** A sender that keeps what it is told. */
function sender(...active: (boolean | undefined)[]): { sender: RTCRtpSender; told: boolean[][] } {
  const told: boolean[][] = [];
  const encodings = active.map((one) => (one === undefined ? {} : { active: one }));
  const fake = {
    getParameters: () => ({ encodings: structuredClone(encodings) }),
    setParameters: (set: RTCRtpSendParameters) => {
      told.push(set.encodings.map((one) => one.active!));
      set.encodings.forEach((one, place) => Object.assign(encodings[place]!, one));
      return told.length === 1 ? Promise.resolve() : Promise.reject(new Error("closed"));
    },
  };
  return { sender: fake as unknown as RTCRtpSender, told };
}

test("only as many layers are sent as anybody looks at, none at all if nobody does", async () => {
  for (const [layers, active] of [[0, [false, false, false]], [1, [true, false, false]], [2, [true, true, false]]] as const) {
    const one = sender(true, undefined, true);
    await sendLayers(one.sender, layers);
    assert.deepEqual(one.told, [active]);
  }
});

test("nothing is changed that is so already, and a sender that ended ends nothing else", async () => {
  const one = sender(true, undefined);
  await sendLayers(one.sender, 3);
  assert.deepEqual(one.told, []);
  await sendLayers(one.sender, 1);
  await sendLayers(one.sender, 0); // refused
  assert.equal(one.told.length, 2);
});

function sizes(): { sizes: Sizes; told: [string, Size][]; settle: () => void } {
  const told: [string, Size][] = [];
  let due: (() => void)[] = [];
  const made = new Sizes((track, size) => told.push([track, size]), (work) => (due.push(work), () => undefined));
  return { sizes: made, told, settle: () => due.splice(0).forEach((work) => work()) };
}

test("however often a tile changes while the grid is laid out, its size is told once", () => {
  const { sizes: all, told, settle } = sizes();
  for (let width = 100; width <= 400; width += 10) all.set("a", { width, height: 225 });
  all.set("b", { width: 200, height: 200 });
  assert.deepEqual(told, []);
  settle();
  assert.deepEqual(told, [["a", { width: 400, height: 225 }], ["b", { width: 200, height: 200 }]]);
});

test("a few pixels are not worth a word, out of sight and back are, and a track that begins anew is told anew", () => {
  const { sizes: all, told, settle } = sizes();
  const say = (width: number): void => (all.set("a", { width, height: width }), settle());
  for (const width of [400, 420, 380, 0, 0, 400, 600]) say(width);
  assert.deepEqual(told.map(([, { width }]) => width), [400, 0, 400, 600]);
  all.forget("a");
  say(600);
  assert.equal(told.length, 5);
});

test("on a new line every size is told once more, as it is now, and of no track that has ended", () => {
  const { sizes: all, told, settle } = sizes();
  for (const track of ["a", "b"]) all.set(track, { width: 0, height: 0 });
  settle();
  all.set("a", { width: 400, height: 225 }); // told to nobody: the line was away
  settle();
  all.forget("b");
  told.length = 0;
  all.again();
  settle();
  assert.deepEqual(told, [["a", { width: 400, height: 225 }]]);
});

test("bars are measured against whoever spoke longest, and the first words of a session fill none", () => {
  const seconds = secondsOf({ ada: 300, tom: 75, eve: 0, odd: "many", minus: -1 });
  assert.deepEqual([...seconds.keys()], ["ada", "tom", "eve"]);
  assert.deepEqual(talkOf("ada", seconds), { part: 1, minutes: 5, spoke: true });
  assert.deepEqual(talkOf("tom", seconds), { part: 0.25, minutes: 1, spoke: true });
  assert.deepEqual(talkOf("new", seconds), { part: 0, minutes: 0, spoke: false });
  assert.deepEqual(talkOf("ada", secondsOf({ ada: 6 })), { part: 0.1, minutes: 0, spoke: true });
  for (const nonsense of [null, 3, "x", undefined]) assert.equal(secondsOf(nonsense).size, 0);
});

test("somebody who takes a breath stays marked, and the page is drawn no more often than marks change", () => {
  let [now, drawn] = [0, 0];
  let timers: { at: number; work: () => void }[] = [];
  const later = (work: () => void, milliseconds: number): (() => void) => {
    const timer = { at: now + milliseconds, work };
    timers.push(timer);
    return () => (timers = timers.filter((one) => one !== timer));
  };
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    const due = timers.filter((one) => one.at <= now);
    timers = timers.filter((one) => one.at > now);
    for (const one of due) one.work();
  };
  const voices = new Voices(() => drawn++, later);
  for (let word = 0; word < 50; word++) {
    voices.told(["ada"], null);
    pass(100);
    voices.told([], null);
    pass(100);
    assert.equal(voices.has("ada"), true);
  }
  assert.equal(drawn, 1);
  pass(BREATH_MS);
  assert.deepEqual([voices.has("ada"), drawn, timers.length], [false, 2, 0]);
  voices.told(["tom"], "tom");
  voices.told(["tom", "ada"], "tom");
  voices.told(["ada", "tom"], "tom"); // louder now: nothing to draw
  assert.deepEqual([voices.active, drawn], ["tom", 4]);
});
