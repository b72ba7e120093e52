// The rules of the device test: what a line is good for, how old a browser is, who wears headphones, what a microphone hears.

import assert from "node:assert/strict";
import { test } from "node:test";
import { takesLonger, waitKey } from "../src/hour/waitrules.ts";
import { browserAge } from "../src/way/browsers.ts";
import { Hearing } from "../src/way/hearing.ts";
import { type Named, wears } from "../src/way/headphones.ts";
import { FIRST_SIZE, LARGEST_SIZE, lineVerdict, median, nextSize, rateOf } from "../src/way/line.ts";
import { measure } from "../src/way/measure.ts";

test("a line is as good as the worse of its two measures", () => {
  assert.equal(lineVerdict({ roundTrip: 20, rate: 20_000 }), "lineGood");
  assert.equal(lineVerdict({ roundTrip: 20, rate: 600 }), "lineWeak");
  assert.equal(lineVerdict({ roundTrip: 600, rate: 20_000 }), "lineWeak");
  assert.equal(lineVerdict({ roundTrip: 20, rate: 100 }), "lineVeryWeak");
  assert.equal(lineVerdict({ roundTrip: 3000, rate: 20_000 }), "lineVeryWeak");
  assert.equal(lineVerdict(null), "lineUnknown");
});

test("a line of 300 kbit/s with 400 ms is weak, and still one for a picture", () => {
  assert.equal(lineVerdict({ roundTrip: 400, rate: 300 }), "lineWeak");
});

test("sizes grow until one says enough, and never past what the box answers", () => {
  assert.equal(nextSize(FIRST_SIZE, 500), null);
  const sizes: number[] = [];
  for (let size: number | null = FIRST_SIZE; size !== null; size = nextSize(size, 1)) sizes.push(size);
  assert.deepEqual([sizes[0], sizes[sizes.length - 1]], [FIRST_SIZE, LARGEST_SIZE]);
});

test("a rate leaves the way there and back out, and a clock that stands still is no division by zero", () => {
  assert.equal(rateOf(1000, 480, 400), 100);
  assert.ok(Number.isFinite(rateOf(1000, 400, 400)));
});

test("the middle of an even number of measures lies between two", () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])], [2, 2.5, 7]);
});

/** A line with a round trip in ms and a rate in kbit/s, and the clock that it moves. */
function made(roundTrip: number, rate: number): [(bytes: number) => Promise<void>, () => number] {
  let now = 0;
  return [async (bytes) => void (now += roundTrip + (bytes * 8) / rate), () => now];
}

test("what is measured is what the line is", async () => {
  for (const [roundTrip, rate] of [[5, 50_000], [400, 300], [900, 64]] as const) {
    const found = await measure(...made(roundTrip, rate));
    assert.ok(found && Math.abs(found.roundTrip - roundTrip) <= 1 && Math.abs(found.rate / rate - 1) < 0.05, JSON.stringify(found));
  }
});

test("a box that does not answer is said, not waited for", async () => {
  assert.equal(await measure(() => Promise.reject(new Error("gone")), () => 0), null);
});

const ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const NEW_IPHONE = IPHONE.replaceAll("15_8", "18_2");
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";

test("a browser is as old as its own version says, whatever else it calls itself", () => {
  assert.equal(browserAge(`${ANDROID} Chrome/150.0.0.0 Mobile Safari/537.36`), "fresh");
  assert.equal(browserAge(`${ANDROID} Chrome/95.0.4638.74 Mobile Safari/537.36`), "aged");
  assert.equal(browserAge(`${ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`), "fresh");
  assert.equal(browserAge(`${ANDROID} SamsungBrowser/16.0 Chrome/92.0.0.0 Mobile Safari/537.36`), "aged");
  assert.equal(browserAge("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "fresh");
  assert.equal(browserAge("Mozilla/5.0 (Windows NT 6.1; rv:115.0) Gecko/20100101 Firefox/115.0"), "aged");
  assert.equal(browserAge(`${MAC} Version/18.1 Safari/605.1.15`), "fresh");
  assert.equal(browserAge(`${MAC} Version/15.6.1 Safari/605.1.15`), "aged");
});

test("on an iPhone every browser is as old as the phone", () => {
  for (const own of ["Version/18.2 Mobile/15E148 Safari/604.1", "CriOS/150.0.0.0 Mobile/15E148 Safari/604.1", "FxiOS/140.0 Mobile/15E148"]) {
    assert.deepEqual([browserAge(`${IPHONE} ${own}`), browserAge(`${NEW_IPHONE} ${own}`)], ["aged", "fresh"]);
  }
});

test("a browser that nobody knows is not called old", () => {
  for (const name of ["", "Mozilla/5.0", "Lynx/2.9", "Chrome/", "x".repeat(10_000)]) assert.equal(browserAge(name), "unknown");
});

function device(label: string, kind = "audiooutput", deviceId = "a"): Named {
  return { label, kind, deviceId };
}

test("headphones are known by their names in the languages that we have", () => {
  for (const label of ["Headphones (Realtek)", "Wired headset", "Auriculares (USB)", "Audífonos", "Rosa's AirPods Pro", "Galaxy Buds2", "Earbuds", "Bluetooth headset"]) {
    assert.equal(wears([device(label)]), "yes", label);
  }
});

test("a phone's own ear piece and loudspeakers are no headphones", () => {
  for (const label of ["Headset earpiece", "Speakerphone", "Altavoces (Realtek)", "Bluetooth speaker", "Built-in Audio Analog Stereo", ""]) {
    assert.equal(wears([device(label)]), "unknown", label);
  }
});

test("what is on Bluetooth and says no more may be anything", () => {
  assert.equal(wears([device("Bluetooth Audio")]), "perhaps");
});

test("where the browser names the output in use, only that counts", () => {
  const others = [device("Headphones (Realtek)"), device("Speakers (Realtek)")];
  assert.equal(wears([device("Default - Speakers (Realtek)", "audiooutput", "default"), ...others]), "unknown");
  assert.equal(wears([device("Default - Headphones (Realtek)", "audiooutput", "default"), ...others]), "yes");
  assert.equal(wears([device("Default", "audiooutput", "default"), device("Headset Microphone", "audioinput")]), "yes");
});

test("a camera called after a headset is a camera", () => {
  assert.equal(wears([device("Headset camera", "videoinput")]), "unknown");
});

/** What is said at the end of `seconds` of that level, ten times a second. */
function after(seconds: number, level: (step: number) => number): string {
  const hearing = new Hearing();
  let said = "";
  for (let step = 0; step <= seconds * 10; step++) said = hearing.heard(level(step), step * 100);
  return said;
}

test("nothing is said before there was time to speak", () => {
  assert.equal(after(4, () => 0), "");
});

test("a microphone that hears nothing for some seconds is told, until it hears something", () => {
  assert.equal(after(6, () => 1), "hearNothing");
  assert.equal(after(6, (step) => (step === 55 ? 40 : 1)), "");
});

test("a noise that never stops is told; a loud voice with its pauses is not", () => {
  assert.equal(after(8, () => 65), "hearNoise");
  assert.equal(after(8, (step) => (step % 4 === 0 ? 20 : 80)), "");
});

test("one who begins to speak late is not taken for a noise or a silence", () => {
  assert.equal(after(8, (step) => (step > 60 ? (step % 5 === 0 ? 10 : 70) : 1)), "");
});

const HOUR = { phase: "open", locked: false, leaderHere: true };

test("who waits is told the first thing that explains the wait", () => {
  assert.equal(waitKey(HOUR), "waitOpen");
  assert.equal(waitKey({ ...HOUR, phase: "scheduled", leaderHere: false }), "waitNotOpen");
  assert.equal(waitKey({ ...HOUR, leaderHere: false, locked: true }), "waitLeaderAway");
  assert.equal(waitKey({ ...HOUR, phase: "running", locked: true }), "waitLocked");
  for (const phase of ["rules", "running", "paused"]) assert.equal(waitKey({ ...HOUR, phase }), "waitBegun");
});

test("that it takes longer is said after twice the average, and never of an average that nobody knows", () => {
  assert.equal(takesLonger(4 * 60 * 2, 4), false);
  assert.equal(takesLonger(4 * 60 * 2 + 1, 4), true);
  assert.equal(takesLonger(100_000, null), false);
});
