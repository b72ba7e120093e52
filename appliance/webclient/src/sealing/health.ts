// How it stands with one received track, from the Worker's counts. Pure: samples with their times in, a word out.

import type { Counts, OpenOutcome } from "./stream.ts";

/**
 * waiting: no frame has come yet. open: frames come and are opened. silent: none comes any more, as when somebody muted.
 * The rest: frames have come for a while and none was opened, mostly for this reason.
 */
export type StreamState = "waiting" | "open" | "silent" | Exclude<OpenOutcome, "open">;

/** How long frames may come unopened before it is said: keys of a newer epoch are under way for less. */
export const DOUBT_MS = 2000;
/** How long nothing may come before a stream counts as silent. Opus without speech sends every 400 ms. */
export const SILENT_MS = 3000;

const REASONS = ["noKey", "notSealed", "altered", "wrongSender", "replayed"] as const;

export class Health {
  state: StreamState = "waiting";
  #last: Counts<OpenOutcome> | null = null;
  #frameCame = 0;
  /** Since when frames come without one that opens, and how many for which reason. */
  #doubt: { since: number; reasons: Map<StreamState, number> } | null = null;

  /** Takes a sample at `now` (ms); the state after it. */
  note(counts: Counts<OpenOutcome>, now: number): StreamState {
    const more = (outcome: OpenOutcome): number => counts[outcome] - (this.#last?.[outcome] ?? 0);
    const refused = REASONS.filter((reason) => more(reason) > 0);
    if (more("open") > 0) this.#open();
    else if (refused.length > 0) this.#refuse(refused.map((reason) => [reason, more(reason)]), now);
    else if (now - this.#frameCame >= SILENT_MS) this.#rest();
    if (more("open") > 0 || refused.length > 0) this.#frameCame = now;
    this.#last = { ...counts };
    return this.state;
  }

  #rest(): void {
    if (this.state !== "waiting") this.state = "silent";
    this.#doubt = null;
  }

  #open(): void {
    this.state = "open";
    this.#doubt = null;
  }

  #refuse(refused: [StreamState, number][], now: number): void {
    const doubt = (this.#doubt ??= { since: now, reasons: new Map() });
    for (const [reason, count] of refused) doubt.reasons.set(reason, (doubt.reasons.get(reason) ?? 0) + count);
    if (now - doubt.since < DOUBT_MS) return;
    this.state = [...doubt.reasons].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  }
}
