// What a person's row needs besides its facts: an arrow-key walk over rows, menus that close, the undo of a mute in its place, colleagues
// for a private room.

import { say } from "../announce.ts";
import { onActed } from "../forms.ts";
import type { Part } from "../part.ts";
import type { Data, RosterMember } from "../protocol.ts";
import { word } from "../words.ts";
import { writing } from "../keys.ts";

/** Lists whose rows are walked over. */
const LISTS = ["concerns", "hands", "waiting", "roster", "expected"];
/** What is said after it was done to a person, by its word. */
export type DoneWord = "done_mute" | "done_ask_unmute" | "done_hold" | "done_release" | "done_flag" | "done_unflag" | "done_lower_hand" | "done_message" | "done_ask_phrase" | "done_vouch" | "done_unblock" | "done_handle_concern";

/** The row that an arrow leads to; null: out of the list's end. */
export function stepped(key: string, place: number, rows: number): number | null {
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows - 1 }[key];
  return to === undefined || to < 0 || to >= rows ? null : to;
}

export class Rows implements Part {
  readonly #hushed = new Set<string>();
  #leaders: RosterMember[] = [];

  constructor() {
    for (const name of LISTS) document.getElementById(name)?.addEventListener("keydown", (event) => walk(event));
    document.addEventListener("click", (event) => closeMenus(event.target));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closeMenus(null, true);
    });
    onActed((form, action) => this.#acted(form, action));
  }

  handle(_event: string, _data: Data): boolean {
    return false;
  }

  people(people: readonly RosterMember[]): void {
    this.#leaders = people.filter((one) => one.facilitator && !one.you);
    for (const row of document.querySelectorAll<HTMLElement>("#roster .person")) this.#fill(row);
  }

  #acted(form: HTMLFormElement, action: string): void {
    const row = form.closest<HTMLElement>(".person");
    if (!row) return;
    const [member, name] = [row.dataset["member"] ?? "", row.querySelector(".p-name")?.textContent ?? ""];
    if (action === "mute") this.#hushed.add(member);
    if (action === "ask_unmute" || action === "remove") this.#hushed.delete(member);
    for (const one of document.querySelectorAll<HTMLElement>("#roster .person")) this.#fill(one);
    say(word(`done_${action}`, { name }));
    if (row.isConnected && form.closest("details.more")) closeMenus(null, true);
  }

  /** What was done here stands in the row with its way back, since nobody else may switch a microphone on. */
  #fill(row: HTMLElement): void {
    const hushed = this.#hushed.has(row.dataset["member"] ?? "");
    row.toggleAttribute("data-hushed", hushed);
    for (const place of row.querySelectorAll<HTMLElement>(".p-hushed")) place.hidden = !hushed;
    for (const place of row.querySelectorAll<HTMLElement>(".p-with")) place.hidden = this.#leaders.length === 0;
    for (const choice of row.querySelectorAll<HTMLSelectElement>(".p-with select")) fillColleagues(choice, this.#leaders);
  }
}

function fillColleagues(choice: HTMLSelectElement, leaders: readonly RosterMember[]): void {
  const wanted = leaders.map((one) => `${one.member} ${one.name}`).join();
  if (choice.dataset["held"] === wanted) return;
  choice.dataset["held"] = wanted;
  choice.replaceChildren(...leaders.map((one) => new Option(one.name, one.member)));
}

function walk(event: KeyboardEvent): void {
  if (writing(event.target) || event.ctrlKey || event.altKey || event.metaKey || !(event.target instanceof Element)) return;
  const row = event.target.closest<HTMLElement>(".person");
  const rows = [...(row?.parentElement?.querySelectorAll<HTMLElement>(":scope > .person") ?? [])];
  const to = row ? stepped(event.key, rows.indexOf(row), rows.length) : null;
  if (to === null) return;
  event.preventDefault();
  choose(rows[to]!);
}

export function choose(row: HTMLElement): void {
  for (const one of row.parentElement?.querySelectorAll<HTMLElement>(":scope > .person") ?? []) one.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}

/** Menus but the one that the click was in; with `refocus` the focus goes back to what opened it. */
function closeMenus(target: EventTarget | null, refocus = false): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.more[open]")) {
    if (target instanceof Node && menu.contains(target)) continue;
    const had = menu.contains(document.activeElement);
    menu.open = false;
    if (had && refocus) menu.querySelector("summary")?.focus();
  }
}
