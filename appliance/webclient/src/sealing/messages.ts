// What page and Worker say to each other.

import type { Kind } from "../protocol.ts";
import type { Bytes } from "./bytes.ts";
import type { Counts, OpenOutcome } from "./stream.ts";

/** One sender's or receiver's frames; `id` is the page's. The options of a transform. */
export type StreamOptions = { id: number; kind: Kind; role: "seal" } | { id: number; kind: Kind; role: "open"; member: string };

export type ToWorker =
  | { type: "keys"; epoch: bigint; leaf: number; baseKey: Bytes; leaves: ReadonlyMap<string, number> }
  | { type: "silence" }
  | { type: "stream"; options: StreamOptions; readable: ReadableStream; writable: WritableStream }
  | { type: "forget"; id: number }
  | { type: "ping"; number: number };

/** What one sender's frames came to: `frames` all that came to the Worker, `bytes` what of them was sealed. */
export interface Passed {
  frames: number;
  bytes: number;
}

export type FromWorker =
  | { type: "pong"; number: number; sealed: ReadonlyMap<number, Passed>; opened: ReadonlyMap<number, Counts<OpenOutcome>> }
  /** The first frame of a stream was opened: worth showing before the next second is over. */
  | { type: "first"; id: number };
