// Which card was shown last, and who has read it.

import type { Part } from "../part.ts";
import type { Data, RosterMember } from "../protocol.ts";
import { word } from "../words.ts";
import { cardsOf, followed, readWord, type ShownCard } from "./board.ts";

export class Cards implements Part {
  readonly #place = document.getElementById("read");
  #cards: ShownCard[] = [];
  #names: ReadonlyMap<string, string> = new Map();

  handle(event: string, data: Data): boolean {
    if (event !== "acknowledged") return false;
    this.#cards = cardsOf(data);
    this.#show();
    return true;
  }

  people(people: readonly RosterMember[]): void {
    this.#names = new Map(people.map((one) => [one.member, one.name]));
    this.#show();
  }

  #show(): void {
    const [place, card] = [this.#place, followed(this.#cards)];
    if (!place) return;
    place.hidden = card === null;
    if (!card) return;
    for (const kind of place.querySelectorAll<HTMLElement>(".read-kind")) kind.hidden = kind.dataset["is"] !== card.kind;
    const to = place.querySelector<HTMLElement>(".read-to")!;
    to.hidden = card.to === "";
    to.textContent = card.to === "" ? "" : ` ${word("cardTo", { name: card.to })}`;
    put(place.querySelector(".read-count")!, word(readWord(card), { done: card.done.length, all: card.done.length + card.open.length }));
    const names = card.open.map((one) => this.#names.get(one) ?? "").filter((one) => one !== "");
    put(place.querySelector(".read-open")!, names.length > 0 ? word("cardOpen", { names: names.join(", ") }) : word("cardReadAll"));
  }
}

/** Only what is new is written: what is read out would be read out again. */
function put(place: Element, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
