// Two pure rules of the page about its Worker: nothing may leave that has not passed it, and it must be alive.
//
// What was seen in Chromium 156 and Firefox 153, with and without mute, DTX, keys, RTX, replaceTrack and probing:
//   picture  `framesSent` counts what the encoder made, also what the transform dropped, and is exactly what the Worker got.
//            packetsSent and bytesSent are not exact: they hold padding and whatever is sent again in order to probe.
//   sound    `bytesSent` less `retransmittedBytesSent` is exactly the bytes that the Worker sealed. packetsSent is not: up to
//            fifty packets of mere padding go out on the sound's SSRC at the start when there is no RTX.
//   both     count from zero again in Firefox when a transform is set on a sender that has sent already. After
//            replaceTrack(null) Firefox goes on with one black frame a second, through the Worker like any other.
//   layers   each has a report of its own and all pass one transform; an own report may go, come back, or begin anew by itself.

import type { Kind } from "../protocol.ts";
import type { Passed } from "./messages.ts";

/** How often the page asks for the Worker's counts and the browser's. */
export const WATCH_MS = 1000;
/** How long a Worker with much to do may need to get to what the browser has counted already. */
export const PATIENCE_MS = 250;
/** Looks that a new one is compared with; a leak of a part of the frames shows over several. */
const LOOKS = 5;

/** Streams of one sender that are kept apart: three layers, and what a browser may put in their place once. */
const MAX_STREAMS = 16;

interface Report {
  type: string;
  id: string;
  ssrc?: number;
  framesSent?: number;
  bytesSent?: number;
  retransmittedBytesSent?: number;
}

/**
 * What the browser says has left by one sender over all of its layers: frames of a picture, bytes of sound. Only ever more: a layer
 * that is not reported for a while, or counted anew, takes nothing back from what the others have sent.
 */
export class Tally {
  readonly #last = new Map<string, number>();
  #total = 0;

  constructor(private readonly kind: Kind) {}

  /** Takes a report; the sum since the beginning. */
  note(report: RTCStatsReport): number {
    report.forEach((entry: Report) => {
      if (entry.type !== "outbound-rtp") return;
      const key = String(entry.ssrc ?? entry.id);
      const [now, last] = [this.#sent(entry), this.#last.get(key) ?? 0];
      this.#total += now < last ? now : now - last;
      if (this.#last.has(key) || this.#last.size < MAX_STREAMS) this.#last.set(key, now);
    });
    return this.#total;
  }

  #sent(entry: Report): number {
    return this.kind === "video" ? (entry.framesSent ?? 0) : (entry.bytesSent ?? 0) - (entry.retransmittedBytesSent ?? 0);
  }
}

/** The same of what has passed the Worker. */
export function passedOf(kind: Kind, passed: Passed): number {
  return kind === "video" ? passed.frames : passed.bytes;
}

const BEGIN = { sent: 0, passed: 0 };

/** One sender's counts, which never fall. More sent than passed, since the beginning or since one of the last looks, is a leak. */
export class Balance {
  #looks: { sent: number; passed: number }[] = [];
  #passed = 0;

  /** Whether `sent`, counted before `passed`, is more than can be. Changes nothing: ask again with what passed a little later. */
  leaks(sent: number, passed: number): boolean {
    return [BEGIN, ...this.#looks].some((one) => sent - one.sent > passed - one.passed);
  }

  /** Takes counts that were found good. */
  note(sent: number, passed: number): void {
    // With what had passed a look earlier: it is certain to be no more than what had passed when `sent` was counted.
    this.#looks = [...this.#looks, { sent, passed: this.#passed }].slice(-LOOKS);
    this.#passed = passed;
  }
}

/** A Worker that is busy answers late, one that is dead never. Three questions, the first so long ago: seen within four seconds. */
export const DEAD_MS = 2500;
/** After sleep the clock has jumped and one question may be old: the next ones tell. */
const DEAD_PINGS = 3;

export class Liveness {
  #open: number[] = [];

  /** A ping went out at `now` (ms). */
  asked(now: number): void {
    // Bounded: nothing is learnt from more than a few that were not answered.
    if (this.#open.length < DEAD_PINGS * 2) this.#open.push(now);
  }

  answered(): void {
    this.#open = [];
  }

  dead(now: number): boolean {
    return this.#open.length >= DEAD_PINGS && now - this.#open[0]! >= DEAD_MS;
  }
}
