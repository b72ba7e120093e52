// Two pure rules of the page about its Worker: nothing may leave that the Worker has not sealed, and the Worker must be alive.

/** How often the page asks for the Worker's counts and the browser's. */
export const WATCH_MS = 1000;

/** What the browser says that one sender has sent, by getStats: frames of a picture, packets of sound (one frame each). */
export function sentOf(report: RTCStatsReport): number {
  let sent = 0;
  report.forEach((entry: { type: string; kind: string; framesSent?: number; packetsSent?: number; retransmittedPacketsSent?: number }) => {
    if (entry.type !== "outbound-rtp") return;
    sent += entry.kind === "video" ? (entry.framesSent ?? 0) : (entry.packetsSent ?? 0) - (entry.retransmittedPacketsSent ?? 0);
  });
  return sent;
}

/** A Worker that is busy answers late, one that is dead never. */
export const DEAD_MS = 3000;
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
