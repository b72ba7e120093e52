// What a frame costs in a Worker: the Worker's own streams, one frame after the other, as they come.

import type { Kind } from "../../src/protocol.ts";
import { importBase } from "../../src/sealing/keys.ts";
import { Keyring } from "../../src/sealing/keyring.ts";
import { OpeningStream, SealingStream } from "../../src/sealing/stream.ts";

const LEAVES = new Map([["ada", 0], ["tom", 1]]);

function ringOf(leaf: number): Keyring {
  const ring = new Keyring();
  ring.install({ epoch: 1n, leaf, base: importBase(new Uint8Array(16)), leaves: LEAVES }, 0);
  return ring;
}

/** Milliseconds of each of `frames` frames of `bytes` bytes, sealed and opened. */
async function measure(kind: Kind, bytes: number, frames: number): Promise<{ seal: number[]; open: number[] }> {
  const nothing = (): void => undefined;
  const [seal, open] = [new SealingStream(ringOf(0), kind, nothing), new OpeningStream(ringOf(1), kind, "ada", nothing)];
  const took = { seal: [] as number[], open: [] as number[] };
  const plain = new Uint8Array(bytes).fill(1);
  for (let frame = 0; frame < frames; frame++) {
    const start = performance.now();
    const sealed = await seal.frame(plain.slice(), start);
    const middle = performance.now();
    const opened = sealed && (await open.frame(sealed, middle));
    took.seal.push(middle - start);
    took.open.push(performance.now() - middle);
    if (opened?.length !== bytes) throw new Error("a frame was lost");
  }
  return took;
}

self.onmessage = ({ data }) => void measure(data.kind, data.bytes, data.frames).then((took) => self.postMessage(took));
