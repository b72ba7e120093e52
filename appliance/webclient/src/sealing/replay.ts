// Which frames of one KID have come already (RFC 9605 section 9.3). The same frame twice is not the same picture twice: it is dropped.
//
// Honest repeats, as seen in Firefox 153: a key frame that fits into one packet comes up to eight times with the same timestamp,
// when that packet is sent again, as RTX does in order to probe. Dropping them costs no picture.

/**
 * How far behind the newest a frame may be: 15 s of sound or, since three layers of a picture share one counter and one of them
 * comes, 10 to 12 s of picture; more than any jitter buffer waits.
 */
export const WINDOW = 768;

export class ReplayWindow {
  #newest = -1;
  // Slot of a counter: itself modulo WINDOW. What a slot held before is at least a window older.
  readonly #seen = new Float64Array(WINDOW).fill(-1);

  /** Whether a frame of that counter would be new; counters beyond 2^53 are none of this room's. */
  fresh(ctr: bigint): boolean {
    if (ctr > BigInt(Number.MAX_SAFE_INTEGER)) return false;
    const number = Number(ctr);
    return number > this.#newest - WINDOW && number > this.#seen[number % WINDOW]!;
  }

  /** Notes a frame whose tag was right. false: it came before, or meanwhile. */
  take(ctr: bigint): boolean {
    if (!this.fresh(ctr)) return false;
    const number = Number(ctr);
    this.#seen[number % WINDOW] = number;
    this.#newest = Math.max(this.#newest, number);
    return true;
  }
}
