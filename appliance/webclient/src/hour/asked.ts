// When who leads switches one's microphone off, or asks one to speak. Nobody's microphone is ever switched on from elsewhere.

import type { Around, Part } from "../part.ts";
import type { Data } from "../protocol.ts";
import { word } from "../words.ts";
import { by, show } from "./dom.ts";

/** Keys of the sentences. */
export type AskedWord = "mutedBy" | "askedToSpeak";

export class Asked implements Part {
  readonly #place = by("asked");

  constructor(
    private readonly around: Around,
    private readonly pass: () => void,
  ) {
    by("asked-speak")?.addEventListener("click", () => {
      around.speak();
      this.#close("microphone");
    });
    by("asked-pass")?.addEventListener("click", () => {
      this.pass();
      this.#close("more");
    });
    by("asked-close")?.addEventListener("click", () => this.#close("microphone"));
  }

  handle(event: string, data: Data): boolean {
    if (event !== "asked") return false;
    const name = typeof data["name"] === "string" && data["name"] !== "" ? data["name"] : word("leads");
    if (data["what"] === "mute") this.#muted(name);
    if (data["what"] === "unmute") this.#wanted(name);
    return true;
  }

  /** The person has switched it on by themselves: nothing is left to ask. */
  own(): void {
    if (this.around.speaking()) show(this.#place, false);
  }

  finish(): void {
    show(this.#place, false);
  }

  #muted(name: string): void {
    this.around.hush();
    this.#say(word("mutedBy" satisfies AskedWord, { name }), false);
  }

  #wanted(name: string): void {
    if (!this.around.speaking()) this.#say(word("askedToSpeak" satisfies AskedWord, { name }), true);
  }

  #say(sentence: string, speak: boolean): void {
    show(by("asked-speak"), speak);
    show(by("asked-pass"), speak && !this.around.facilitator);
    show(by("asked-close"), !speak);
    show(this.#place, true);
    by("asked-text")!.textContent = sentence;
  }

  #close(focus: string): void {
    show(this.#place, false);
    by(focus)?.focus();
  }
}
