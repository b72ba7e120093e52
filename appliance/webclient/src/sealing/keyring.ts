// The keys of a worker: epochs in the order in which they came, the newest for sealing, older ones for opening until they are purged.
// Knows no clock: the time comes with each question, in milliseconds that never run backwards.

import { type FrameKeys, frameKeys } from "./keys.ts";
import { type Kid, kidOf } from "./kid.ts";
import { ReplayWindow } from "./replay.ts";

/** How long after new keys the older ones still seal: a phone needs this to take the Commit that leads to them. Longer: somebody removed hears on. */
export const SWITCH_MS = 200;

/** How long after new keys the older ones still open: what was under way in relay and jitter buffers. DESIGN.md 7 allows one to two seconds. */
export const PURGE_MS = 1500;

/** Epochs at one time; a burst of admissions makes one each, and each is purged after PURGE_MS. More: the oldest goes at once. */
export const MAX_EPOCHS = 8;

/** Frames under one key; far below 2^53, and at 60 frames a second that is a century. */
const LAST_CTR = 2n ** 48n;

export interface NewKeys {
  epoch: bigint;
  /** The own leaf. */
  leaf: number;
  base: Promise<CryptoKey>;
  /** Whose leaf is which, in this epoch. */
  leaves: ReadonlyMap<string, number>;
}

/** One frame's place under a key. */
export interface Sealing {
  kid: bigint;
  ctr: bigint;
  epoch: object;
  keys: Promise<FrameKeys>;
}

export interface Opening {
  keys: Promise<FrameKeys>;
  window: ReplayWindow;
  /** false as soon as the keys were purged, even between question and use. */
  live(): boolean;
}

class Epoch {
  purged = false;
  readonly #counters = new Map<bigint, bigint>();
  readonly #keys = new Map<string, Promise<FrameKeys>>();
  readonly #windows = new Map<bigint, ReplayWindow>();

  constructor(
    readonly given: NewKeys,
    readonly came: number,
  ) {}

  keys(kid: bigint, use: "encrypt" | "decrypt"): Promise<FrameKeys> {
    return entry(this.#keys, `${use} ${kid}`, () => this.given.base.then((base) => frameKeys(base, kid, use)));
  }

  window(kid: bigint): ReplayWindow {
    return entry(this.#windows, kid, () => new ReplayWindow());
  }

  /** Every number once per KID, whatever becomes of the frame: two frames with one number would give the key away. */
  next(kid: bigint): bigint | null {
    const ctr = this.#counters.get(kid) ?? 0n;
    if (ctr > LAST_CTR) return null;
    this.#counters.set(kid, ctr + 1n);
    return ctr;
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

export class Keyring {
  #epochs: Epoch[] = [];

  /** Takes the keys of a newer epoch. One that looks the same in a KID goes: a KID must mean one key. */
  install(given: NewKeys, now: number): void {
    this.purge(now);
    for (const epoch of this.#epochs) {
      if ((epoch.given.epoch & 0xffn) === (given.epoch & 0xffn)) epoch.purged = true;
    }
    this.#epochs = this.#epochs.filter((epoch) => !epoch.purged);
    while (this.#epochs.length >= MAX_EPOCHS) this.#epochs.shift()!.purged = true;
    this.#epochs.push(new Epoch(given, now));
  }

  /** Drops all keys. */
  silence(): void {
    for (const epoch of this.#epochs) epoch.purged = true;
    this.#epochs = [];
  }

  /** Drops what is PURGE_MS older than the arrival of what came after it. */
  purge(now: number): void {
    this.#epochs.forEach((epoch, place) => {
      const newer = this.#epochs[place + 1];
      if (newer && now - newer.came >= PURGE_MS) epoch.purged = true;
    });
    this.#epochs = this.#epochs.filter((epoch) => !epoch.purged);
  }

  /** The place of the next own frame, or null without keys. */
  sealing(context: number, now: number): Sealing | null {
    this.purge(now);
    const epoch = [...this.#epochs].reverse().find((one) => now - one.came >= SWITCH_MS) ?? this.#epochs[0];
    if (!epoch) return null;
    const kid = kidOf({ context, leaf: epoch.given.leaf, epoch: epoch.given.epoch });
    const ctr = epoch.next(kid);
    return ctr === null ? null : { kid, ctr, epoch, keys: epoch.keys(kid, "encrypt") };
  }

  /** What opens a frame of that KID in a stream of `member`, or why nothing does. */
  opening(kid: Kid, member: string, now: number): Opening | "noKey" | "wrongSender" {
    this.purge(now);
    const epoch = this.#epochs.find((one) => Number(one.given.epoch & 0xffn) === kid.epoch);
    if (!epoch) return "noKey";
    if (epoch.given.leaves.get(member) !== kid.leaf) return "wrongSender";
    const whole = kidOf({ ...kid, epoch: epoch.given.epoch });
    return { keys: epoch.keys(whole, "decrypt"), window: epoch.window(whole), live: () => !epoch.purged };
  }
}
