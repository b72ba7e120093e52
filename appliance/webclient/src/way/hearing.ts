// What the microphone's level tells over some seconds: nothing at all, a steady noise, or a voice. Pure: levels and times are given.

/** Keys of sentences that the device test carries; "" as long as there is nothing to say. */
export type HearingWord = "" | "hearNothing" | "hearNoise";

const WINDOW_MS = 5000; // long enough for a pause between two sentences
const NOTHING = 6; // of 100 (level.ts): -57 dBFS, below a quiet voice at arm's length
/** Of 100: -35 dBFS. A voice falls below it between words many times in five seconds; a fan, a street or a television does not. */
const NOISE = 50;
const PAUSES = 0.1; // this share of the window below NOISE is a voice with pauses, not a noise

export class Hearing {
  #levels: { level: number; at: number }[] = [];
  #since: number | null = null;

  /** One level of 0 to 100 at a time in milliseconds; what to say now. */
  heard(level: number, at: number): HearingWord {
    this.#since ??= at;
    this.#levels = this.#levels.filter((one) => one.at > at - WINDOW_MS);
    this.#levels.push({ level, at });
    if (at - this.#since < WINDOW_MS) return "";
    const low = this.#levels.filter((one) => one.level < NOISE).length;
    if (this.#levels.every((one) => one.level < NOTHING)) return "hearNothing";
    return low <= this.#levels.length * PAUSES ? "hearNoise" : "";
  }
}
