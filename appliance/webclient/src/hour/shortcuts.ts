// One key each for what a participant does most (keys.ts says when they count). What a key has done is said.

import { say } from "../announce.ts";
import { pageKeys } from "../keys.ts";
import type { Around, Part } from "../part.ts";
import { word } from "../words.ts";
import { by } from "./dom.ts";

/** Keys of the sentences. */
export type SwitchWord = "microphoneOn" | "microphoneOff" | "cameraOn" | "cameraOff";

export class Shortcuts implements Part {
  #awaited: "microphone" | "camera" | null = null;

  constructor(private readonly around: Around) {
    if (around.facilitator) {
      this.#leads(); // who leads has more keys, in lead/commands.ts
      return;
    }
    pageKeys().add([
      { key: "m", run: () => this.#press("microphone") },
      { key: "c", run: () => this.#press("camera") },
      { key: "h", run: () => by("hand")?.click() },
      { key: "n", run: () => by("help")?.click() },
    ]);
  }

  #leads(): void {
    pageKeys().add([
      { key: "m", run: () => this.#press("microphone") },
      { key: "v", run: () => this.#press("camera") },
    ]);
  }

  handle(): boolean {
    return false;
  }

  own(): void {
    const what = this.#awaited;
    this.#awaited = null;
    if (what) say(word(what === "microphone" ? (this.around.speaking() ? "microphoneOn" : "microphoneOff") : this.around.picture() ? "cameraOn" : "cameraOff"));
  }

  #press(what: "microphone" | "camera"): void {
    const button = by<HTMLButtonElement>(what);
    if (!button || button.disabled) return;
    this.#awaited = what;
    button.click();
  }
}
