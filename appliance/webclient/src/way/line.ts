// What the line to the box is good for: pure rules. Distances in milliseconds, sizes in bytes, rates in kbit/s.

export interface Measured {
  /** Of the smallest request and its answer: the median. */
  roundTrip: number;
  /** From the box to here: the best of the tries. */
  rate: number;
}

/** Keys of sentences that the device test carries. */
export type LineVerdictWord = "lineGood" | "lineWeak" | "lineVeryWeak" | "lineUnknown";

/** Under this a picture of several people gets small and rests at times; two middle layers and all voices need about as much. */
const GOOD_RATE = 1000;
/** Under this only voices come through for sure: 40 kbit/s each, with what repairs them. */
const PICTURE_RATE = 250;
/** People begin to talk over each other. */
const GOOD_ROUND_TRIP = 350;
/** A picture that comes later than this is no company. */
const PICTURE_ROUND_TRIP = 1500;

/** What to say of it. null: it could not be measured. */
export function lineVerdict(measured: Measured | null): LineVerdictWord {
  if (!measured) return "lineUnknown";
  if (measured.rate < PICTURE_RATE || measured.roundTrip > PICTURE_ROUND_TRIP) return "lineVeryWeak";
  return measured.rate < GOOD_RATE || measured.roundTrip > GOOD_ROUND_TRIP ? "lineWeak" : "lineGood";
}

/** The first fits into what TCP sends at once, so that a long line is not taken for a thin one. */
export const FIRST_SIZE = 8 * 1024;
export const LARGEST_SIZE = 512 * 1024; // portal/line.py answers no more
const ENOUGH_MS = 400; // a transfer that lasted so long tells the rate well enough

/** The next size to ask for after `size` took `milliseconds` beyond the round trip; null: enough is known. */
export function nextSize(size: number, milliseconds: number): number | null {
  return milliseconds >= ENOUGH_MS || size >= LARGEST_SIZE ? null : Math.min(LARGEST_SIZE, size * 4);
}

/** The rate of `size` that took `milliseconds` from asking to the last byte, on a line of that round trip. */
export function rateOf(size: number, milliseconds: number, roundTrip: number): number {
  return (size * 8) / Math.max(1, milliseconds - roundTrip);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
