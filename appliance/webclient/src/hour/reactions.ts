// Quiet reactions, and "I pass this time": a small sign on the tile for some seconds, said politely, kept nowhere.

import { say } from "../announce.ts";
import type { Around, From, Part, Said } from "../part.ts";
import type { Reaction } from "../said.ts";
import { rest, resting } from "../resting.ts";
import { word } from "../words.ts";
import { by, Sheet, show } from "./dom.ts";

/** Keys of the sentences. */
export type ReactionWord = "reactHeart" | "reactThanks" | "reactWith" | "passes";

const WORDS: Readonly<Record<Reaction | "pass", ReactionWord>> = { heart: "reactHeart", thanks: "reactThanks", with: "reactWith", pass: "passes" };

const SHOWN_MS = 6000;
/** One person's reactions are said aloud this seldom: a page that sends many must not talk over everybody. Milliseconds. */
const QUIET_MS = 5000;
/** After a reaction the buttons rest: a finger that slips sends one. Milliseconds. */
const REST_MS = 1500;

export class Reactions implements Part {
  readonly #more = new Sheet("more-sheet");
  readonly #ends = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #said = new Map<string, number>();

  constructor(
    private readonly around: Around,
    /** The own hand goes down with a pass. */
    private readonly lower: () => void,
  ) {
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-react]")) {
      button.addEventListener("click", () => void this.send(button, { t: "react", what: button.dataset["react"] as Reaction }));
    }
    const pass = by<HTMLButtonElement>("pass");
    pass?.addEventListener("click", () => void this.send(pass, { t: "pass" }));
  }

  handle(): boolean {
    return false;
  }

  said(from: From, said: Said): void {
    if (said.t === "react") this.#show(from, said.what);
    if (said.t === "pass") this.#show(from, "pass");
  }

  finish(): void {
    for (const end of this.#ends.values()) clearTimeout(end);
    this.#ends.clear();
    this.#said.clear();
    for (const place of document.querySelectorAll<HTMLElement>(".tile-said")) show(place, false);
    show(by("said-failed"), false);
  }

  async send(button: HTMLButtonElement | null, said: Extract<Said, { t: "react" | "pass" }>): Promise<void> {
    if (button && resting(button)) return;
    if (button) rest(button, true);
    this.#more.close();
    const failed = by("said-failed");
    show(failed, false);
    try {
      await this.around.say(said);
      this.said({ member: this.around.member, name: this.around.name, facilitator: this.around.facilitator, you: true }, said);
      if (said.t === "pass") this.lower();
    } catch {
      if (failed) failed.textContent = word("notSaid");
      show(failed, true);
    }
    if (button) setTimeout(() => rest(button, false), REST_MS);
  }

  #show(from: From, what: Reaction | "pass"): void {
    const tile = [...document.querySelectorAll<HTMLElement>("#tiles .tile")].find((one) => one.dataset["member"] === from.member);
    const now = performance.now();
    if (now - (this.#said.get(from.member) ?? -QUIET_MS) >= QUIET_MS) {
      this.#said.set(from.member, now);
      say(word(WORDS[what], { name: from.name }));
    }
    const place = tile?.querySelector<HTMLElement>(".tile-said");
    if (!place) return;
    for (const sign of place.querySelectorAll<HTMLElement>(".tile-sign")) show(sign, sign.dataset["is"] === what);
    place.querySelector(".tile-words")!.textContent = what === "pass" ? word("passesShort") : "";
    show(place, true);
    clearTimeout(this.#ends.get(from.member));
    this.#ends.set(from.member, setTimeout(() => show(place, false), SHOWN_MS));
  }
}
