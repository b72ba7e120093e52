// In a private room: says calmly when the other one is not there. Both have a way back that needs nobody else.

import { say } from "../announce.ts";
import type { Part } from "../part.ts";
import type { Data, RosterMember } from "../protocol.ts";
import { members } from "../protocol.ts";

/** A page that is loaded anew is away for a moment, and comes. Milliseconds. */
export const PATIENCE_MS = 4000;

type Later = (work: () => void, ms: number) => () => void;

const timer: Later = (work, ms) => {
  const running = setTimeout(work, ms);
  return () => clearTimeout(running);
};

export class Aside implements Part {
  #stop: (() => void) | null = null;

  /** `other`: the member whom the word is with; `lost`: the sentence of their absence. */
  constructor(
    private readonly other: string,
    private readonly lost: HTMLElement,
    private readonly later: Later = timer,
  ) {}

  handle(event: string, data: Data): boolean {
    if (event === "roster") this.#look(members<RosterMember>(data).some((one) => one.member === this.other && one.connected !== false));
    return false;
  }

  finish(): void {
    this.#look(true);
  }

  #look(here: boolean): void {
    if (!here) {
      this.#stop ??= this.later(() => this.#tell(), PATIENCE_MS);
      return;
    }
    this.#stop?.();
    this.#stop = null;
    this.lost.hidden = true;
  }

  #tell(): void {
    this.lost.hidden = false;
    say(this.lost.textContent ?? "");
  }
}

/** Empty on every page but that of a private room. */
export function asideParts(): Part[] {
  const other = document.getElementById("room")?.dataset["other"];
  const lost = document.getElementById("aside-lost");
  return other && lost ? [new Aside(other, lost)] : [];
}
