// When the words of the room should be read aloud. A facilitator's page goes by taps that were made on it, and remembers them for this
// tab: the box could say of any words that they were compared. A patient's page, which has nothing to tap, goes by what the box tells.

import { toHex } from "./group/bytes.ts";
import type { GroupFacts, Holder } from "./group/types.ts";
import type { Comparison } from "./sealedrules.ts";

interface Compared {
  code: string;
  then: readonly string[];
}

/** Another person or another key is somebody new; the same on another leaf is not, as after a reload when somebody else has gone. */
const behind = (one: Holder): string => `${one.member} ${one.key}`;

export class Reading {
  readonly #name: string;
  #last: Compared | null;

  constructor(
    private readonly facilitator: boolean,
    private readonly storage: Storage,
    session: string,
  ) {
    this.#name = `hearth.compared.${session}`;
    this.#last = facilitator ? this.#kept() : null;
  }

  /** Everybody has the same words, says the person at this page. */
  tapped(facts: GroupFacts): void {
    this.#last = compared(facts);
    try {
      this.storage.setItem(this.#name, JSON.stringify(this.#last));
    } catch {
      // Storage is switched off: after a reload the words are read once more.
    }
  }

  /** The box says when words were compared. */
  told(facts: GroupFacts, comparison: Comparison | null): void {
    if (!this.facilitator && comparison && BigInt(comparison.epoch) === facts.epoch) this.#last = compared(facts);
  }

  /** Never compared, or somebody has come since. Who goes, or comes back with the same key, adds nobody who could listen. */
  wanted(facts: GroupFacts): boolean {
    if (facts.phase !== "in" || !facts.code || facts.holders.length < 2) return false;
    if (!this.#last) return true;
    if (this.#last.code === toHex(facts.code)) return false;
    return facts.holders.some((one) => !this.#last!.then.includes(behind(one)));
  }

  forget(): void {
    this.#last = null;
    try {
      this.storage.removeItem(this.#name);
    } catch {
      // A browser that keeps nothing has nothing to forget.
    }
  }

  #kept(): Compared | null {
    try {
      const { code, then } = JSON.parse(this.storage.getItem(this.#name) ?? "{}") as Partial<Compared>;
      return typeof code === "string" && Array.isArray(then) ? { code, then } : null;
    } catch {
      return null; // storage switched off, or garbage in it: then the words are read once more
    }
  }
}

function compared(facts: GroupFacts): Compared | null {
  return facts.code && { code: toHex(facts.code), then: facts.holders.map(behind) };
}
