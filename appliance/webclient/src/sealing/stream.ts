// One stream of frames, sealed or opened: what goes in comes out sealed or opened, or not at all. Counts by outcome; knows no
// browser object but WebCrypto.

import type { Kind } from "../protocol.ts";
import { type Bytes, concat } from "./bytes.ts";
import { clearBytes, isKey } from "./clear.ts";
import { decodeHeader, type Header } from "./header.ts";
import { TAG_BYTES } from "./keys.ts";
import type { Keyring } from "./keyring.ts";
import { CONTEXT, type Kid, parseKid } from "./kid.ts";
import type { Passed } from "./messages.ts";
import { decrypt, encrypt } from "./sframe.ts";

export const SEAL_OUTCOMES = ["sealed", "noKey", "empty", "failed"] as const;
export const OPEN_OUTCOMES = ["open", "noKey", "notSealed", "altered", "wrongSender", "replayed"] as const;
export type SealOutcome = (typeof SEAL_OUTCOMES)[number];
export type OpenOutcome = (typeof OPEN_OUTCOMES)[number];
export type Counts<Outcome extends string> = Record<Outcome, number>;

/** How often a receiver asks for a key frame at most; the relay passes two a second on. */
const ASK_MS = 1000;

function zeros<Outcome extends string>(outcomes: readonly Outcome[]): Counts<Outcome> {
  return Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Counts<Outcome>;
}

export class SealingStream {
  readonly counts = zeros(SEAL_OUTCOMES);
  #bytes = 0;
  #epoch: object | null = null;

  /** `wantKey`: the encoder is to make a key frame, since receivers may know nothing from before. */
  constructor(
    private readonly ring: Keyring,
    private readonly kind: Kind,
    private readonly wantKey: () => void,
  ) {}

  /** The sealed frame, or null: nothing may leave. */
  async frame(frame: Bytes, now: number): Promise<Bytes | null> {
    const clear = clearBytes(this.kind, frame);
    if (clear === null) return this.#drop("empty");
    try {
      const place = this.ring.sealing(CONTEXT[this.kind], now);
      if (!place) return this.#drop("noKey");
      if (this.#epoch !== place.epoch && this.kind === "video" && !isKey(frame)) this.wantKey();
      this.#epoch = place.epoch;
      const metadata = frame.subarray(0, clear);
      const sealed = await encrypt(await place.keys, place.kid, place.ctr, metadata, frame.subarray(clear));
      this.counts.sealed++;
      this.#bytes += clear + sealed.length;
      return clear === 0 ? sealed : concat(metadata, sealed);
    } catch {
      return this.#drop("failed");
    }
  }

  get passed(): Passed {
    return { frames: Object.values(this.counts).reduce((sum, count) => sum + count, 0), bytes: this.#bytes };
  }

  #drop(outcome: SealOutcome): null {
    this.counts[outcome]++;
    return null;
  }
}

/** Where a sealed frame's parts are, or why it is none. */
function parts(kind: Kind, frame: Bytes): { clear: number; header: Header; kid: Kid } | null {
  const clear = clearBytes(kind, frame);
  if (clear === null) return null;
  const header = decodeHeader(frame.subarray(clear));
  const kid = header && parseKid(header.kid);
  // A frame that was sealed had at least one byte.
  if (!header || !kid || frame.length <= clear + header.size + TAG_BYTES) return null;
  return { clear, header, kid };
}

export class OpeningStream {
  readonly counts = zeros(OPEN_OUTCOMES);
  /** No key frame yet, or frames were dropped since the last: the decoder lacks what the next ones build on. */
  #gap = true;
  #asked = -ASK_MS;

  /** `member`: whose stream the page takes this for. `askKey`: asks the sender for a key frame. */
  constructor(
    private readonly ring: Keyring,
    private readonly kind: Kind,
    private readonly member: string,
    private readonly askKey: () => void,
  ) {}

  /** The frame as it was before it was sealed, or null: nothing may be shown. */
  async frame(frame: Bytes, now: number): Promise<Bytes | null> {
    // Packets of mere padding, by which browsers try out how much fits, come as empty frames of sound: neither good nor bad.
    if (frame.length === 0) return null;
    const opened = await this.#open(frame, now);
    if (typeof opened === "string") {
      this.counts[opened]++;
      if (opened !== "replayed") this.#gap = true;
      return null;
    }
    this.counts.open++;
    // Not when keys come: until the sender goes over to them too, it would make its key frame under the older ones.
    if (isKey(opened)) this.#gap = false;
    else this.#ask(now);
    return opened;
  }

  async #open(frame: Bytes, now: number): Promise<Bytes | OpenOutcome> {
    const found = parts(this.kind, frame);
    if (!found) return "notSealed";
    const { clear, header, kid } = found;
    if (kid.context !== CONTEXT[this.kind]) return "wrongSender";
    const opening = this.ring.opening(kid, this.member, now);
    if (typeof opening === "string") return opening;
    if (!opening.window.fresh(header.ctr)) return "replayed";
    const metadata = frame.subarray(0, clear);
    const plain = await opening.keys.then((keys) => decrypt(keys, header, metadata, frame.subarray(clear)));
    if (!opening.live()) return "noKey";
    if (!plain) return "altered";
    // Only now: somebody who cannot seal must not be able to shut out frames that are still to come.
    if (!opening.window.take(header.ctr)) return "replayed";
    return clear === 0 ? plain : concat(metadata, plain);
  }

  #ask(now: number): void {
    if (this.kind !== "video" || !this.#gap || now - this.#asked < ASK_MS) return;
    this.#asked = now;
    this.askKey();
  }
}
