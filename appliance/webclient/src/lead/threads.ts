// Lines to and from one person alone, one thread each, sealed to the two pages and kept nowhere.

import { chime, say } from "../announce.ts";
import { rowsInPlace } from "../lists.ts";
import type { Around, From, Part } from "../part.ts";
import type { Data, RosterMember } from "../protocol.ts";
import { rest, resting } from "../resting.ts";
import { word } from "../words.ts";

/** Lines of one thread that a page holds. */
const MAX_LINES = 100;
/** Characters of one line, as in the chat. */
const MAX_LINE = 500;

interface Thread {
  member: string;
  name: string;
}

export class Threads implements Part {
  readonly #list = document.getElementById("threads");
  readonly #panel = document.getElementById("threads-panel");
  #open: Thread[] = [];

  constructor(private readonly around: Pick<Around, "whisper" | "name">) {
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest(".p-whisper") : null;
      const row = button?.closest<HTMLElement>(".person");
      if (row) this.to(row.dataset["member"] ?? "", row.querySelector(".p-name")?.textContent ?? "");
    });
    this.#list?.addEventListener("submit", (event) => {
      event.preventDefault();
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".thread") : null;
      if (row) void this.#send(row);
    });
    this.#list?.addEventListener("focusin", (event) => {
      const row = event.target instanceof Element ? event.target.closest(".thread") : null;
      for (const place of row?.querySelectorAll<HTMLElement>(".t-new") ?? []) place.hidden = true;
    });
  }

  /** Opens the thread with that person and puts the cursor into it. */
  to(member: string, name: string): void {
    this.#thread({ member, name })?.querySelector("input")?.focus();
  }

  handle(_event: string, _data: Data): boolean {
    return false;
  }

  whispered(from: From, text: string): void {
    if (from.you) return;
    const row = this.#thread({ member: from.member, name: from.name });
    if (!row) return;
    this.#add(row, from.name, text, false);
    for (const place of row.querySelectorAll<HTMLElement>(".t-new")) place.hidden = row.contains(document.activeElement);
    say(word("whispered", { name: from.name }));
    chime();
  }

  people(people: readonly RosterMember[]): void {
    const names = new Map(people.map((one) => [one.member, one.name]));
    this.#open = this.#open.map((one) => ({ ...one, name: names.get(one.member) ?? one.name }));
    this.#show();
  }

  finish(): void {
    this.#open = [];
    this.#show();
  }

  #thread(one: Thread): HTMLElement | null {
    if (!this.#open.some((had) => had.member === one.member)) this.#open = [...this.#open, one];
    this.#show();
    return [...(this.#list?.querySelectorAll<HTMLElement>(".thread") ?? [])].find((row) => row.dataset["member"] === one.member) ?? null;
  }

  #show(): void {
    if (!this.#list || !this.#panel) return;
    rowsInPlace(this.#list, "threads", this.#open, (one) => one.member, (row) => row.dataset["member"] ?? "");
    this.#panel.hidden = this.#open.length === 0;
    for (const place of document.querySelectorAll(".threads-count")) place.textContent = String(this.#open.length);
  }

  #add(row: HTMLElement, name: string, text: string, own: boolean): void {
    const log = row.querySelector<HTMLElement>(".t-log")!;
    const line = document.createElement("p");
    const who = document.createElement("bdi");
    who.className = "t-who";
    who.textContent = `${name}:`;
    const said = document.createElement("span");
    said.dir = "auto";
    said.textContent = text.slice(0, MAX_LINE);
    line.append(who, " ", said);
    if (own) line.dataset["own"] = "";
    log.append(line);
    while (log.children.length > MAX_LINES) log.firstElementChild?.remove();
    log.scrollTop = log.scrollHeight;
  }

  async #send(row: HTMLElement): Promise<void> {
    const field = row.querySelector("input")!;
    const button = row.querySelector("button")!;
    const failed = row.querySelector<HTMLElement>(".t-failed")!;
    const text = field.value.trim();
    if (text === "" || resting(button)) return;
    rest(button, true);
    failed.hidden = true;
    try {
      await this.around.whisper([row.dataset["member"] ?? ""], text);
      this.#add(row, this.around.name, text, true);
      if (field.value.trim() === text) field.value = "";
    } catch {
      failed.hidden = false;
    } finally {
      rest(button, false);
    }
  }
}
