// Own devices: switched off means off, also for one that the browser is only just handing over.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Own } from "../src/own.ts";

class Track extends EventTarget {
  enabled = true;
  stopped = false;
  stop(): void {
    this.stopped = true;
  }
}

/** A page whose browser hands the devices over when `allow` is called. */
function page(): { own: Own; sent: string[]; tracks: Track[]; buttons: { disabled: boolean }[]; allow: () => Promise<void> } {
  const tracks = [new Track(), new Track()];
  let allow = (): void => undefined;
  const stream = { getAudioTracks: () => [tracks[0]], getVideoTracks: () => [tracks[1]] };
  const getUserMedia = (): Promise<unknown> => new Promise((resolve) => (allow = () => resolve(stream)));
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia } }, configurable: true });
  const button = () => ({ disabled: false, addEventListener: () => undefined, setAttribute: () => undefined }) as unknown as HTMLButtonElement;
  const [microphone, camera, sent] = [button(), button(), [] as string[]];
  const own = new Own({ microphone, camera }, { camera: true, cameraId: "", microphoneId: "" } as never, {
    track: (kind, track) => sent.push(`${kind} ${track ? "on" : "off"}`),
    muted: () => undefined,
    missing: () => undefined,
  });
  return { own, sent, tracks, buttons: [microphone, camera], allow: async () => (allow(), void (await new Promise((done) => setImmediate(done)))) };
}

test("devices that come after everything was switched off go off at once", async () => {
  for (const off of ["rest", "stop"] as const) {
    const { own, sent, tracks, buttons, allow } = page();
    void own.start();
    own[off]();
    await allow();
    assert.deepEqual([sent, tracks.map((one) => one.stopped)], [[], [true, true]]);
    assert.deepEqual(buttons.map((one) => one.disabled), off === "stop" ? [true, true] : [false, false]);
  }
});

test("after a rest the devices are taken again, after the end never", async () => {
  const { own, sent, allow } = page();
  void own.start();
  await allow();
  own.rest();
  void own.start();
  await allow();
  assert.deepEqual(sent, ["audio on", "video on", "audio off", "video off", "audio on", "video on"]);
  own.stop();
  void own.start();
  await allow();
  assert.equal(sent.length, 6);
});

test("while the media are held no device is on, and a microphone that was off comes back switched off", async () => {
  const { own, sent, tracks, allow } = page();
  void own.start();
  await allow();
  own.hush();
  own.pause();
  assert.deepEqual([sent.slice(-2), tracks.map((one) => one.stopped)], [["audio off", "video off"], [true, true]]);
  own.speak(); // nobody can be heard now
  void own.resume();
  await allow();
  assert.deepEqual([sent.slice(-2), tracks[0]!.enabled], [["audio on", "video on"], false]);
});

test("who was only being asked for their devices when the media were held is asked again afterwards", async () => {
  const { own, sent, allow } = page();
  void own.start();
  own.pause();
  await allow();
  assert.deepEqual(sent, []);
  void own.resume();
  await allow();
  assert.deepEqual(sent, ["audio on", "video on"]);
});
