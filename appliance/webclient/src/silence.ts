// Why there is no picture and sound for the whole page, and the way back.

import { rest, resting } from "./resting.ts";
import { word } from "./words.ts";

/** Keys of sentences that the pages of the room carry. */
export type SilenceKey = "keysAwaited" | "leaderAway" | "keysBroken" | "workerDied" | "leak" | "tooOld";

/** Only a moment or another person is needed: said calmly. */
const CALM: ReadonlySet<SilenceKey> = new Set(["keysAwaited", "leaderAway"]);
/** A tap gets new keys. */
const AGAIN: ReadonlySet<SilenceKey> = new Set(["keysBroken", "workerDied", "leak"]);
/** An impatient second tap would ask for keys that are on their way; after this a further one may help. */
const AGAIN_MILLISECONDS = 5000;

export class Silence {
  readonly #again: HTMLButtonElement;
  #shown: SilenceKey | null = null;

  constructor(
    private readonly root: HTMLElement,
    again: () => void,
  ) {
    this.#again = root.querySelector("button")!;
    this.#again.addEventListener("click", () => {
      if (resting(this.#again)) return;
      rest(this.#again, true);
      setTimeout(() => rest(this.#again, false), AGAIN_MILLISECONDS);
      again();
    });
  }

  /** Says that sentence, or nothing with null. Saying it again says nothing new. */
  show(key: SilenceKey | null): void {
    if (key === this.#shown) return;
    rest(this.#again, false);
    const focused = this.root.contains(document.activeElement);
    this.#shown = key;
    this.#say(".silence-calm", key !== null && CALM.has(key) ? word(key) : "");
    this.#say(".silence-grave", key !== null && !CALM.has(key) ? word(key) : "");
    this.#again.hidden = key === null || !AGAIN.has(key);
    const call = this.root.querySelector<HTMLElement>(".silence-call");
    if (call) call.hidden = key === null || CALM.has(key);
    this.root.toggleAttribute("data-grave", key !== null && !CALM.has(key));
    this.root.hidden = key === null;
    if (focused) this.#keepFocus();
  }

  /** Who has tapped the button should not be thrown to the top of the page when it goes. */
  #keepFocus(): void {
    if (this.root.hidden) this.root.parentElement?.querySelector<HTMLElement>("h1, summary")?.focus();
    else if (this.#again.hidden) this.root.focus();
  }

  #say(selector: string, sentence: string): void {
    this.root.querySelector(selector)!.textContent = sentence;
  }
}
