// What to do about a path to the relay that has gone quiet, and when to look for a new one: a phone on another access point, a
// laptop that slept, a cable that was moved. First other credentials for the same path (ICE restart), which keeps keys, tracks and
// pictures; a fresh join only when that does not help.

import { RequestFault, type Surroundings } from "./signalling.ts";

/** How long new credentials may take to find a way before the room is joined afresh. Milliseconds. */
export const GIVE_UP_MS = 4000;
/** How long the box may take to answer for them; a line that is slower than that is dead too. */
export const ANSWER_MS = 2000;

export interface PathWork {
  /** Gets new credentials from the relay and begins with them. */
  restart(): Promise<void>;
  /** No way was found, or the relay knows the path no more. */
  broken(): void;
  /** The box does not answer either. */
  lineDead(): void;
}

/** One transport. Its states in, what to do out. */
export class Path {
  #state = "new";
  #busy = false;
  #stopTimer: (() => void) | null = null;
  #ended = false;

  constructor(
    private readonly work: PathWork,
    private readonly later: Surroundings["later"],
  ) {}

  /** A state as WebRTC names it: "connected", "disconnected", "failed" … */
  state(state: string): void {
    this.#state = state;
    if (state === "connected") this.#calm();
    if (state === "disconnected" || state === "failed") void this.renew();
    this.#hurry();
  }

  /** Looks for a new way now: the path is quiet, or this device is somewhere else. One that was never used needs none. */
  async renew(): Promise<void> {
    if (this.#busy || this.#ended || this.#state === "new") return;
    this.#busy = true;
    this.#hurry();
    const stopWaiting = this.later(() => this.#ended || this.work.lineDead(), ANSWER_MS);
    try {
      await this.work.restart();
    } catch (fault) {
      // Without a line there is no answer: on the next line all is looked at anew.
      if (!(fault instanceof RequestFault && (fault.code === "line" || fault.code === "away"))) this.#giveUp();
    } finally {
      stopWaiting();
      this.#busy = false;
    }
  }

  /** Its transport is closed: nothing more is to be done. */
  end(): void {
    this.#ended = true;
    this.#calm();
  }

  #hurry(): void {
    const quiet = this.#state === "disconnected" || this.#state === "failed";
    if (quiet && !this.#ended) this.#stopTimer ??= this.later(() => this.#giveUp(), GIVE_UP_MS);
  }

  #calm(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #giveUp(): void {
    this.#calm();
    if (!this.#ended) this.work.broken();
  }
}

/** A second without a tick is a busy device; this many milliseconds are sleep. A hidden page may tick once in a minute only. */
export const SLEPT_MS = 5000;
export const HIDDEN_SLEPT_MS = 90_000;
const TICK_MS = 1000;
/** One change of network is told in several ways at once. */
const ONCE_MS = 1000;

/** Tells sleep from the gaps between ticks. */
export class Ticks {
  #last: number;

  constructor(now: number) {
    this.#last = now;
  }

  /** A tick at `now` (ms). true: the device has slept since the last one. */
  slept(now: number, hidden: boolean): boolean {
    const gap = now - this.#last;
    this.#last = now;
    return gap >= (hidden ? HIDDEN_SLEPT_MS : SLEPT_MS);
  }
}

/** Calls `work` when the network has become another one, and after sleep: lines and paths from before are likely dead. */
export function watchNetwork(work: () => void): void {
  let last = -ONCE_MS;
  const moved = (): void => {
    if (performance.now() - last < ONCE_MS) return;
    last = performance.now();
    work();
  };
  const ticks = new Ticks(Date.now());
  const look = (): void => void (ticks.slept(Date.now(), document.visibilityState === "hidden") && moved());
  setInterval(look, TICK_MS);
  document.addEventListener("visibilitychange", look);
  addEventListener("online", moved);
  // Chromium on phones alone; elsewhere it is missing or tells mere guesses about the speed under the same name.
  const connection = (navigator as { connection?: EventTarget & { type?: string } }).connection;
  let type = connection?.type;
  connection?.addEventListener("change", () => {
    if (connection.type === type) return;
    type = connection.type;
    moved();
  });
}
