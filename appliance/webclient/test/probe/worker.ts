// The shipped Worker with somebody dishonest behind it: what it has sealed can be altered, repeated or taken away before it leaves.
// Only tests load this.

import "../../src/sealing/worker.ts";
import { vectors } from "./vectors.ts";

interface EncodedFrame {
  data: ArrayBuffer;
}
interface Pipe {
  readable: ReadableStream<EncodedFrame>;
  writable: WritableStream<EncodedFrame>;
}

/** sealed: as it should be. plain: nothing is sealed. */
export type Mischief = "sealed" | "plain" | "alterEnd" | "alterStart" | "cut" | "replay";

const scope = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  onrtctransform: (event: { transformer: Pipe & { options: { id: number } } }) => void;
  postMessage(message: unknown): void;
};
const [honestMessage, honestTransform] = [scope.onmessage, scope.onrtctransform];

let mischief: Mischief = "sealed";
const KEPT = 100;
const kept = new Map<number, { frames: ArrayBuffer[]; next: number }>();

function spoil(id: number, frame: EncodedFrame): void {
  const bytes = new Uint8Array(frame.data.slice(0));
  const old = kept.get(id) ?? { frames: [], next: 0 };
  kept.set(id, old);
  if (mischief === "sealed" && old.frames.length < KEPT) old.frames.push(frame.data.slice(0));
  if (mischief === "replay") frame.data = old.frames[old.next++ % old.frames.length]!.slice(0);
  if (mischief === "alterEnd") bytes[bytes.length - 1]! ^= 1;
  if (mischief === "alterStart") bytes[0]! ^= 0x40; // of a picture: a bit of what is clear
  if (mischief === "cut") frame.data = frame.data.slice(0, frame.data.byteLength - 1);
  if (mischief === "alterEnd" || mischief === "alterStart") frame.data = bytes.buffer;
}

scope.onmessage = (event) => {
  if (event.data.type === "mischief") mischief = event.data.mischief;
  else if (event.data.type === "die") setTimeout(() => { throw new Error("the Worker broke"); });
  else if (event.data.type === "vectors") {
    const { headers, suites } = event.data;
    vectors(headers, suites).then((count) => scope.postMessage({ count }), (problem) => scope.postMessage({ problem: String(problem) }));
  } else honestMessage(event);
};

scope.onrtctransform = ({ transformer }) => {
  const { options } = transformer;
  if (mischief === "plain") return void transformer.readable.pipeTo(transformer.writable).catch(() => undefined);
  const after = new TransformStream<EncodedFrame, EncodedFrame>({
    transform(frame, controller) {
      spoil(options.id, frame);
      controller.enqueue(frame);
    },
  });
  after.readable.pipeTo(transformer.writable).catch(() => undefined);
  honestTransform({ transformer: { options, readable: transformer.readable, writable: after.writable } as typeof transformer });
};
