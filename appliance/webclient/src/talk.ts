// How long each person has spoken: quiet bars in the facilitator's list, so that whoever has not come to speak is seen.

import { word } from "./words.ts";

/** A bar is full at the longest time of all, but not before this: the first sentence of a session is not yet a long speech. Seconds. */
const LEAST_FULL = 60;

/** Keys of the sentences beside the bars. */
export type TalkWord = "talkMinutes" | "talkLittle" | "talkNone";

export interface Talk {
  /** 0 to 1, against who spoke longest. */
  part: number;
  minutes: number;
  spoke: boolean;
}

/** Reads the `seconds` of a `talkTime` event; what is no number of seconds is left out. */
export function secondsOf(value: unknown): ReadonlyMap<string, number> {
  const all = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return new Map(all.filter((one): one is [string, number] => typeof one[1] === "number" && one[1] >= 0));
}

/** What the row of `member` shows. */
export function talkOf(member: string, seconds: ReadonlyMap<string, number>): Talk {
  const own = seconds.get(member) ?? 0;
  const full = Math.max(LEAST_FULL, ...seconds.values());
  return { part: own / full, minutes: Math.floor(own / 60), spoke: own > 0 };
}

export class TalkTime {
  #seconds: ReadonlyMap<string, number> | null = null;

  constructor(private readonly list: HTMLElement | null) {}

  told(seconds: unknown): void {
    this.#seconds = secondsOf(seconds);
    this.show();
  }

  /** Again, since rows have come. Nothing before the relay has told anything. */
  show(): void {
    if (!this.#seconds) return;
    for (const row of this.list?.querySelectorAll<HTMLElement>(".person") ?? []) fillTalk(row, talkOf(row.dataset["member"] ?? "", this.#seconds));
  }
}

function fillTalk(row: HTMLElement, talk: Talk): void {
  const place = row.querySelector<HTMLElement>(".p-talk");
  if (!place) return;
  place.hidden = false;
  place.style.setProperty("--part", String(Math.round(talk.part * 100) / 100));
  const words = place.querySelector(".talk-words");
  const key: TalkWord = talk.minutes > 0 ? "talkMinutes" : talk.spoke ? "talkLittle" : "talkNone";
  const sentence = word(key, { minutes: talk.minutes });
  if (words && words.textContent !== sentence) words.textContent = sentence;
}
