// What people in the room write to each other. Text goes into the page as text only, and is kept nowhere but in the page.

import { rest } from "./resting.ts";
import { unsentWord } from "./unsent.ts";
import { word } from "./words.ts";

/** Lines kept on the page: an evening's talk; whoever floods it pushes out the oldest. */
export const MAX_LINES = 200;
/** UTF-16 units of one message, as in the field's maxlength. What comes longer was not written in our page, and is cut. */
export const MAX_TEXT = 500;
/** From this width on room.css shows a patient's chat beside the faces: there it is open from the start. */
const BESIDE = "(min-width: 62rem)";
/** Pixels from the end within which the log follows new lines; further up somebody is reading. */
const NEAR_END = 40;

/** A text as it may be shown: not longer than one that our own page can send. */
export function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

export class Chat {
  readonly #details: HTMLDetailsElement;
  readonly #log: HTMLElement;
  readonly #field: HTMLInputElement;
  readonly #button: HTMLButtonElement;
  readonly #template: HTMLTemplateElement;
  #unread = 0;
  #ready = false;
  #sending = false;

  /** `send` resolves when the message is on its way; the caller then adds the own line, as it adds those of others. */
  constructor(
    private readonly root: HTMLElement,
    private readonly send: (text: string) => Promise<void>,
  ) {
    this.#details = root.querySelector("details")!;
    this.#log = root.querySelector(".chat-log")!;
    this.#field = root.querySelector("input")!;
    this.#button = root.querySelector("form button")!;
    this.#template = root.querySelector("template")!;
    root.querySelector("form")!.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#details.addEventListener("toggle", () => this.#read());
    this.#details.open = root.hasAttribute("data-beside") && matchMedia(BESIDE).matches;
    this.ready(false);
  }

  /** Shows a line; `name` is that of the key's holder, whom the sender cannot choose. */
  add(name: string, text: string, own: boolean): void {
    const line = (this.#template.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>("p")!;
    line.toggleAttribute("data-own", own);
    line.querySelector(".chat-name")!.textContent = name;
    line.querySelector(".chat-text")!.textContent = shortened(text);
    const follow = own || this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END;
    this.#log.hidden = false;
    this.#log.append(line);
    while (this.#log.children.length > MAX_LINES) this.#log.firstElementChild!.remove();
    if (follow) this.#log.scrollTop = this.#log.scrollHeight;
    this.#show(".chat-empty", false);
    if (!own && !this.#details.open) this.#count(this.#unread + 1);
  }

  /** Whether there are keys to write with. Without them a text that was begun stays in the field. */
  ready(yes: boolean): void {
    this.#ready = yes;
    this.#field.readOnly = !yes; // not disabled: that would throw out who is just typing
    this.#show("#chat-closed", !yes);
    this.#buttons();
  }

  /** Nothing of it stays on the page. */
  clear(): void {
    this.#log.replaceChildren();
    this.#log.hidden = true;
    this.#field.value = "";
    this.#show(".chat-empty", true);
    this.#show("#chat-failed", false);
    this.#count(0);
  }

  async #submit(): Promise<void> {
    const text = this.#field.value.trim();
    if (text === "" || !this.#ready || this.#sending) return;
    this.#sending = true;
    this.#buttons();
    this.#show("#chat-failed", false);
    try {
      await this.send(text);
      if (this.#field.value.trim() === text) this.#field.value = "";
    } catch (error) {
      this.root.querySelector("#chat-failed")!.textContent = word(unsentWord(error));
      this.#show("#chat-failed", true);
    }
    this.#sending = false;
    this.#buttons();
  }

  #buttons(): void {
    rest(this.#button, !this.#ready || this.#sending);
  }

  #read(): void {
    if (!this.#details.open) return;
    this.#count(0);
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #count(unread: number): void {
    this.#unread = unread;
    this.root.querySelector(".chat-number")!.textContent = String(Math.min(unread, MAX_LINES));
    this.#show(".chat-unread", unread > 0);
  }

  #show(selector: string, yes: boolean): void {
    this.root.querySelector<HTMLElement>(selector)!.hidden = !yes;
  }
}
