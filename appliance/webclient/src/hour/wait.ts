// Of one who waits: how far the hour is, how long people wait, staff's line to them, and the check phrase that was asked for.
// The page has all of it from the box already; here it changes in place, and what is new is read out.

import { chime, say } from "../announce.ts";
import { clock } from "../people.ts";
import type { Around, Part } from "../part.ts";
import type { Data, SessionFacts } from "../protocol.ts";
import { word } from "../words.ts";
import { by, show, tell } from "./dom.ts";
import { takesLonger, waitKey } from "./waitrules.ts";

const LOOK_AGAIN_MS = 20_000; // at how long it has taken

export class Wait implements Part {
  readonly #ask: Around["ask"];
  readonly #place = by("wait");
  readonly #began = performance.now();
  readonly #waited: number; // seconds when the page was made
  #facts: { phase: string; locked: boolean; minutes: number | null } | null = null;
  #leaderHere: boolean | null = null;
  #timer = 0;

  constructor(around: Around) {
    this.#ask = around.ask;
    this.#waited = Number(this.#place?.dataset["waited"]) || 0;
    by<HTMLFormElement>("phrase-form")?.addEventListener("submit", (event) => void this.#answer(event));
  }

  handle(event: string, data: Data): boolean {
    if (event !== "wait") return false;
    const minutes = typeof data["minutes"] === "number" ? data["minutes"] : null;
    this.#facts = { phase: String(data["phase"]), locked: data["locked"] === true, minutes };
    this.#timer ||= window.setInterval(() => this.#long(), LOOK_AGAIN_MS);
    this.#hour();
    this.#long();
    this.#message(data["message"] as { text: string; at: string } | null);
    this.#phrase(data["phraseAsked"] === true, data["phraseGiven"] === true);
    return true;
  }

  session(facts: SessionFacts): void {
    this.#leaderHere = facts.leader?.here ?? null;
    this.#hour();
  }

  /** Let in: somebody who looked away hears it. */
  enter(): void {
    if (this.#place && !this.#place.hidden) {
      chime();
      say(word("letIn"));
    }
    this.finish();
  }

  finish(): void {
    window.clearInterval(this.#timer);
  }

  #hour(): void {
    if (this.#facts && this.#leaderHere !== null) tell(by("wait-hour"), word(waitKey({ ...this.#facts, leaderHere: this.#leaderHere })));
  }

  #long(): void {
    const minutes = this.#facts?.minutes ?? null;
    const sentence = minutes === null ? "" : minutes === 1 ? word("waitMinute") : word("waitMinutes", { minutes });
    tell(by("wait-average"), sentence);
    show(by("wait-long"), takesLonger(this.#waited + (performance.now() - this.#began) / 1000, minutes));
  }

  #message(message: { text: string; at: string } | null): void {
    const place = by("wait-message-text");
    if (!place || place.textContent === (message?.text ?? "")) return;
    show(by("wait-message"), message !== null); // before its words: a region that is not there yet is not read out
    place.textContent = message?.text ?? "";
    const at = by("wait-message-at");
    if (at) at.textContent = message ? clock(message.at, document.documentElement.lang) : "";
    if (message) chime();
  }

  #phrase(asked: boolean, given: boolean): void {
    const place = by("phrase");
    const fresh = asked && !given && (place?.hidden === true || by("phrase-given")?.hidden === false); // or once more
    show(place, asked);
    show(by("phrase-given"), given);
    if (!fresh) return;
    say(by("phrase-title")?.textContent ?? "");
    chime();
  }

  async #answer(event: Event): Promise<void> {
    event.preventDefault();
    const field = by<HTMLInputElement>("phrase-text");
    if (!field) return;
    try {
      await this.#ask("roomPhrase", { text: field.value });
      tell(by("phrase-fault"), "");
      field.value = "";
      show(by("phrase-given"), true);
    } catch (problem) {
      const code = (problem as { code?: string }).code;
      const sentence = code === "bad_request" ? word("phraseEmpty") : code === "too_many_tries" ? word("phraseTries") : word("failed");
      tell(by("phrase-fault"), sentence);
      field.focus();
    }
  }
}
