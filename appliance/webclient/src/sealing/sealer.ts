// The page's side of the sealing Worker: binds senders and receivers to it, hands it keys, watches that it lives and that nothing
// leaves past it. Every doubt ends in silence: tracks come off their senders first, then it is told.

import { sha256 } from "@noble/hashes/sha2.js";
import type { EpochKeys } from "../group/types.ts";
import type { Kind } from "../protocol.ts";
import { Health, type StreamState } from "./health.ts";
import type { FromWorker, StreamOptions, ToWorker } from "./messages.ts";
import { Liveness, sentOf, WATCH_MS } from "./watchdog.ts";

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

interface Receiver {
  id: number;
  receiver: RTCRtpReceiver;
  health: Health;
}

/** Digests of all keys that any Worker of this page has had. A key's counters die with its Worker: never again under that key. */
const used = new Set<string>();

export class Sealer {
  readonly #worker: Worker;
  readonly #liveness = new Liveness();
  readonly #timer: ReturnType<typeof setInterval>;
  #senders = new Map<number, RTCRtpSender>();
  #receivers = new Map<string, Receiver>();
  /** What getStats said before ping `number` went out. */
  #sent: { number: number; counts: ReadonlyMap<number, number> } | null = null;
  #asking = false;
  #number = 0;
  #ids = 0;
  #ended = false;

  /** How this browser lets a Worker stand between encoder and network; null: not at all, and then there is no room for it. */
  static supported(): "script" | "streams" | null {
    if (typeof Worker === "undefined" || !globalThis.crypto?.subtle) return null;
    if ("RTCRtpScriptTransform" in globalThis) return "script";
    return typeof RTCRtpSender !== "undefined" && "createEncodedStreams" in RTCRtpSender.prototype ? "streams" : null;
  }

  constructor(
    private readonly listener: SealerListener,
    start: () => Worker = () => new Worker(WORKER),
  ) {
    this.#worker = start();
    this.#worker.onmessage = (event: MessageEvent<FromWorker>) => this.#hear(event.data);
    this.#worker.onerror = () => this.#die();
    this.#worker.onmessageerror = () => this.#die();
    this.#timer = setInterval(() => void this.#watch(), WATCH_MS);
  }

  /** false after close() or failed("worker"): a new Sealer and new keys are wanted. */
  get usable(): boolean {
    return !this.#ended;
  }

  /**
   * Keys of a newer epoch; `baseKey` is the Worker's afterwards. Sending goes over to them after SWITCH_MS, older ones go after PURGE_MS.
   * false: refused, because a Worker of this page had them before and may have sealed with them (then rejoin for new ones), or ended.
   */
  setKeys(keys: EpochKeys): boolean {
    const digest = sha256(keys.baseKey).join();
    if (this.#ended || used.has(digest)) {
      keys.baseKey.fill(0);
      return false;
    }
    used.add(digest);
    const baseKey = new Uint8Array(keys.baseKey);
    keys.baseKey.fill(0);
    this.#tell({ type: "keys", epoch: keys.epoch, leaf: keys.leaf, baseKey, leaves: keys.leaves }, [baseKey.buffer]);
    return true;
  }

  /** Drops all keys: from now on nothing is sealed or opened. */
  silence(): void {
    this.#tell({ type: "silence" });
  }

  /** Call in the task that added the sender's track. If it throws, the track is off the sender. */
  protectSender(sender: RTCRtpSender, kind: Kind): void {
    const id = this.#ids++;
    try {
      this.#bind(sender as Transformable, { id, kind, role: "seal" });
      this.#senders.set(id, sender);
    } catch (problem) {
      this.#takeOff(sender);
      throw problem;
    }
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
    this.#receivers.set(track, { id, receiver, health: new Health() });
    this.#report();
  }

  /** A received track has ended. */
  forget(track: string): void {
    const receiver = this.#receivers.get(track);
    if (!receiver) return;
    this.#receivers.delete(track);
    this.#tell({ type: "forget", id: receiver.id });
    this.#report();
  }

  /** An own sender has ended. */
  forgetSender(sender: RTCRtpSender): void {
    for (const [id, one] of this.#senders) {
      if (one !== sender) continue;
      this.#senders.delete(id);
      this.#tell({ type: "forget", id });
    }
  }

  /** Keys, Worker and watch are gone. */
  close(): void {
    this.#end();
    this.#senders.clear();
    this.#receivers.clear();
  }

  #bind(end: Transformable, options: StreamOptions): void {
    if (this.#ended) throw new Error("the sealer has ended");
    const how = Sealer.supported();
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
    if (message.type === "first") return void this.#ping();
    this.#liveness.answered();
    const sent = this.#sent?.number === message.number ? this.#sent.counts : [];
    for (const [id, count] of sent) {
      const sender = this.#senders.get(id);
      if (sender && count > (message.sealed.get(id)?.sealed ?? 0)) this.#leak(id, sender);
    }
    const now = performance.now();
    let changed = false;
    for (const { id, health } of this.#receivers.values()) {
      const counts = message.opened.get(id);
      const before = health.state;
      if (counts && health.note(counts, now) !== before) changed = true;
    }
    if (changed) this.#report();
    return undefined;
  }

  /** getStats first, the Worker's count after it: what is on its way meanwhile is sealed already. */
  async #watch(): Promise<void> {
    if (this.#liveness.dead(performance.now())) return this.#die();
    if (this.#asking) return void this.#ping();
    this.#asking = true;
    const counts = new Map<number, number>();
    await Promise.all(
      [...this.#senders].map(async ([id, sender]) => {
        const report = await sender.getStats().catch(() => null); // its peer connection has ended
        if (report) counts.set(id, sentOf(report));
      }),
    );
    this.#asking = false;
    this.#sent = { number: this.#ping(), counts };
    return undefined;
  }

  #ping(): number {
    this.#liveness.asked(performance.now());
    this.#tell({ type: "ping", number: ++this.#number });
    return this.#number;
  }

  #leak(id: number, sender: RTCRtpSender): void {
    this.#senders.delete(id);
    sender.track?.stop();
    this.#takeOff(sender);
    this.listener.failed("leak");
  }

  #takeOff(sender: RTCRtpSender): void {
    void sender.replaceTrack(null).catch(() => undefined); // its peer connection has ended
  }

  #die(): void {
    if (this.#ended) return;
    this.#end();
    for (const sender of this.#senders.values()) this.#takeOff(sender);
    for (const { receiver } of this.#receivers.values()) receiver.track.stop();
    this.listener.failed("worker");
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#worker.terminate();
  }

  #report(): void {
    this.listener.streams(new Map([...this.#receivers].map(([track, { health }]) => [track, health.state])));
  }
}
