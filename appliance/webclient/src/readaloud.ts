// Which voice may read a page aloud, and where the reading is. Pure.
//
// Only voices that speak on the device itself: others send each sentence to somebody on the internet (Web Speech API,
// SpeechSynthesisVoice.localService).

export interface Voice {
  readonly lang: string;
  readonly localService: boolean;
  readonly default: boolean;
}

/** The device's own voice for a language, its usual one first; undefined where there is none. */
export function localVoice<V extends Voice>(voices: readonly V[], language: string): V | undefined {
  const wanted = language.toLowerCase().split("-")[0];
  const fitting = voices.filter((one) => one.localService && one.lang.toLowerCase().split(/[-_]/)[0] === wanted);
  return fitting.find((one) => one.default) ?? fitting[0];
}

export type Reading = { readonly state: "still" | "reading" | "paused"; readonly at: number };
export type Event = "press" | "stop" | "said";

export const STILL: Reading = { state: "still", at: 0 };

/** What comes next. A pause begins its paragraph again: that works where a browser cannot hold a voice in mid-word. */
export function after(now: Reading, event: Event, blocks: number): Reading {
  if (event === "stop") return STILL;
  if (event === "press") return { state: now.state === "reading" ? "paused" : "reading", at: now.at };
  if (now.state !== "reading") return now;
  return now.at + 1 < blocks ? { state: "reading", at: now.at + 1 } : STILL;
}
