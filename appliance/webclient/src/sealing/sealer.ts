// The page's side of the sealing Worker: binds senders and receivers to it, hands it keys, watches that it lives and that nothing
// leaves past it. Every doubt ends in silence: tracks come off their senders first, then it is told.

import { sha256 } from "@noble/hashes/sha2.js";
import type { EpochKeys } from "../group/types.ts";
import type { Kind } from "../protocol.ts";
import type { StreamState } from "./health.ts";
import type { FromWorker, StreamOptions, ToWorker } from "./messages.ts";
import { Receivers } from "./receivers.ts";
import { Senders, type Sent, takeOff } from "./senders.ts";
import { supported } from "./supported.ts";
import { Liveness, PATIENCE_MS, WATCH_MS } from "./watchdog.ts";

export type { StreamState } from "./health.ts";

/** Where the portal has the Worker. */
const WORKER = "/static/room/sealing.js";

export interface SealerListener {
  /** leak: a track sent what was not sealed; it is off its sender and stopped. worker: nothing is sealed or opened any more. */
  failed(why: "worker" | "leak"): void;
  /** After each change. By the track id given to protectReceiver. */
  streams(states: ReadonlyMap<string, StreamState>): void;
}

/** RTCRtpSender or RTCRtpReceiver, of browsers new and old. */
interface Transformable {
  transform?: RTCRtpScriptTransform | null;
  createEncodedStreams?(): { readable: ReadableStream; writable: WritableStream };
}

/** Own leaf and digest of each key that any Worker of this page has had. A key's counters die with its Worker: never again under that key. */
const used = new Set<string>();

export class Sealer {
  readonly #worker: Worker;
  readonly #liveness = new Liveness();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #senders = new Senders();
  readonly #receivers = new Receivers();
  /** What getStats said before the ping of that number went out; again: for the second time, after a doubt. null: all of it is judged. */
  #sent: { number: number; counts: Sent; again: boolean } | null = null;
  #counting = false;
  #number = 0;
  #ids = 0;
  /** The last keys that went to the Worker and have not been dropped since. */
  #newest: string | null = null;
  #ended = false;

  /** How this browser lets a Worker stand between encoder and network; null: not at all, and then there is no room for it. */
  static supported(): "script" | "streams" | null {
    return supported();
  }

  constructor(
    private readonly listener: SealerListener,
    start: () => Worker = () => new Worker(WORKER),
  ) {
    this.#worker = start();
    this.#worker.addEventListener("message", (event: MessageEvent<FromWorker>) => this.#hear(event.data));
    for (const name of ["error", "messageerror"]) this.#worker.addEventListener(name, () => this.#die());
    this.#timer = setInterval(() => void this.#watch(), WATCH_MS);
  }

  /** false after close() or failed("worker"): a new Sealer and new keys are wanted. */
  get usable(): boolean {
    return !this.#ended;
  }

  /**
   * Keys of a newer epoch; `baseKey` is overwritten. Sending goes over to them after SWITCH_MS, older ones go after PURGE_MS.
   * The newest keys once more are fine and change nothing. false: refused, since a Worker of this page has had them before silence or
   * its end and may have sealed with them (rejoin for new ones), or since this one has ended.
   */
  setKeys(keys: EpochKeys): boolean {
    const digest = `${keys.leaf} ${sha256(keys.baseKey).join()}`;
    const known = digest === this.#newest && !this.#ended;
    const fresh = !this.#ended && !used.has(digest);
    const baseKey = Uint8Array.from(keys.baseKey);
    keys.baseKey.fill(0);
    if (!fresh) {
      baseKey.fill(0);
      return known;
    }
    used.add((this.#newest = digest));
    this.#tell({ type: "keys", epoch: keys.epoch, leaf: keys.leaf, baseKey, leaves: keys.leaves }, [baseKey.buffer]);
    return true;
  }

  /** Drops all keys: from now on nothing is sealed or opened. */
  silence(): void {
    this.#newest = null;
    this.#tell({ type: "silence" });
  }

  /**
   * Call in the task that added the sender's track: one that has a transport may have sent already, which counts as a leak.
   * If it throws, the track is off the sender.
   */
  protectSender(sender: RTCRtpSender, kind: Kind): void {
    const id = this.#ids++;
    this.#senders.add(id, sender, kind);
    try {
      if (sender.transport) return this.#late(id);
      this.#bind(sender as Transformable, { id, kind, role: "seal" });
    } catch (problem) {
      this.#senders.remove(sender);
      takeOff(sender);
      throw problem;
    }
    return undefined;
  }

  /** Whether what the sender sends is sealed and watched: only then may it be given another track. */
  protects(sender: RTCRtpSender | undefined): boolean {
    return !this.#ended && sender !== undefined && this.#senders.has(sender);
  }

  /** Call before the answer is made. `member`: whose leaf the frames must be sealed by. `track`: the name in streams(). */
  protectReceiver(receiver: RTCRtpReceiver, kind: Kind, member: string, track: string): void {
    const id = this.#ids++;
    try {
      this.#bind(receiver as Transformable, { id, kind, role: "open", member });
    } catch (problem) {
      receiver.track.stop();
      throw problem;
    }
    this.forget(track);
    this.#receivers.add(id, receiver, track);
    this.#report();
  }

  /** A received track has ended. */
  forget(track: string): void {
    const id = this.#receivers.remove(track);
    if (id === null) return;
    this.#tell({ type: "forget", id });
    this.#report();
  }

  /** An own sender has ended. */
  forgetSender(sender: RTCRtpSender): void {
    const id = this.#senders.remove(sender);
    if (id !== null) this.#tell({ type: "forget", id });
  }

  /** Keys, Worker and watch are gone. */
  close(): void {
    this.#end();
    this.#senders.clear();
    this.#receivers.clear();
  }

  #bind(end: Transformable, options: StreamOptions): void {
    if (this.#ended) throw new Error("the sealer has ended");
    const how = supported();
    if (how === "script") {
      end.transform = new RTCRtpScriptTransform(this.#worker, options);
    } else if (how === "streams") {
      const { readable, writable } = end.createEncodedStreams!();
      this.#tell({ type: "stream", options, readable, writable }, [readable, writable]);
    } else {
      throw new Error("this browser cannot seal");
    }
  }

  #tell(message: ToWorker, transfer: Transferable[] = []): void {
    if (!this.#ended) this.#worker.postMessage(message, transfer);
  }

  #hear(message: FromWorker): void {
    if (this.#ended) return;
    if (message.type === "first") {
      this.#ping();
      return;
    }
    this.#liveness.answered();
    this.#judge(message);
    if (this.#receivers.note(message.opened, performance.now())) this.#report();
  }

  /** More has left than has passed: the Worker gets one more chance to say that it only had much to do. */
  #judge(pong: Extract<FromWorker, { type: "pong" }>): void {
    const sent = this.#sent;
    if (sent?.number !== pong.number) return;
    const leaking = this.#senders.leaking(sent.counts, pong.sealed);
    if (leaking.size > 0 && !sent.again) {
      setTimeout(() => this.#sent === sent && this.#ask(leaking, true), PATIENCE_MS);
      return;
    }
    this.#sent = null;
    for (const id of leaking.keys()) this.#leak(id);
  }

  /** getStats first, the Worker's count after it: what is on its way meanwhile has passed already. */
  async #watch(): Promise<void> {
    if (this.#liveness.dead(performance.now())) return this.#die();
    // A question that is still open is not replaced by a newer one: a Worker that is always late would never be judged.
    if (this.#counting || this.#sent) return void this.#ping();
    this.#counting = true;
    const counts = await this.#senders.count();
    this.#counting = false;
    return this.#ask(counts, false);
  }

  #ask(counts: Sent, again: boolean): void {
    this.#sent = { number: this.#ping(), counts, again };
  }

  #ping(): number {
    if (this.#ended) return 0;
    this.#liveness.asked(performance.now());
    this.#tell({ type: "ping", number: ++this.#number });
    return this.#number;
  }

  #late(id: number): never {
    this.#leak(id);
    throw new Error("the transform came too late");
  }

  #leak(id: number): void {
    this.#senders.stop(id);
    this.#tell({ type: "forget", id });
    this.listener.failed("leak");
  }

  #die(): void {
    if (this.#ended) return;
    this.#end();
    this.#senders.takeOff();
    this.#receivers.stop();
    this.listener.failed("worker");
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#worker.terminate();
  }

  #report(): void {
    this.listener.streams(this.#receivers.states());
  }
}
