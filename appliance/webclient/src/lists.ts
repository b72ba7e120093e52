// The facilitator's lists, kept live. Rows are clones of the server's own templates, so both draw the same.

import { chime, say } from "./announce.ts";
import { change, clock } from "./people.ts";
import { word } from "./words.ts";
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
  show(row, ".p-elsewhere", one.otherDevice === true);
}

export function fillRoster(row: HTMLElement, one: RosterMember): void {
  show(row, ".p-you", one.you);
  show(row, ".p-leads", one.facilitator);
  show(row, ".p-away", one.connected === false);
  show(row, ".p-remove", !one.you && !one.facilitator);
  show(row, ".p-elsewhere", one.otherDevice === true);
}

export function fillExpected(row: HTMLElement, one: ExpectedMember): void {
  showOnly(row, ".p-standing", one.standing);
  showOnly(row, ".p-ticket", one.standing === "removed" ? "" : one.ticket); // removing stops the ticket: no wrong PIN did
  show(row, ".p-rejoin", one.standing === "joining"); // nobody else of these has a place to come back to
  show(row, ".p-elsewhere", one.otherDevice === true);
}

/** Somebody whom the box has let in and who has no keys yet: that takes a tap on this very page. */
export interface PendingMember {
  member: string;
  name: string;
  /** They hold older keys already and came back with another signature key; otherwise they were let in somewhere else. */
  back: boolean;
}

export function fillPending(row: HTMLElement, one: PendingMember): void {
  show(row, ".p-back", one.back);
  show(row, ".p-desk", !one.back);
}

/** Between an admission on this page and its keys everybody is pending: that is not worth a row. */
const PATIENCE_MILLISECONDS = 1500;

/** The small list above the waiting room; away while it is empty. Says aloud who is new in it. */
export class Pending {
  readonly #list = new List<PendingMember>("pending", fillPending);
  readonly #parts = ["pending-panel", "pending-jump"].map((id) => document.getElementById(id));
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>(); // one timer for each member who is told
  #all: readonly PendingMember[] = [];
  #shown: readonly PendingMember[] = [];

  /** `letIn` is called with the member at each tap. */
  constructor(letIn: (member: string) => void) {
    this.#parts[0]?.addEventListener("click", (event) => {
      const row = event.target instanceof Element && event.target.closest(".p-let-in")?.closest<HTMLElement>(".person");
      if (row) letIn(row.dataset["member"] ?? "");
    });
  }

  /** Who is pending now. Who stays so for a moment gets a row; who is no more loses it at once. */
  show(all: readonly PendingMember[]): void {
    const { came, went } = change(this.#all, all);
    this.#all = all;
    for (const one of went) {
      clearTimeout(this.#due.get(one.member));
      this.#due.delete(one.member);
    }
    for (const one of came) this.#due.set(one.member, setTimeout(() => this.#tell(one.member), PATIENCE_MILLISECONDS));
    this.#draw(this.#all.filter((one) => this.#shown.some((before) => before.member === one.member)));
  }

  #tell(member: string): void {
    const told = this.#all.find((one) => one.member === member);
    if (!told) return;
    this.#draw(this.#all.filter((one) => one === told || this.#shown.some((before) => before.member === one.member)));
    say(word("needsKey", { name: told.name }));
    chime();
  }

  #draw(shown: readonly PendingMember[]): void {
    this.#shown = shown;
    for (const part of this.#parts) if (part) part.hidden = shown.length === 0;
    this.#list.show(shown);
  }
}
