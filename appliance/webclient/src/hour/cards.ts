// Cards: ground rules, reminders, a kind redirection. One after the other over the room, until each was acknowledged; sound goes on.
// The box says which this page has still to acknowledge, so a page that was loaded anew shows them again.

import type { Around, Part } from "../part.ts";
import type { Data } from "../protocol.ts";
import { rest, resting } from "../resting.ts";
import { by, Sheet, show } from "./dom.ts";

export interface Card {
  id: string;
  kind: string;
  title: string;
  paragraphs: readonly string[];
}

/** Cards of one event, and paragraphs of one card, that a page shows. */
const MOST = 50;
/** A tap that was meant for what stood there before must not acknowledge a card that came in between. Milliseconds. */
const UNREAD_MS = 1000;
/** Kinds that one promises to keep to; all others one has read. */
const KEPT = new Set(["rules", "guidelines"]);

export function cardsOf(data: Data): Card[] {
  const all = Array.isArray(data["cards"]) ? (data["cards"] as unknown[]).slice(0, MOST) : [];
  return all.flatMap((one) => {
    const { id, kind, title, paragraphs } = (one ?? {}) as Data;
    if (typeof id !== "string" || typeof kind !== "string") return [];
    const texts = Array.isArray(paragraphs) ? paragraphs.filter((text): text is string => typeof text === "string").slice(0, MOST) : [];
    return [{ id, kind, title: typeof title === "string" ? title : "", paragraphs: texts }];
  });
}

export class Cards implements Part {
  readonly #sheet = new Sheet("card-sheet");
  readonly #done = by<HTMLButtonElement>("card-done");
  #cards: Card[] = [];
  #shown = ""; // id
  #acknowledged = new Set<string>(); // said to the box, which may not have told so yet
  #inside = false;
  #ripe: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly around: Around) {
    const { dialog } = this.#sheet;
    this.#done?.addEventListener("click", () => void this.#acknowledge());
    dialog?.setAttribute("data-must", "");
    dialog?.addEventListener("cancel", (event) => event.preventDefault()); // only its button ends a card
    dialog?.addEventListener("close", () => this.#show());
    // A card waits for whatever else is open: nobody loses what they are writing.
    document.addEventListener("close", () => this.#show(), true);
  }

  handle(event: string, data: Data): boolean {
    if (event !== "cards") return false;
    this.#cards = cardsOf(data);
    const told = new Set(this.#cards.map((one) => one.id));
    this.#acknowledged = new Set([...this.#acknowledged].filter((id) => told.has(id)));
    this.#show();
    return true;
  }

  enter(): void {
    this.#inside = true;
    this.#show();
  }

  finish(): void {
    this.#cards = [];
    this.#inside = false;
    this.#show();
  }

  #show(): void {
    const card = this.#inside ? this.#cards.find((one) => !this.#acknowledged.has(one.id)) : undefined;
    if (!card) {
      this.#shown = "";
      return this.#sheet.open ? this.#sheet.close() : undefined;
    }
    if (this.#shown !== card.id) this.#fill(card);
    if (!this.#sheet.open && !document.querySelector("dialog[open]")) this.#sheet.show();
    return undefined;
  }

  #fill(card: Card): void {
    this.#shown = card.id;
    by("card-title")!.textContent = card.title;
    by("card-text")!.replaceChildren(...card.paragraphs.map(paragraph));
    for (const words of this.#done!.querySelectorAll<HTMLElement>("[data-is]")) words.hidden = (words.dataset["is"] === "keep") !== KEPT.has(card.kind);
    this.#sheet.dialog!.dataset["kind"] = card.kind;
    show(by("card-failed"), false);
    rest(this.#done!, true);
    clearTimeout(this.#ripe);
    this.#ripe = setTimeout(() => rest(this.#done!, false), UNREAD_MS);
    if (this.#sheet.open) this.#sheet.heading();
  }

  async #acknowledge(): Promise<void> {
    const [id, button] = [this.#shown, this.#done!];
    if (id === "" || resting(button)) return;
    rest(button, true);
    show(by("card-failed"), false);
    try {
      await this.around.ask("roomAcknowledge", { card: id });
      // Only where the box has not told so yet: what it tells from now on counts, as the same card again after a sleep.
      if (this.#cards.some((one) => one.id === id)) this.#acknowledged.add(id);
      rest(button, false);
      this.#show();
    } catch {
      rest(button, false);
      show(by("card-failed"), true);
    }
  }
}

function paragraph(text: string): HTMLElement {
  const made = document.createElement("p");
  made.dir = "auto";
  made.textContent = text;
  return made;
}
