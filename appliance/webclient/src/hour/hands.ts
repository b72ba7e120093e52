// The hand: raised and lowered with one tap, its place in the line, and a sign on the tiles of those who wait to speak.

import { say } from "../announce.ts";
import type { Around, Part } from "../part.ts";
import type { Data } from "../protocol.ts";
import { rest, resting } from "../resting.ts";
import { word } from "../words.ts";
import { by, show } from "./dom.ts";

/** Members whose hands are up, in order; what is none is left out. */
export function queueOf(data: Data): string[] {
  const queue = Array.isArray(data["queue"]) ? (data["queue"] as unknown[]) : [];
  return queue.flatMap((one) => (typeof one === "object" && one !== null && typeof (one as Data)["member"] === "string" ? [String((one as Data)["member"])] : []));
}

export class Hands implements Part {
  readonly #button = by<HTMLButtonElement>("hand");
  readonly #place = by("hand-place");
  #queue: readonly string[] = [];
  #mine = 0; // one's own place, from 1; 0: the hand is down
  #fresh = false; // another line: the box may have started anew, and hands are kept in its memory alone

  constructor(private readonly around: Around) {
    this.#button?.addEventListener("click", () => void this.raise(this.#mine === 0));
  }

  handle(event: string, data: Data): boolean {
    if (event !== "hands") return false;
    this.#queue = queueOf(data);
    const lost = this.#fresh && this.#mine > 0 && !this.#queue.includes(this.around.member);
    this.#fresh = false;
    this.#show(!lost);
    if (lost) void this.raise(true);
    return true;
  }

  lineUp(): void {
    this.#fresh = true;
  }

  people(): void {
    this.#tiles();
  }

  toggle(): void {
    this.#button?.click();
  }

  async raise(up: boolean): Promise<void> {
    if (!this.#button || resting(this.#button) || up === this.#mine > 0) return;
    rest(this.#button, true);
    try {
      await this.around.ask("roomHand", { up });
      show(by("said-failed"), false);
    } catch {
      const failed = by("said-failed");
      if (failed) failed.textContent = word("failed");
      show(failed, true);
    }
    rest(this.#button, false);
  }

  finish(): void {
    this.#queue = [];
    this.#show(false);
  }

  #show(aloud = true): void {
    const before = this.#mine;
    this.#mine = this.#queue.indexOf(this.around.member) + 1;
    this.#button?.setAttribute("aria-pressed", String(this.#mine > 0));
    if (this.#place) this.#place.textContent = this.#mine > 0 ? word("handPlace", { place: this.#mine }) : "";
    this.#tiles();
    if (!this.#button || !aloud || before === this.#mine) return;
    // Moving up in the line is told by the button; the first and the last step are said.
    if (before === 0 || this.#mine === 1) say(word("handUp", { place: this.#mine }));
    else if (this.#mine === 0) say(word("handDown"));
  }

  #tiles(): void {
    for (const tile of document.querySelectorAll<HTMLElement>("#tiles .tile")) show(tile.querySelector(".tile-hand"), this.#queue.includes(tile.dataset["member"] ?? ""));
  }
}
