// The senders that the page has given to the Worker, and what the browser says has left by each.

import type { Kind } from "../protocol.ts";
import type { Passed } from "./messages.ts";
import { Balance, passedOf, Tally } from "./watchdog.ts";

interface One {
  sender: RTCRtpSender;
  kind: Kind;
  tally: Tally;
  balance: Balance;
}

/** How long the browser may take for its counts, in milliseconds. One answer that never comes must not end the watch over all. */
const STATS_MS = 2000;

/** By the sender's id: what has left so far, as getStats tells it. */
export type Sent = ReadonlyMap<number, number>;

/** Takes the track off: from now on the encoder has nothing to encode but, in Firefox, black. */
export function takeOff(sender: RTCRtpSender): void {
  void sender.replaceTrack(null).catch(() => undefined); // its peer connection has ended
}

/** null if it takes too long. */
async function soon<T>(coming: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), STATS_MS)));
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Senders {
  readonly #all = new Map<number, One>();

  add(id: number, sender: RTCRtpSender, kind: Kind): void {
    this.#all.set(id, { sender, kind, tally: new Tally(kind), balance: new Balance() });
  }

  has(sender: RTCRtpSender): boolean {
    return [...this.#all.values()].some((one) => one.sender === sender);
  }

  /** The id of a sender that is no longer watched; null if it never was. */
  remove(sender: RTCRtpSender): number | null {
    const found = [...this.#all].find(([, one]) => one.sender === sender);
    if (!found) return null;
    this.#all.delete(found[0]);
    return found[0];
  }

  /** Asks the browser; a sender whose peer connection has ended, or which has no answer, is left out. */
  async count(): Promise<Sent> {
    const sent = new Map<number, number>();
    const ask = async ([id, { sender, tally }]: [number, One]): Promise<void> => {
      const report = await soon(sender.getStats().catch(() => null));
      if (report) sent.set(id, tally.note(report));
    };
    await Promise.all([...this.#all].map(ask));
    return sent;
  }

  /** The senders by which more has left than has passed the Worker; the others' counts are noted. */
  leaking(sent: Sent, passed: ReadonlyMap<number, Passed>): Sent {
    const leaking = new Map<number, number>();
    for (const [id, count] of sent) {
      const one = this.#all.get(id);
      if (!one) continue;
      const through = passedOf(one.kind, passed.get(id) ?? { frames: 0, bytes: 0 });
      if (one.balance.leaks(count, through)) leaking.set(id, count);
      else one.balance.note(count, through);
    }
    return leaking;
  }

  /** Ends what the sender sends, source and all, and forgets it. */
  stop(id: number): void {
    const sender = this.#all.get(id)?.sender;
    this.#all.delete(id);
    sender?.track?.stop();
    if (sender) takeOff(sender);
  }

  /** Takes all tracks off their senders; whoever has the tracks keeps them. */
  takeOff(): void {
    for (const { sender } of this.#all.values()) takeOff(sender);
    this.#all.clear();
  }

  clear(): void {
    this.#all.clear();
  }
}
