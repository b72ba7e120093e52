// The device test: picture, a bar that follows the voice, the choice of devices, and a plain sentence when something is missing;
// beside it sound, headphones, line and the browser's age (way/others.ts).
// A browser that cannot seal picture and sound is told so here, before anybody waits for nothing.

import { capture, type Captured, missingWord, release } from "./capture.ts";
import { keepChoices, loadChoices } from "./choices.ts";
import { watchLevel } from "./level.ts";
import { supported } from "./sealing/supported.ts";
import { showPicture } from "./view.ts";
import { Hearing } from "./way/hearing.ts";
import { lookAtAge, lookForHeadphones, watchLine, watchTone } from "./way/others.ts";
import { word } from "./words.ts";

const WANTED = { audio: true, video: true };
const choices = loadChoices(sessionStorage);
let got: Captured = { audio: null, video: null, failure: null };
const goOn = element("go-on").querySelector("button")!;
let stopLevel = (): void => undefined;
let weak = false; // a line for voices
let chosen = false; // by the person: no measure takes that back

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function fillChoice(id: string, devices: MediaDeviceInfo[], word_: string, used: string | undefined): void {
  const select = element<HTMLSelectElement>(`${id}-choice`);
  select.replaceChildren(
    ...devices.map((device, place) => new Option(device.label || word(word_, { number: place + 1 }), device.deviceId, false, device.deviceId === used)),
  );
  element(`${id}-field`).hidden = devices.length < 2;
}

async function listDevices(): Promise<void> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind): MediaDeviceInfo[] => all.filter((device) => device.kind === kind && device.deviceId !== "");
  fillChoice("camera", of("videoinput"), "camera", got.video?.getSettings().deviceId);
  fillChoice("microphone", of("audioinput"), "microphone", got.audio?.getSettings().deviceId);
}

async function test(): Promise<void> {
  stopLevel();
  release(got);
  element("ask").hidden = true;
  element("result").hidden = false;
  element("sentence").textContent = word("asking");
  got = await capture(WANTED, choices);
  element("sentence").textContent = word(missingWord(got, WANTED) || "both");
  showPicture(element<HTMLVideoElement>("preview"), got.video);
  element("level-field").hidden = got.audio === null;
  element("hearing").hidden = true;
  if (got.audio) stopLevel = listen(got.audio);
  if (got.audio || got.video) await listDevices();
  await lookForHeadphones();
  suggest(!weak && (got.video !== null || got.failure === null));
  goOn.classList.remove("second");
}

/** The bar, and a sentence when nothing or only noise is heard for some seconds. */
function listen(track: MediaStreamTrack): () => void {
  const hearing = new Hearing();
  const place = element("hearing");
  return watchLevel(track, element<HTMLMeterElement>("level"), (level) => {
    const key = hearing.heard(level, performance.now());
    const sentence = word(key);
    if (place.textContent !== sentence) place.textContent = sentence;
    place.hidden = key === "";
  });
}

/** Without a picture, or on a line that carries none, "sound only" is chosen for the person; they can still change it. */
function suggest(camera: boolean): void {
  if (!chosen) choose(camera);
}

function choose(camera: boolean): void {
  element<HTMLInputElement>(camera ? "camera-on" : "camera-off").checked = true;
}

function keep(): void {
  choices.camera = element<HTMLInputElement>("camera-on").checked;
  keepChoices(sessionStorage, choices);
}

function changed(kind: "cameraId" | "microphoneId", select: HTMLSelectElement): void {
  choices[kind] = select.value;
  void test();
}

const able = supported() !== null;
element("too-old").hidden = able;
element("test").hidden = !able;
element("go-on").hidden = !able;
element("checks").hidden = !able;
choose(choices.camera);
goOn.classList.add("second"); // one big thing at a time: first the test
element("start").addEventListener("click", () => void test());
element("again").addEventListener("click", () => void test());
element("go-on").addEventListener("submit", keep);
element("go-on").addEventListener("change", () => (chosen = true));
if (able) {
  lookAtAge();
  navigator.mediaDevices?.addEventListener?.("devicechange", () => void lookForHeadphones()); // put on now
  watchTone();
  watchLine(() => {
    weak = true;
    suggest(false);
  });
}
for (const [id, kind] of [["camera", "cameraId"], ["microphone", "microphoneId"]] as const) {
  const select = element<HTMLSelectElement>(`${id}-choice`);
  select.addEventListener("change", () => changed(kind, select));
}
