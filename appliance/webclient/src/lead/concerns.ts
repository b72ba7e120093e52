// "I am not okay", "someone can hear me", "I have a privacy concern": on top of the page, said at once, with a sound of its own.
// Only on the pages of those who lead; nothing of it is said or shown to the group.

import { alarm, knell } from "../announce.ts";
import { rowsInPlace } from "../lists.ts";
import type { Part } from "../part.ts";
import { clock } from "../people.ts";
import type { Data } from "../protocol.ts";
import { word } from "../words.ts";
import { type Concern, concernsOf, raised } from "./board.ts";

/** Keys of what is said aloud, by what was raised. */
export type ConcernWord = "concernDistress" | "concernOverheard" | "concernOther";

function wordOf(kind: string): ConcernWord {
  if (kind === "distress") return "concernDistress";
  return kind === "overheard" ? "concernOverheard" : "concernOther";
}

export class Concerns implements Part {
  #open: Concern[] = [];

  constructor() {
    const panel = document.getElementById("concerns-panel");
    // What is always at hand stays in sight below the alarms, however many lines these take.
    if (panel) new ResizeObserver(() => document.documentElement.style.setProperty("--alarms", `${panel.offsetHeight}px`)).observe(panel);
  }

  handle(event: string, data: Data): boolean {
    if (event !== "concerns") return false;
    const open = concernsOf(data);
    const fresh = raised(this.#open, open);
    this.#open = open;
    this.#show();
    if (fresh.length === 0) return true;
    alarm(fresh.map((one) => word(wordOf(one.kind), { name: one.name })).join(" "));
    knell();
    return true;
  }

  finish(): void {
    this.#open = [];
    this.#show();
  }

  #show(): void {
    const list = document.getElementById("concerns");
    const panel = document.getElementById("concerns-panel");
    if (!list || !panel) return;
    rowsInPlace(list, "concerns", this.#open, (one) => one.id, (row) => row.dataset["concern"] ?? "", fill);
    panel.hidden = this.#open.length === 0;
  }
}

function fill(row: HTMLElement, one: Concern): void {
  row.dataset["concern"] = one.id;
  row.dataset["kind"] = one.kind;
  const kinds = [...row.querySelectorAll<HTMLElement>(".c-kind")];
  const known = kinds.some((place) => place.dataset["is"] === one.kind);
  for (const place of kinds) place.hidden = place.dataset["is"] !== (known ? one.kind : "other");
  for (const place of row.querySelectorAll(".c-at")) place.textContent = clock(one.at, document.documentElement.lang);
  for (const place of row.querySelectorAll<HTMLElement>(".c-text")) [place.textContent, place.hidden] = [one.text ?? "", !one.text];
  for (const form of row.querySelectorAll("form")) {
    const action = form.getAttribute("action") ?? "";
    form.setAttribute("action", action.replace(/\/concerns\/_$/, `/concerns/${encodeURIComponent(one.id)}`));
  }
}
