// The facilitator's lists, kept live. Rows are clones of the server's own templates, so both draw the same.

import { chime, say } from "./announce.ts";
import { change, clock } from "./people.ts";
import { word } from "./words.ts";
import type { ExpectedMember, RosterMember, WaitingMember } from "./protocol.ts";

type Fill<T> = (row: HTMLElement, one: T) => void;

/** One list: knows its rows by member, so that an update neither moves the focus nor restarts a half-made tap. */
export class List<T extends { member: string; name: string }> {
  constructor(
    private readonly name: string,
    private readonly fill: Fill<T>,
  ) {}

  show(all: readonly T[]): void {
    const list = document.getElementById(this.name);
    if (!list) return;
    rowsInPlace(list, this.name, all, (one) => one.member, (row) => row.dataset["member"] ?? "", this.fill);
    for (const place of document.querySelectorAll(`.${this.name}-count`)) place.textContent = String(all.length);
    const none = document.getElementById(`${this.name}-none`);
    if (none) none.hidden = all.length > 0;
  }
}

/**
 * Brings the rows of `list` in line with `all`: kept rows stay the same elements, new ones are clones of the server's template. The focus
 * stays in its row; if that has gone it is in the row that came into its place, or at the list's panel.
 */
export function rowsInPlace<T extends { member: string; name: string }>(
  list: HTMLElement,
  name: string,
  all: readonly T[],
  id: (one: T) => string,
  idOf: (row: HTMLElement) => string,
  fill: Fill<T> = () => undefined,
): void {
  const rows = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>(":scope > .person")];
  const focus = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement : null;
  const at = rows().findIndex((row) => row.contains(focus));
  const old = new Map(rows().map((row) => [idOf(row), row]));
  all.forEach((one, place) => {
    const row = old.get(id(one)) ?? made(name, one.member);
    old.delete(id(one));
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    named(row, one);
    fill(row, one);
  });
  for (const row of old.values()) row.remove();
  if (focus) refocus(list, focus, rows()[Math.min(at, all.length - 1)]);
  roam(rows());
}

function refocus(list: HTMLElement, had: HTMLElement, instead: HTMLElement | undefined): void {
  if (document.activeElement === had) return;
  if (had.isConnected && !had.closest("[hidden]")) return had.focus(); // it was moved
  const to = instead ?? list.closest<HTMLElement>("section[tabindex]");
  if (instead) instead.tabIndex = 0;
  to?.focus();
}

/** One row of a list is in the way of the Tab key; the arrows lead to the others. */
function roam(rows: readonly HTMLElement[]): void {
  const kept = rows.find((row) => row.contains(document.activeElement)) ?? rows.find((row) => row.tabIndex === 0) ?? rows[0];
  for (const row of rows) row.tabIndex = row === kept ? 0 : -1;
}

function made(name: string, member: string): HTMLElement {
  const template = document.getElementById(`${name}-template`) as HTMLTemplateElement | null;
  const row = (template?.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>(".person")!;
  row.dataset["member"] = member;
  for (const form of row.querySelectorAll("form")) {
    form.setAttribute("action", (form.getAttribute("action") ?? "").replace("/members/_/", `/members/${encodeURIComponent(member)}/`));
  }
  for (const field of row.querySelectorAll<HTMLInputElement>("input[name=member]")) field.value = member;
  for (const field of row.querySelectorAll("[id$='-_']")) field.id = field.id.replace(/_$/, member);
  for (const label of row.querySelectorAll<HTMLLabelElement>("label[for$='-_']")) label.htmlFor = label.htmlFor.replace(/_$/, member);
  return row;
}

function named(row: HTMLElement, one: { name: string }): void {
  put(row, ".p-name", one.name);
  put(row, ".for-name", ` ${one.name}`);
  for (const form of row.querySelectorAll<HTMLFormElement>("form[data-confirm]")) form.dataset["name"] = one.name;
}

function put(row: HTMLElement, selector: string, text: string): void {
  for (const place of row.querySelectorAll(selector)) if (place.textContent !== text) place.textContent = text;
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
  fillPhrase(row, one);
  show(row, ".p-told", !!one.message);
  put(row, ".p-told-at", one.message ? clock(one.message.at, document.documentElement.lang) : "");
  put(row, ".p-told-text", one.message?.text ?? "");
}

function fillPhrase(row: HTMLElement, one: WaitingMember): void {
  const given = one.phraseGiven ?? "";
  put(row, ".p-phrase-record", one.phrase ?? "");
  put(row, ".p-phrase-given", given);
  show(row, ".p-phrase-none", !one.phrase);
  show(row, ".p-phrase-waits", given === "");
  show(row, ".p-answer", one.phraseAsked === true || given !== "");
  show(row, ".p-phrase-open", given === "");
  show(row, ".p-phrase-fits", given !== "" && one.phraseFits === true);
  show(row, ".p-phrase-unfit", given !== "" && one.phraseFits !== true);
}

export function fillRoster(row: HTMLElement, one: RosterMember): void {
  show(row, ".p-you", one.you);
  show(row, ".p-leads", one.facilitator);
  show(row, ".p-away", one.connected === false);
  row.toggleAttribute("data-leads", one.facilitator);
  show(row, ".p-tools", !one.you && !one.facilitator);
  show(row, ".p-held, .p-release", one.held === true);
  show(row, ".p-hold", one.held !== true);
  show(row, ".p-aside, .p-together", one.aside === true);
  show(row, ".p-alone", one.aside !== true);
  show(row, ".p-flagged, .p-unflag", one.flagged === true);
  show(row, ".p-flag", one.flagged !== true);
  show(row, ".p-elsewhere", one.otherDevice === true);
}

export function fillExpected(row: HTMLElement, one: ExpectedMember): void {
  showOnly(row, ".p-standing", one.standing);
  showOnly(row, ".p-ticket", one.standing === "removed" ? "" : one.ticket); // removing stops the ticket: no wrong PIN did
  show(row, ".p-rejoin", one.standing === "joining"); // nobody else of these has a place to come back to
  show(row, ".p-blocked, .p-unblock", one.blocked === true);
  show(row, ".p-reissue", one.blocked !== true);
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
