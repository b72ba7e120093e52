// The page's watch over its Worker, with a Worker and senders that do as the test says and time that the test makes pass.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { FromWorker, ToWorker } from "../src/sealing/messages.ts";
import { Sealer } from "../src/sealing/sealer.ts";

const STEP_MS = 50;

class FakeWorker {
  readonly told: ToWorker[] = [];
  #answered = 0;
  #hear: (event: { data: FromWorker }) => void = () => undefined;
  addEventListener(name: string, hear: (event: { data: FromWorker }) => void): void {
    if (name === "message") this.#hear = hear;
  }
  postMessage(message: ToWorker): void {
    this.told.push(message);
  }
  terminate(): void {}
  /** Answers, in order, all questions but the newest `late`: nothing has passed. */
  answer(late = 0): void {
    const asked = this.told.flatMap((one) => (one.type === "ping" ? [one.number] : []));
    for (; this.#answered < asked.length - late; this.#answered++) {
      this.#hear({ data: { type: "pong", number: asked[this.#answered]!, sealed: new Map(), opened: new Map() } });
    }
  }
}

/** A sender of a picture whose counts are as said; null: the browser never answers. */
function sending(frames: () => number | null): RTCRtpSender {
  const getStats = (): Promise<unknown> => {
    const framesSent = frames();
    return framesSent === null ? new Promise(() => undefined) : Promise.resolve(new Map([["1", { type: "outbound-rtp", framesSent }]]));
  };
  return { transport: null, track: null, replaceTrack: async () => undefined, getStats } as unknown as RTCRtpSender;
}

async function watched(senders: RTCRtpSender[], tick: (worker: FakeWorker) => void, seconds: number): Promise<string[]> {
  Object.assign(globalThis, { Worker: FakeWorker, RTCRtpScriptTransform: class {} });
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const [worker, failed] = [new FakeWorker(), [] as string[]];
  const sealer = new Sealer({ failed: (why) => failed.push(why), streams: () => undefined }, () => worker as unknown as Worker);
  for (const sender of senders) sealer.protectSender(sender, "video");
  for (let passed = 0; passed < seconds * 1000; passed += STEP_MS) {
    mock.timers.tick(STEP_MS);
    tick(worker);
    await new Promise((resolve) => setImmediate(resolve));
  }
  sealer.close();
  mock.timers.reset();
  return failed;
}

test("what leaves past the Worker is seen within two looks", async () => {
  let frames = 0;
  assert.deepEqual(await watched([sending(() => (frames += 20))], (worker) => worker.answer(), 3), ["leak"]);
  assert.deepEqual(await watched([sending(() => 0)], (worker) => worker.answer(), 4), []);
});

test("a Worker that is always late hides no leak", async () => {
  let frames = 0;
  assert.deepEqual(await watched([sending(() => (frames += 20))], (worker) => worker.answer(1), 5), ["leak"]);
});

test("counts that never come end the watch over no other sender", async () => {
  let frames = 0;
  assert.deepEqual(await watched([sending(() => null), sending(() => (frames += 20))], (worker) => worker.answer(), 5), ["leak"]);
});
