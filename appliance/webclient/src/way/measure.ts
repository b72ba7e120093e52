// Measures the line to the box with a few requests. Fetching and clock are given, so that the test has a line of its own.

import { FIRST_SIZE, type Measured, median, nextSize, rateOf } from "./line.ts";

const ROUND_TRIPS = 5;
const PATIENCE_MS = 2500; // of asking small things; a long line is known by then

/**
 * Round trip and rate, or null if the box does not answer. `get` fetches that many bytes from the box and resolves after the last.
 * `now` in milliseconds.
 */
export async function measure(get: (bytes: number) => Promise<void>, now: () => number): Promise<Measured | null> {
  const timed = async (bytes: number): Promise<number> => {
    const start = now();
    await get(bytes);
    return now() - start;
  };
  try {
    const start = now();
    await get(1); // the first may have to open the connection
    const trips: number[] = [];
    while (trips.length < ROUND_TRIPS && (trips.length < 1 || now() - start < PATIENCE_MS)) trips.push(await timed(1));
    const roundTrip = median(trips);
    let rate = 0;
    for (let size: number | null = FIRST_SIZE; size !== null; ) {
      const took = await timed(size);
      rate = Math.max(rate, rateOf(size, took, roundTrip));
      size = nextSize(size, took - roundTrip);
    }
    return { roundTrip, rate };
  } catch {
    return null;
  }
}

const ANSWER_MS = 8000; // a line that needs longer for the first 8 KB is very weak: 8 kbit/s

/** Fetches from the box itself. Nothing is kept: the answer is random and says no-store. */
export async function fromBox(bytes: number): Promise<void> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), ANSWER_MS);
  try {
    const answer = await fetch(`/join/line?bytes=${bytes}`, { cache: "no-store", signal: end.signal });
    const got = await answer.arrayBuffer();
    if (!answer.ok || got.byteLength !== bytes) throw new Error("not an answer of the box");
  } finally {
    clearTimeout(timer);
  }
}
