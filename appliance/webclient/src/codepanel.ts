// The words of the room's keys and who holds those keys. Draws what it is told; knows no key and no rule of the group.

import { clock } from "./people.ts";
import { rest, resting } from "./resting.ts";
import { word } from "./words.ts";

/** A tap that was meant for the words before must not say that these are the same. Nobody reads eight words in that time. */
const NEW_MILLISECONDS = 1500;

/** Somebody who holds the keys of the room, as far as the panel needs to know (a Holder of the group is one). */
export interface KeyHolder {
  name: string;
}

/** Keys of sentences about holders who are not on the list of the room. */
export type UnlistedWord = "strangers" | "gone";

export interface CodeFacts {
  /** Empty: the list of words could not be had. */
  words: readonly string[];
  holders: readonly KeyHolder[];
  /** Names of holders whom the box never had on the list of this room. */
  strangers: readonly string[];
  /** Names of holders who were on the list and are not any more. */
  gone: readonly string[];
  /** Of the words, which is not always that of the page. */
  lang: string;
  /** The words should be read aloud now. */
  prompt: boolean;
  /** RFC 3339, or null if nobody has compared yet. */
  comparedAt: string | null;
  /** The words are others than those that were compared. */
  changed: boolean;
}

export interface CodeOptions {
  facilitator: boolean;
  /** The facilitator says that everybody has the same words. A promise that rejects is told in the panel. */
  compared(): void | Promise<void>;
}

/** Which of the panel's states the facts are. */
export function codeState(facts: CodeFacts | null): "none" | "new" | "compared" | "changed" {
  if (!facts || facts.words.length === 0) return "none";
  if (facts.comparedAt === null) return "new";
  return facts.changed ? "changed" : "compared";
}

export class CodePanel {
  readonly #details: HTMLDetailsElement;
  #drawn = "";
  #words = "";
  #prompted = false;
  #ripe: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly options: CodeOptions,
  ) {
    this.#details = root.querySelector("details")!;
    this.#one("button.code-same")?.addEventListener("click", () => void this.#same());
    this.#one("button.code-other")?.addEventListener("click", () => this.#show(".code-stop", true));
  }

  /** Draws the facts; null: there are no keys. Opens itself when the words are to be read, and closes again what it opened. */
  show(facts: CodeFacts | null): void {
    const drawn = JSON.stringify(facts);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#state(facts);
    this.#list(facts);
    this.#people(facts);
    this.#unfold(facts);
  }

  #state(facts: CodeFacts | null): void {
    const state = codeState(facts);
    this.root.dataset["state"] = state;
    for (const tag of this.root.querySelectorAll<HTMLElement>(".code-state")) tag.hidden = tag.dataset["is"] !== state;
    const at = facts?.comparedAt ? clock(facts.comparedAt, document.documentElement.lang) : "";
    for (const time of this.root.querySelectorAll(".code-at")) time.textContent = at;
    this.#show(".code-none", facts === null);
    this.#show(".code-unread", facts !== null && facts.words.length === 0);
    this.#show(".code-prompt", facts?.prompt === true && state !== "none");
    this.#show(".code-answers", state === "new" || state === "changed" || (facts?.prompt === true && state === "compared"));
  }

  #list(facts: CodeFacts | null): void {
    const words = facts?.words ?? [];
    const list = this.#one(".code-words")!;
    list.hidden = words.length === 0;
    if (this.#words === words.join(" ")) return;
    this.#words = words.join(" ");
    list.lang = facts?.lang ?? "";
    list.replaceChildren(...words.map((text) => element("li", text)));
    for (const place of [".code-stop", ".code-failed"]) this.#show(place, false); // said of other words
    this.#ripen();
  }

  #ripen(): void {
    const button = this.#one<HTMLButtonElement>("button.code-same");
    if (!button) return;
    rest(button, true);
    clearTimeout(this.#ripe);
    this.#ripe = setTimeout(() => {
      this.#ripe = undefined;
      rest(button, false);
    }, NEW_MILLISECONDS);
  }

  #people(facts: CodeFacts | null): void {
    const holders = facts?.holders ?? [];
    this.#show(".code-people", holders.length > 0);
    this.#one(".code-count")!.textContent = word(holders.length === 1 ? "holder" : "holders", { number: holders.length });
    // One element a name: a name with a comma in it does not count as two people.
    this.#one(".code-names")!.replaceChildren(...holders.map((one) => element("li", one.name)));
    this.#unlisted("strangers", facts?.strangers ?? []);
    this.#unlisted("gone", facts?.gone ?? []);
  }

  /** Above the fold: nobody has to open the panel to hear of them. */
  #unlisted(kind: UnlistedWord, people: readonly string[]): void {
    const place = this.#one(`.code-${kind}`)!;
    place.hidden = people.length === 0;
    place.textContent = people.length > 0 ? word(kind, { names: people.join(", ") }) : "";
  }

  #unfold(facts: CodeFacts | null): void {
    const prompt = facts?.prompt === true && facts.words.length > 0;
    const asked = prompt ? this.#words : "";
    if (prompt && this.root.dataset["asked"] !== asked) this.#details.open = true;
    if (!prompt && this.#prompted) this.#fold();
    this.#prompted = prompt;
    this.root.dataset["asked"] = asked;
  }

  #fold(): void {
    const inside = this.#details.contains(document.activeElement);
    this.#details.open = false;
    if (inside) this.#details.querySelector<HTMLElement>("summary")?.focus();
  }

  async #same(): Promise<void> {
    const button = this.#one<HTMLButtonElement>("button.code-same")!;
    if (resting(button)) return;
    rest(button, true);
    for (const place of [".code-stop", ".code-failed"]) this.#show(place, false);
    try {
      await this.options.compared();
    } catch {
      this.#one(".code-failed")!.textContent = word("failed");
      this.#show(".code-failed", true);
    } finally {
      if (this.#ripe === undefined) rest(button, false);
    }
  }

  #one<T extends HTMLElement>(selector: string): T | null {
    return this.root.querySelector<T>(selector);
  }

  #show(selector: string, yes: boolean): void {
    const place = this.#one(selector);
    if (place) place.hidden = !yes;
  }
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
