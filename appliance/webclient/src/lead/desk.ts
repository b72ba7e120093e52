// The desk of who leads: shows what is offered at this moment, says what has changed, and keeps the focus where the hand is.

import { say } from "../announce.ts";
import { onActed } from "../forms.ts";
import type { Around, Part } from "../part.ts";
import type { Data, SessionFacts } from "../protocol.ts";
import { word } from "../words.ts";
import { leaderAway, type MomentWord, news, next, offered, phaseOf, shown } from "./moment.ts";

function textOf(selector: string, text: string): void {
  for (const place of document.querySelectorAll(selector)) place.textContent = text;
}

/** The command that a form of the desk stands for. */
export function commandOf(form: HTMLElement): string {
  const { action, card } = form.dataset;
  return action === "show_card" ? `card:${card}` : (action ?? "");
}

function deskForms(): HTMLFormElement[] {
  return [...document.querySelectorAll<HTMLFormElement>("form[data-action]")].filter((form) => !form.closest(".person"));
}

/** The form of a command that is offered right now, or null. */
export function deskForm(command: string): HTMLFormElement | null {
  return deskForms().find((form) => commandOf(form) === command && !form.hidden) ?? null;
}

export class Desk implements Part {
  #facts: SessionFacts | null = null;
  #pressed = ""; // the command whose button had the focus when it was done

  constructor(private readonly around: Pick<Around, "member">) {
    onActed((form, action) => {
      if (!form.closest(".person")) this.#pressed = commandOf(form);
      if (action === "show_card") say(word("cardShown"));
    });
  }

  handle(_event: string, _data: Data): boolean {
    return false;
  }

  session(facts: SessionFacts): void {
    const before = this.#facts;
    this.#facts = facts;
    this.#show(facts);
    if (before) say(this.#told(news(before, facts, this.around.member), facts));
    this.#keepFocus();
  }

  #told(keys: readonly MomentWord[], facts: SessionFacts): string {
    return keys.map((key) => word(key, { name: facts.leader?.name ?? "" })).join(" ");
  }

  #show(facts: SessionFacts): void {
    const main = document.getElementById("room");
    if (main) [main.dataset["phase"], main.dataset["locked"]] = [phaseOf(facts), String(facts.locked)];
    for (const place of document.querySelectorAll<HTMLElement>("[data-shown]")) place.hidden = !shown(place.dataset["shown"]!, facts);
    for (const form of deskForms()) form.hidden = !offered(commandOf(form), facts, this.around.member);
    for (const place of document.querySelectorAll<HTMLElement>(".p-by-itself")) place.hidden = facts.byItself !== true;
    this.#showLeader(facts);
  }

  /** Taking over from somebody who is here asks once; from an empty chair it does not. */
  #showLeader(facts: SessionFacts): void {
    const away = leaderAway(facts, this.around.member);
    const banner = document.getElementById("leading");
    if (banner) banner.hidden = !away;
    textOf(".leader-name", facts.leader?.name ?? "");
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-action=take_over]")) form.dataset["confirm"] = away ? "" : "confirm-take-over";
  }

  /** The button that was pressed has gone: its successor gets the focus, so that the same key may undo it. */
  #keepFocus(): void {
    const command = this.#pressed;
    const form = command ? deskForms().find((one) => commandOf(one) === command) : null;
    if (!form?.hidden) return; // the box has not said yet what became of it
    this.#pressed = "";
    const to = deskForm(next(command) ?? "")?.querySelector("button") ?? document.querySelector<HTMLElement>(".call-title");
    if (document.activeElement === document.body || document.activeElement?.closest("[hidden]")) to?.focus();
  }
}
