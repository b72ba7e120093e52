import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Kind } from "../src/protocol.ts";
import { type Bytes, concat } from "../src/sealing/bytes.ts";
import { clearBytes } from "../src/sealing/clear.ts";
import { decodeHeader, encodeHeader } from "../src/sealing/header.ts";
import { importBase } from "../src/sealing/keys.ts";
import { Keyring, type NewKeys } from "../src/sealing/keyring.ts";
import { kidOf, parseKid } from "../src/sealing/kid.ts";
import { ReplayWindow, WINDOW } from "../src/sealing/replay.ts";
import { OpeningStream, SealingStream } from "../src/sealing/stream.ts";
import { unhex, vectors } from "./probe/vectors.ts";

const VECTORS = path.join(process.cwd(), "../../tests/vectors/sframe");

/** Numbers that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LEAVES = new Map([["ada", 0], ["tom", 3], ["mara", 63]]);

function given(member: string, epoch = 1n, secret = 7): NewKeys {
  return { epoch, leaf: LEAVES.get(member)!, base: importBase(new Uint8Array(16).fill(secret)), leaves: LEAVES };
}

function ringOf(member: string, epoch = 1n, secret = 7): Keyring {
  const ring = new Keyring();
  ring.install(given(member, epoch, secret), 0);
  return ring;
}

const nothing = (): void => undefined;

/** Ada seals, Tom opens. */
function pair(kind: Kind): { seal: SealingStream; open: OpeningStream } {
  return { seal: new SealingStream(ringOf("ada"), kind, nothing), open: new OpeningStream(ringOf("tom"), kind, "ada", nothing) };
}

function frame(random: () => number, length: number, key: boolean): Bytes {
  const bytes = Uint8Array.from({ length }, () => random() * 256);
  bytes[0] = (bytes[0]! & 0xfe) | (key ? 0 : 1);
  return bytes;
}

test("the working group's headers and sealed frames come out byte for byte", async () => {
  const count = await vectors(readFileSync(path.join(VECTORS, "headers.json"), "utf8"), readFileSync(path.join(VECTORS, "suites.json"), "utf8"));
  assert.equal(count, 291);
});

test("a base key is overwritten as soon as it is taken over", () => {
  const key = new Uint8Array(16).fill(7);
  void importBase(key);
  assert.deepEqual(key, new Uint8Array(16));
});

test("a header longer than it needs to be is none", () => {
  for (const bytes of ["", "80", "8007", "9000ff", "0807", "0900ff", "f0ffffffffffffff", "0fffffffffffffff"]) assert.equal(decodeHeader(unhex(bytes)), null, bytes);
});

test("each pair of KID and CTR has one header, and it is read back", () => {
  const random = seeded(1);
  for (let round = 0; round < 2000; round++) {
    const value = (): bigint => BigInt.asUintN(Math.floor(random() * 65), (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)));
    const [kid, ctr] = [value(), value()];
    const bytes = encodeHeader(kid, ctr);
    assert.deepEqual(decodeHeader(concat(bytes, Uint8Array.of(1, 2, 3))), { kid, ctr, size: bytes.length });
  }
  assert.throws(() => encodeHeader(2n ** 64n, 0n), RangeError);
});

test("bytes of any kind are a header in its one form, or none", () => {
  const random = seeded(2);
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: random() * 20 }, () => random() * 256);
    const header = decodeHeader(bytes);
    if (header) assert.deepEqual(encodeHeader(header.kid, header.ctr), bytes.slice(0, header.size));
  }
});

test("a KID of the room takes three bytes, and no other number is one", () => {
  assert.equal(kidOf({ context: 2, leaf: 4, epoch: 0x1ffn }), 0x204ffn);
  assert.deepEqual(parseKid(0x204ffn), { context: 2, leaf: 4, epoch: 0xff });
  assert.equal(encodeHeader(kidOf({ context: 1, leaf: 0, epoch: 0n }), 0n)[0], 0xa0);
  for (const kid of [0n, 0xffffn, 0x030000n, 0x014000n, 0x1010000n, 0x1_0001_0000n, 2n ** 64n - 1n]) assert.equal(parseKid(kid), null, String(kid));
  assert.throws(() => kidOf({ context: 1, leaf: 64, epoch: 0n }), RangeError);
});

test("of a picture ten bytes or one stay clear, of sound none, and something must be left to seal", () => {
  assert.equal(clearBytes("video", new Uint8Array(11)), 10);
  assert.equal(clearBytes("video", new Uint8Array(10)), null);
  assert.equal(clearBytes("video", Uint8Array.of(1, 0)), 1);
  assert.equal(clearBytes("video", Uint8Array.of(1)), null);
  assert.equal(clearBytes("video", new Uint8Array()), null);
  assert.equal(clearBytes("audio", Uint8Array.of(1)), 0);
  assert.equal(clearBytes("audio", new Uint8Array()), null);
});

test("a frame is opened as it was sealed, at every length", async () => {
  const random = seeded(3);
  for (const kind of ["audio", "video"] as const) {
    const { seal, open } = pair(kind);
    for (let round = 0; round < 300; round++) {
      const plain = frame(random, 12 + random() * 3000, random() < 0.1);
      const sealed = await seal.frame(plain.slice(), 0);
      assert.ok(sealed);
      const clear = clearBytes(kind, plain)!;
      assert.deepEqual(sealed.slice(0, clear), plain.slice(0, clear));
      assert.equal(sealed.length, plain.length + decodeHeader(sealed.subarray(clear))!.size + 16);
      assert.deepEqual(await open.frame(sealed, 0), plain);
    }
    assert.equal(open.counts.open, 300);
  }
});

test("no bit of a sealed frame can be turned", async () => {
  const random = seeded(4);
  for (const kind of ["audio", "video"] as const) {
    const { seal, open } = pair(kind);
    for (const key of [true, false]) {
      const sealed = (await seal.frame(frame(random, 40, key), 0))!;
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const turned = sealed.slice();
        turned[bit >> 3]! ^= 1 << (bit & 7);
        assert.equal(await open.frame(turned, 0), null, `${kind} ${bit}`);
      }
      // Trying cost the true one nothing.
      assert.ok(await open.frame(sealed, 0));
    }
  }
});

test("no sealed frame can be cut or made longer", async () => {
  const { seal, open } = pair("video");
  const sealed = (await seal.frame(frame(seeded(5), 60, true), 0))!;
  for (let length = 0; length < sealed.length; length++) assert.equal(await open.frame(sealed.slice(0, length), 0), null);
  assert.equal(await open.frame(concat(sealed, Uint8Array.of(0)), 0), null);
  assert.ok(await open.frame(sealed, 0));
});

test("bytes of any kind are dropped without an exception", async () => {
  const random = seeded(6);
  const { open } = pair("video");
  for (let round = 0; round < 2000; round++) assert.equal(await open.frame(frame(random, random() * 60, random() < 0.5), 0), null);
});

test("without keys nothing leaves and nothing is shown", async () => {
  const seal = new SealingStream(new Keyring(), "audio", nothing);
  assert.equal(await seal.frame(Uint8Array.of(1, 2, 3), 0), null);
  assert.deepEqual(seal.counts, { sealed: 0, noKey: 1, empty: 0, failed: 0 });
  const open = new OpeningStream(new Keyring(), "audio", "ada", nothing);
  assert.equal(await open.frame((await pair("audio").seal.frame(Uint8Array.of(1, 2, 3), 0))!, 0), null);
  assert.equal(open.counts.noKey, 1);
});

test("keys that cannot be used let nothing through", async () => {
  const ring = new Keyring();
  ring.install({ ...given("ada"), base: Promise.reject(new Error("refused")) }, 0);
  const seal = new SealingStream(ring, "audio", nothing);
  assert.equal(await seal.frame(Uint8Array.of(1), 0), null);
  ring.install({ ...given("ada", 2n), leaf: 64 }, 0);
  ring.purge(1e6);
  assert.equal(await seal.frame(Uint8Array.of(1), 1e6), null);
  assert.equal(seal.counts.failed, 2);
});

test("a frame opens in the stream of its sealer alone, and in its own kind alone", async () => {
  const { seal } = pair("audio");
  const sealed = (await seal.frame(Uint8Array.of(1, 1, 1), 0))!;
  const ring = ringOf("mara");
  for (const member of ["tom", "mara", "nobody"]) {
    const open = new OpeningStream(ring, "audio", member, nothing);
    assert.equal(await open.frame(sealed, 0), null);
    assert.equal(open.counts.wrongSender, 1, member);
  }
  const picture = new OpeningStream(ring, "video", "ada", nothing);
  assert.equal(await picture.frame(concat(Uint8Array.of(1), sealed), 0), null);
  assert.equal(picture.counts.wrongSender, 1);
});

test("what is not sealed is called so, and padding is called nothing", async () => {
  const { open } = pair("audio");
  for (const bytes of [[0x78, 1, 2, 3], [0xf8, 0xff, 0xfe], [0]]) assert.equal(await open.frame(Uint8Array.from(bytes), 0), null);
  assert.equal(await open.frame(new Uint8Array(), 0), null);
  assert.equal(open.counts.notSealed, 3);
});

test("the same frame is shown once, in whichever stream it comes", async () => {
  const { seal } = pair("audio");
  const ring = ringOf("tom");
  const [one, two] = [new OpeningStream(ring, "audio", "ada", nothing), new OpeningStream(ring, "audio", "ada", nothing)];
  const sealed = (await seal.frame(Uint8Array.of(9), 0))!;
  const both = await Promise.all([one.frame(sealed, 0), two.frame(sealed, 0)]);
  assert.equal(both.filter((frame) => frame !== null).length, 1);
  assert.equal(await one.frame(sealed, 0), null);
  assert.equal(one.counts.replayed + two.counts.replayed, 2);
});

test("frames may come late and out of order, within the window, once", () => {
  const window = new ReplayWindow();
  const random = seeded(7);
  const taken = new Set<number>();
  let newest = 0;
  for (let round = 0; round < 20_000; round++) {
    const ctr = Math.max(0, Math.floor(newest + 5 - random() * 1.5 * WINDOW * random()));
    const expected = !taken.has(ctr) && (taken.size === 0 || ctr > newest - WINDOW);
    assert.equal(window.take(BigInt(ctr)), expected, `${ctr} of ${newest}`);
    if (expected) taken.add(ctr);
    newest = Math.max(newest, expected ? ctr : 0);
  }
  assert.equal(window.fresh(2n ** 60n), false);
  const far = new ReplayWindow();
  far.take(5000n);
  assert.deepEqual([4999 - WINDOW, 5001 - WINDOW].map((ctr) => far.fresh(BigInt(ctr))), [false, true]);
});

test("an encoder is asked for a key frame when the keys change, and only then", async () => {
  let asked = 0;
  const ring = ringOf("ada");
  const seal = new SealingStream(ring, "video", () => asked++);
  await seal.frame(Uint8Array.of(0, ...new Uint8Array(20)), 0);
  await seal.frame(Uint8Array.of(1, 2, 3), 0);
  assert.equal(asked, 0);
  ring.install(given("ada", 2n, 8), 1000);
  await seal.frame(Uint8Array.of(1, 2, 3), 1100);
  assert.equal(asked, 0);
  for (const now of [1200, 1300]) await seal.frame(Uint8Array.of(1, 2, 3), now);
  assert.equal(asked, 1);
});

test("a sender is asked for a key frame with the first frame that opens after dropped ones, then once a second until one came", async () => {
  let asked = 0;
  const { seal } = pair("video");
  const ring = new Keyring();
  const open = new OpeningStream(ring, "video", "ada", () => asked++);
  const delta = async (now: number): Promise<unknown> => open.frame((await seal.frame(Uint8Array.of(1, 2, 3), 0))!, now);
  await delta(0);
  ring.install(given("tom"), 10);
  assert.equal(asked, 0);
  for (const now of [20, 500, 1019]) await delta(now);
  assert.equal(asked, 1);
  await delta(1020);
  assert.equal(asked, 2);
  await open.frame((await seal.frame(new Uint8Array(20), 0))!, 1200);
  await delta(3000);
  assert.equal(asked, 2);
});
