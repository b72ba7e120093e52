// The receivers that the page has given to the Worker, and how it stands with each.

import { Health, type StreamState } from "./health.ts";
import type { Counts, OpenOutcome } from "./stream.ts";

interface One {
  id: number;
  receiver: RTCRtpReceiver;
  health: Health;
}

export class Receivers {
  readonly #all = new Map<string, One>();

  add(id: number, receiver: RTCRtpReceiver, track: string): void {
    this.#all.set(track, { id, receiver, health: new Health() });
  }

  /** The id of a track that is no longer of interest; null if it never was. */
  remove(track: string): number | null {
    const id = this.#all.get(track)?.id ?? null;
    this.#all.delete(track);
    return id;
  }

  /** Takes the Worker's counts at `now` (ms). true: how it stands with one has changed. */
  note(opened: ReadonlyMap<number, Counts<OpenOutcome>>, now: number): boolean {
    let changed = false;
    for (const { id, health } of this.#all.values()) {
      const counts = opened.get(id);
      const before = health.state;
      if (counts && health.note(counts, now) !== before) changed = true;
    }
    return changed;
  }

  states(): ReadonlyMap<string, StreamState> {
    return new Map([...this.#all].map(([track, { health }]) => [track, health.state]));
  }

  /** Ends all tracks: black and still. */
  stop(): void {
    for (const { receiver } of this.#all.values()) receiver.track.stop();
  }

  clear(): void {
    this.#all.clear();
  }
}
