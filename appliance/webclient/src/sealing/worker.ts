// The Worker: frames of all senders and receivers of a page pass here, and the keys are nowhere else. Whatever goes wrong with a
// frame, it is dropped; whatever goes wrong with the Worker, nothing passes any more (the browser lets no frame round a transform).

import type { FromWorker, StreamOptions, ToWorker } from "./messages.ts";
import { importBase } from "./keys.ts";
import { Keyring, PURGE_MS } from "./keyring.ts";
import { OpeningStream, SealingStream } from "./stream.ts";

interface EncodedFrame {
  data: ArrayBuffer;
}

/** RTCRtpScriptTransformer. Chromium 156 has no generateKeyFrame, and what createEncodedStreams gives has neither method. */
interface Pipe {
  readable: ReadableStream<EncodedFrame>;
  writable: WritableStream<EncodedFrame>;
  generateKeyFrame?: () => Promise<unknown>;
  sendKeyFrameRequest?: () => Promise<unknown>;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<ToWorker>) => void;
  onrtctransform: (event: { transformer: Pipe & { options: StreamOptions } }) => void;
  postMessage(message: FromWorker): void;
};

const ring = new Keyring();
const sealing = new Map<number, SealingStream>();
const opening = new Map<number, OpeningStream>();

/** Asks the browser for something that it may not know or refuse; frames go on without. */
function kindly(ask: (() => Promise<unknown>) | undefined): void {
  try {
    void ask?.().catch(() => undefined);
  } catch {
    // A transformer whose peer connection has ended.
  }
}

/** `options` come from the page alone. */
function start(options: StreamOptions, pipe: Pipe): void {
  const { id, kind } = options;
  if (options.role === "seal") {
    const stream = new SealingStream(ring, kind, () => kindly(pipe.generateKeyFrame?.bind(pipe)));
    sealing.set(id, stream);
    flow(pipe, (frame) => (sealing.has(id) ? stream.frame(frame, performance.now()) : Promise.resolve(null)));
  } else {
    const stream = new OpeningStream(ring, kind, options.member, () => kindly(pipe.sendKeyFrameRequest?.bind(pipe)));
    opening.set(id, stream);
    flow(pipe, async (frame) => {
      const opened = opening.has(id) ? await stream.frame(frame, performance.now()) : null;
      if (opened && stream.counts.open === 1) scope.postMessage({ type: "first", id });
      return opened;
    });
  }
}

/** One frame after the other: their order is the decoder's. */
function flow(pipe: Pipe, work: (frame: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer> | null>): void {
  const transform = new TransformStream<EncodedFrame, EncodedFrame>({
    async transform(frame, controller) {
      try {
        const done = await work(new Uint8Array(frame.data));
        if (!done) return;
        frame.data = done.buffer;
        controller.enqueue(frame);
      } catch {
        // Dropped: an exception must neither let a frame through nor end the stream.
      }
    },
  });
  pipe.readable.pipeThrough(transform).pipeTo(pipe.writable).catch(() => undefined); // its peer connection has ended
}

function onKeys(message: Extract<ToWorker, { type: "keys" }>): void {
  const base = importBase(message.baseKey);
  base.catch(() => undefined); // each frame under it is then dropped by itself
  ring.install({ epoch: message.epoch, leaf: message.leaf, base, leaves: message.leaves }, performance.now());
  // Also when no frame comes that would do it.
  setTimeout(() => ring.purge(performance.now()), PURGE_MS + 1);
}

function onMessage(message: ToWorker): void {
  if (message.type === "keys") onKeys(message);
  else if (message.type === "silence") ring.silence();
  else if (message.type === "stream") start(message.options, message);
  else if (message.type === "forget") {
    sealing.delete(message.id);
    opening.delete(message.id);
  } else if (message.type === "ping") {
    scope.postMessage({
      type: "pong",
      number: message.number,
      sealed: new Map([...sealing].map(([id, stream]) => [id, stream.passed])),
      opened: new Map([...opening].map(([id, stream]) => [id, stream.counts])),
    });
  }
}

scope.onmessage = (event) => onMessage(event.data);
scope.onrtctransform = (event) => start(event.transformer.options, event.transformer);
