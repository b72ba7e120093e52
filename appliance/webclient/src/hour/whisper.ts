// A private word with who leads: written here, sealed to their keys alone (group/whispers.ts), and their answers. Kept nowhere but here.

import { say } from "../announce.ts";
import { MAX_LINES, shortened } from "../chat.ts";
import type { Around, From, Part, Said } from "../part.ts";
import { rest, resting } from "../resting.ts";
import { unsentWord } from "../unsent.ts";
import { word } from "../words.ts";
import { by, Sheet, show } from "./dom.ts";
import type { Leader } from "./leader.ts";

export class Whispering implements Part {
  readonly #sheet = new Sheet("whisper-sheet");
  readonly #log = by("whisper-log");
  readonly #field = by<HTMLInputElement>("whisper-text");
  readonly #button: HTMLButtonElement | null;
  readonly #waiting = new Map<string, HTMLElement>(); // by id: where it will say that it was opened
  #keys = false;

  constructor(
    private readonly around: Around,
    private readonly leader: Leader,
  ) {
    const form = by<HTMLFormElement>("whisper-form");
    this.#button = form?.querySelector("button") ?? null;
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    for (const button of document.querySelectorAll(".whisper-open")) button.addEventListener("click", () => this.open());
  }

  handle(): boolean {
    return false;
  }

  keys(yes: boolean): void {
    this.#keys = yes;
    this.#offer();
  }

  people(): void {
    this.#offer();
  }

  open(): void {
    show(by("word-back"), false);
    this.#sheet.show();
    this.#field?.focus();
    if (this.#log) this.#log.scrollTop = this.#log.scrollHeight;
  }

  whispered(from: From, text: string): void {
    if (!this.#sheet.dialog) return; // who leads has a place of their own for it
    this.#add(from.name, text, false);
    const sentence = word("whispered", { name: from.name });
    if (this.#sheet.open) return say(sentence);
    const note = by("word-back");
    if (note) note.querySelector("p")!.textContent = sentence;
    show(note, true);
    return undefined;
  }

  said(from: From, said: Said): void {
    if (said.t !== "heard") return;
    const state = this.#waiting.get(said.id);
    if (state) state.textContent = word("whisperHeard", { name: from.name });
    this.#waiting.delete(said.id);
  }

  finish(): void {
    this.#log?.replaceChildren();
    show(this.#log, false);
    this.#waiting.clear();
    if (this.#field) this.#field.value = "";
    show(by("word-back"), false);
    this.#sheet.close();
  }

  async #send(): Promise<void> {
    const text = this.#field!.value.trim();
    const to = this.leader.members;
    if (text === "" || !this.#keys || to.length === 0 || resting(this.#button!)) return this.#offer();
    rest(this.#button!, true);
    show(by("whisper-failed"), false);
    try {
      const id = await this.around.whisper(to, text);
      const state = this.#add(this.around.name, text, true);
      state.textContent = word("whisperSent");
      this.#waiting.set(id, state);
      if (this.#field!.value.trim() === text) this.#field!.value = "";
    } catch (error) {
      by("whisper-failed")!.textContent = word(unsentWord(error));
      show(by("whisper-failed"), true);
    }
    rest(this.#button!, false);
    return undefined;
  }

  #offer(): void {
    show(by("whisper-nobody"), !this.#keys || this.leader.members.length === 0);
  }

  #add(name: string, text: string, own: boolean): HTMLElement {
    const line = (by<HTMLTemplateElement>("whisper-template")!.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>("p")!;
    line.toggleAttribute("data-own", own);
    line.querySelector(".chat-name")!.textContent = name;
    line.querySelector(".chat-text")!.textContent = shortened(text);
    this.#log!.append(line);
    show(this.#log, true);
    while (this.#log!.children.length > MAX_LINES) this.#log!.firstElementChild!.remove();
    this.#log!.scrollTop = this.#log!.scrollHeight;
    return line.querySelector<HTMLElement>(".whisper-state")!;
  }
}
