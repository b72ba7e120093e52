// The facilitator's three lists, kept live. Rows are clones of the server's own templates, so both draw the same.

import { clock } from "./people.ts";
import type { ExpectedMember, RosterMember, WaitingMember } from "./protocol.ts";

type Fill<T> = (row: HTMLElement, one: T) => void;

/** One list: knows its rows by member, so that an update neither moves the focus nor restarts a half-made tap. */
export class List<T extends { member: string; name: string }> {
  readonly #list: HTMLElement | null;
  readonly #template: HTMLTemplateElement | null;

  constructor(
    private readonly name: string,
    private readonly fill: Fill<T>,
  ) {
    this.#list = document.getElementById(name);
    this.#template = document.getElementById(`${name}-template`) as HTMLTemplateElement | null;
  }

  show(all: readonly T[]): void {
    const list = this.#list;
    if (!list) return;
    const old = new Map([...list.querySelectorAll<HTMLElement>(".person")].map((row) => [row.dataset["member"] ?? "", row]));
    all.forEach((one, place) => {
      const row = old.get(one.member) ?? this.#row(one.member);
      old.delete(one.member);
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
      this.#name(row, one);
      this.fill(row, one);
    });
    for (const row of old.values()) row.remove();
    this.#count(all.length);
  }

  #row(member: string): HTMLElement {
    const row = (this.#template?.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>(".person")!;
    row.dataset["member"] = member;
    for (const form of row.querySelectorAll("form")) {
      form.setAttribute("action", (form.getAttribute("action") ?? "").replace("/members/_/", `/members/${encodeURIComponent(member)}/`));
    }
    return row;
  }

  #name(row: HTMLElement, one: T): void {
    for (const place of row.querySelectorAll(".p-name")) place.textContent = one.name;
    for (const place of row.querySelectorAll(".for-name")) place.textContent = ` ${one.name}`;
    for (const form of row.querySelectorAll<HTMLFormElement>("form[data-confirm]")) form.dataset["name"] = one.name;
  }

  #count(number: number): void {
    for (const place of document.querySelectorAll(`.${this.name}-count`)) place.textContent = String(number);
    const none = document.getElementById(`${this.name}-none`);
    if (none) none.hidden = number > 0;
  }
}

function show(row: HTMLElement, selector: string, yes: boolean): void {
  for (const place of row.querySelectorAll<HTMLElement>(selector)) place.hidden = !yes;
}

function showOnly(row: HTMLElement, selector: string, is: string): void {
  for (const place of row.querySelectorAll<HTMLElement>(selector)) place.hidden = place.dataset["is"] !== is;
}

export function fillWaiting(row: HTMLElement, one: WaitingMember): void {
  for (const place of row.querySelectorAll(".p-display")) place.textContent = one.displayName;
  for (const place of row.querySelectorAll(".p-since")) place.textContent = clock(one.since, document.documentElement.lang);
  show(row, ".p-vouched", one.vouched);
  show(row, ".p-unvouched, .p-vouch", !one.vouched);
  show(row, ".p-away", !one.connected);
}

export function fillRoster(row: HTMLElement, one: RosterMember): void {
  show(row, ".p-you", one.you);
  show(row, ".p-leads", one.facilitator);
  show(row, ".p-away", one.connected === false);
  show(row, ".p-remove", !one.you && !one.facilitator);
}

export function fillExpected(row: HTMLElement, one: ExpectedMember): void {
  showOnly(row, ".p-standing", one.standing);
  showOnly(row, ".p-ticket", one.standing === "removed" ? "" : one.ticket); // removing stops the ticket: no wrong PIN did
}
