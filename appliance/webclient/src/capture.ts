// Camera and microphone: what a group needs and no more, and what to say when they cannot be had.

import type { Choices } from "./choices.ts";

export type Failure = "refused" | "none" | "inUse" | "unsupported" | "other";

/** Keys of sentences that the device test and the pages of the room carry, each in its own words. */
export type MissingWord = "soundOnly" | "pictureOnly" | "refused" | "none" | "inUse" | "unsupported" | "other";

export interface Captured {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
  /** Why something that was wanted is missing; null if nothing is. */
  failure: Failure | null;
}

export interface Wanted {
  audio: boolean;
  video: boolean;
}

/**
 * 1280 for the layer that a large tile gets; each browser takes the nearest that the camera has, and the number of layers follows what
 * came. A device with few cores has enough to do with the others' pictures and is asked for half of it. 20 pictures a second: lips can
 * be followed, and a phone stays cool.
 */
function picture(cores: number): MediaTrackConstraints {
  const [width, height] = cores < MANY_CORES ? [640, 360] : [1280, 720];
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 20, max: 24 }, facingMode: "user" };
}
const MANY_CORES = 4;
const SOUND: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** The kind of failure behind a getUserMedia error, by the names of the Media Capture specification, section 10.2. */
export function failureOf(name: string): Failure {
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "none";
  if (name === "NotReadableError" || name === "AbortError") return "inUse";
  return "other";
}

/** The key of the sentence about what is missing, or "" when all that was wanted is there. */
export function missingWord(got: Captured, wanted: Wanted): MissingWord | "" {
  if ((got.audio || !wanted.audio) && (got.video || !wanted.video)) return "";
  if (got.audio) return "soundOnly";
  if (got.video) return "pictureOnly";
  return got.failure ?? "other";
}

function constraints(wanted: Wanted, choices: Choices): MediaStreamConstraints {
  const any = picture(navigator.hardwareConcurrency || MANY_CORES);
  const camera = choices.cameraId ? { ...any, facingMode: [], deviceId: { ideal: choices.cameraId } } : any;
  const microphone = choices.microphoneId ? { ...SOUND, deviceId: { ideal: choices.microphoneId } } : SOUND;
  return { audio: wanted.audio && microphone, video: wanted.video && camera };
}

async function attempt(wanted: Wanted, choices: Choices): Promise<Captured> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints(wanted, choices));
    return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null, failure: null };
  } catch (error) {
    return { audio: null, video: null, failure: failureOf(error instanceof Error ? error.name : "") };
  }
}

/** Gets what it can: both, else the microphone, else the camera, else nothing and why. Asks the person at most once per kind. */
export async function capture(wanted: Wanted, choices: Choices): Promise<Captured> {
  if (!wanted.audio && !wanted.video) return { audio: null, video: null, failure: null };
  if (!navigator.mediaDevices?.getUserMedia) return { audio: null, video: null, failure: "unsupported" };
  const got = await attempt(wanted, choices);
  if (got.failure === null || !(wanted.audio && wanted.video)) return got;
  const sound = await attempt({ audio: true, video: false }, choices);
  if (sound.audio) return { ...sound, failure: got.failure };
  const picture = await attempt({ audio: false, video: true }, choices);
  return { ...picture, failure: got.failure };
}

/** Switches devices off for good: the camera's light goes out. */
export function release(got: Captured): void {
  got.audio?.stop();
  got.video?.stop();
}
