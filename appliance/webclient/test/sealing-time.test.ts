// Everything of the sealing that has to do with time: in virtual time, and the page's rules about its Worker.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DOUBT_MS, Health, SILENT_MS } from "../src/sealing/health.ts";
import { importBase } from "../src/sealing/keys.ts";
import { Keyring, MAX_EPOCHS, PURGE_MS, SWITCH_MS } from "../src/sealing/keyring.ts";
import { CONTEXT, parseKid } from "../src/sealing/kid.ts";
import { type Counts, type OpenOutcome, OpeningStream, SealingStream } from "../src/sealing/stream.ts";
import { Balance, DEAD_MS, Liveness, Tally } from "../src/sealing/watchdog.ts";

const LEAVES = new Map([["ada", 0], ["tom", 3]]);

function install(ring: Keyring, epoch: number, now: number, leaf = 0): void {
  ring.install({ epoch: BigInt(epoch), leaf, base: importBase(new Uint8Array(16).fill(epoch)), leaves: LEAVES }, now);
}

const sealedIn = (ring: Keyring, now: number): number | undefined => {
  const place = ring.sealing(CONTEXT.audio, now);
  return place ? parseKid(place.kid)!.epoch : undefined;
};
const opens = (ring: Keyring, epoch: number, now: number): boolean => typeof ring.opening({ context: 1, leaf: 3, epoch }, "tom", now) !== "string";

test("the first keys seal at once, newer ones when slower devices have them too", () => {
  const ring = new Keyring();
  assert.equal(sealedIn(ring, 0), undefined);
  install(ring, 1, 0);
  assert.equal(sealedIn(ring, 0), 1);
  install(ring, 2, 1000);
  assert.equal(sealedIn(ring, 1000 + SWITCH_MS - 1), 1);
  assert.equal(sealedIn(ring, 1000 + SWITCH_MS), 2);
});

test("new keys open at once, older ones until they are purged, whether or not anybody purges", () => {
  const ring = new Keyring();
  install(ring, 1, 0);
  install(ring, 2, 1000);
  assert.ok(opens(ring, 2, 1000) && opens(ring, 1, 1000 + PURGE_MS - 1));
  assert.equal(opens(ring, 1, 1000 + PURGE_MS), false);
  assert.ok(opens(ring, 2, 1e9));
});

test("a frame that is being opened when its keys are purged is not shown", async () => {
  const [ada, tom] = [new Keyring(), new Keyring()];
  install(ada, 1, 0, 0);
  install(tom, 1, 0, 3);
  const sealed = (await new SealingStream(ada, "audio", () => undefined).frame(Uint8Array.of(1), 0))!;
  const open = new OpeningStream(tom, "audio", "ada", () => undefined);
  const result = open.frame(sealed, 0);
  tom.silence();
  assert.equal(await result, null);
  assert.equal(open.counts.noKey, 1);
});

test("in a burst of new keys each seals for its while and the older go", () => {
  const ring = new Keyring();
  for (let epoch = 1; epoch <= 5; epoch++) install(ring, epoch, epoch * 100);
  assert.equal(sealedIn(ring, 500), 3);
  assert.equal(sealedIn(ring, 700), 5);
  assert.deepEqual([1, 2, 3, 4, 5].map((epoch) => opens(ring, epoch, 300 + PURGE_MS)), [false, false, true, true, true]);
});

test("silence leaves no key, and only new ones end it", () => {
  const ring = new Keyring();
  install(ring, 1, 0);
  ring.silence();
  assert.equal(sealedIn(ring, 0), undefined);
  assert.equal(opens(ring, 1, 0), false);
  install(ring, 2, 10);
  assert.equal(sealedIn(ring, 10), 2);
});

test("two epochs that look the same in a KID are never there together", () => {
  const ring = new Keyring();
  install(ring, 1, 0);
  const before = ring.opening({ context: 1, leaf: 3, epoch: 1 }, "tom", 0);
  ring.install({ epoch: 257n, leaf: 0, base: importBase(new Uint8Array(16).fill(9)), leaves: LEAVES }, 10);
  assert.ok(typeof before !== "string" && !before.live());
  assert.equal(sealedIn(ring, 10), 1);
  assert.equal(ring.sealing(CONTEXT.audio, 10)?.ctr, 1n);
});

test("however many keys come, few are held", () => {
  const ring = new Keyring();
  for (let epoch = 1; epoch <= 50; epoch++) install(ring, epoch, 0);
  assert.equal(Array.from({ length: 50 }, (_, one) => opens(ring, one + 1, 0)).filter(Boolean).length, MAX_EPOCHS);
});

test("no counter comes twice under one key: across streams, across newer epochs, whatever is dropped", () => {
  const ring = new Keyring();
  install(ring, 1, 0);
  const seen = new Set<string>();
  for (let now = 0; now < 3000; now += 10) {
    if (now === 1000) install(ring, 2, now);
    for (const context of [1, 2, 2]) {
      const place = ring.sealing(context, now)!;
      assert.ok(!seen.has(`${place.kid} ${place.ctr}`));
      seen.add(`${place.kid} ${place.ctr}`);
    }
  }
});

test("leaves are those of the frame's own epoch", () => {
  const ring = new Keyring();
  install(ring, 1, 0);
  ring.install({ epoch: 2n, leaf: 0, base: importBase(new Uint8Array(16)), leaves: new Map([["tom", 4]]) }, 10);
  const by = (leaf: number, epoch: number): unknown => ring.opening({ context: 1, leaf, epoch }, "tom", 20);
  assert.deepEqual([typeof by(3, 1), by(4, 1), by(3, 2), typeof by(4, 2)], ["object", "wrongSender", "wrongSender", "object"]);
});

// -- how it stands with a stream

function counts(more: Partial<Counts<OpenOutcome>>): Counts<OpenOutcome> {
  return { open: 0, noKey: 0, notSealed: 0, altered: 0, wrongSender: 0, replayed: 0, ...more };
}

test("a stream without frames waits, however long", () => {
  const health = new Health();
  for (let now = 0; now < 60_000; now += 1000) assert.equal(health.note(counts({}), now), "waiting");
});

test("frames that are not opened are named after a while, by the reason of most", () => {
  for (const reason of ["noKey", "notSealed", "altered", "wrongSender", "replayed"] as const) {
    const health = new Health();
    assert.equal(health.note(counts({ [reason]: 10 }), 0), "waiting");
    assert.equal(health.note(counts({ [reason]: 20 }), DOUBT_MS - 1), "waiting");
    assert.equal(health.note(counts({ [reason]: 60, ...(reason === "noKey" ? { altered: 3 } : { noKey: 3 }) }), DOUBT_MS), reason);
  }
});

test("one opened frame among dropped ones is an open stream: duplicates raise no sentence", () => {
  const health = new Health();
  for (let second = 0; second < 10; second++) assert.equal(health.note(counts({ open: second + 1, replayed: second * 40 }), second * 1000), "open");
});

test("an open stream that goes bad is named, and is open again with the first good frame", () => {
  const health = new Health();
  health.note(counts({ open: 5 }), 0);
  assert.equal(health.note(counts({ open: 5, altered: 20 }), 1000), "open");
  assert.equal(health.note(counts({ open: 5, altered: 60 }), 1000 + DOUBT_MS), "altered");
  assert.equal(health.note(counts({ open: 6, altered: 60 }), 4000), "open");
});

test("a stream that stopped is silent, which is no alarm, and old doubts are forgotten with it", () => {
  const health = new Health();
  health.note(counts({ open: 5, noKey: 1 }), 0);
  health.note(counts({ open: 5, noKey: 2 }), 1000);
  assert.equal(health.note(counts({ open: 5, noKey: 2 }), 1000 + SILENT_MS - 1), "open");
  assert.equal(health.note(counts({ open: 5, noKey: 2 }), 1000 + SILENT_MS), "silent");
  assert.equal(health.note(counts({ open: 5, noKey: 3 }), 60_000), "silent");
  assert.equal(health.note(counts({ open: 6, noKey: 3 }), 61_000), "open");
});

// -- nothing may leave that has not passed the Worker

test("as much sent as passed is good, less too; one more is a leak", () => {
  const balance = new Balance();
  for (let look = 1; look < 100; look++) {
    assert.equal(balance.leaks(look * 20, look * 20 + (look % 3)), false);
    assert.equal(balance.leaks(look * 20 + 3, look * 20 + 2), true);
    balance.note(look * 20, look * 20 + (look % 3));
  }
});

test("what passed long ago and never left hides no later leak", () => {
  const balance = new Balance();
  balance.note(0, 5000);
  for (const look of [1, 2, 3]) balance.note(look * 20, 5000 + look * 20);
  assert.equal(balance.leaks(80, 5080), false);
  // From here on it goes past the Worker: seen at the second look.
  balance.note(80, 5060);
  assert.equal(balance.leaks(100, 5060), true);
});

test("a leak of every second frame is seen within a few looks", () => {
  const balance = new Balance();
  balance.note(0, 5000);
  let [sent, passed, looks] = [0, 5000, 0];
  while (!balance.leaks((sent += 20), (passed += 10)) && ++looks < 10) balance.note(sent, passed);
  assert.ok(looks < 4, String(looks));
});

type Streams = Record<string, object>;

const report = (streams: Streams): RTCStatsReport =>
  new Map(Object.entries(streams).map(([ssrc, one]) => [ssrc, { type: "outbound-rtp", id: ssrc, ssrc: Number(ssrc), ...one }])) as unknown as RTCStatsReport;

const frames = (...sent: number[]): RTCStatsReport => report(Object.fromEntries(sent.map((framesSent, layer) => [layer, { framesSent }])));

test("a browser that counts from zero again is followed, and a leak is still seen", () => {
  const [tally, balance] = [new Tally("video"), new Balance()];
  const look = (sent: number, passed: number): boolean => {
    const total = tally.note(frames(sent));
    const leaks = balance.leaks(total, passed);
    balance.note(total, passed);
    return leaks;
  };
  assert.deepEqual([look(20, 20), look(40, 40), look(60, 60)], [false, false, false]);
  assert.deepEqual([look(10, 80), look(30, 100)], [false, false]); // anew
  assert.equal(look(50, 100), true);
});

test("of a picture frames count, of sound bytes without what was sent twice, over all layers", () => {
  const both = { 1: { framesSent: 10, bytesSent: 500, retransmittedBytesSent: 100, packetsSent: 99 }, 2: { framesSent: 5, bytesSent: 50 }, 3: { type: "media-source", framesSent: 1000, bytesSent: 1000 } };
  assert.equal(new Tally("video").note(report(both)), 15);
  assert.equal(new Tally("audio").note(report(both)), 450);
});

test("a layer that rests, comes back, or is counted anew changes nothing of what the others have sent", () => {
  const tally = new Tally("video");
  assert.deepEqual([frames(100, 100, 100), frames(120), frames(140, 110, 100), frames(160, 130, 5), frames(180, 150, 25)].map((one) => tally.note(one)), [300, 320, 350, 395, 455]);
});

test("layers of one picture that come and go are no leak, and one that goes past the Worker is", () => {
  const [tally, balance] = [new Tally("video"), new Balance()];
  let [passed, sent] = [0, [0, 0, 0]];
  for (let look = 0; look < 60; look++) {
    const active = look % 20 < 10 ? 3 : 1; // the layers above are not even reported while they rest
    sent = sent.map((one, layer) => (layer < active ? one + 20 : one));
    passed += active * 20;
    const total = tally.note(frames(...sent.slice(0, active)));
    assert.equal(balance.leaks(total, passed), false);
    balance.note(total, passed);
  }
  assert.equal(balance.leaks(tally.note(frames(sent[0]! + 20, sent[1]! + 1)), passed + 20), true);
});

test("more streams than a sender has are a leak", () => {
  const tally = new Tally("video");
  const many = report(Object.fromEntries(Array.from({ length: 100 }, (_, ssrc) => [ssrc, { framesSent: 1 }])));
  assert.equal(tally.note(many), 100);
  assert.equal(tally.note(many), 184); // counted again and again: no room to remember them
});

test("a Worker is dead after three questions without an answer, not before", () => {
  const liveness = new Liveness();
  for (const now of [0, 1000]) liveness.asked(now);
  assert.equal(liveness.dead(60_000), false);
  liveness.asked(2000);
  assert.equal(liveness.dead(DEAD_MS - 1), false);
  assert.equal(liveness.dead(DEAD_MS), true);
  liveness.answered();
  assert.equal(liveness.dead(90_000), false);
});

test("ten minutes of sleep kill no Worker", () => {
  const liveness = new Liveness();
  liveness.asked(0);
  assert.equal(liveness.dead(600_000), false);
  liveness.asked(600_000);
  liveness.answered();
  assert.equal(liveness.dead(601_000), false);
});
