// One key each for what the page can do, with the list of them under "?". WCAG 2.1.4: the keys can be switched off, never count while one
// writes, and take no shortcut of the browser or of a screen reader (Ctrl, Alt and Meta are theirs). Which keys there are is the parts'.

/** What one key does; `run` gets the row of the person that has the focus. */
export interface Key {
  /** A lower-case Latin letter, or "?". */
  key: string;
  run(row: HTMLElement | null): void;
}

/** The part of a KeyboardEvent that decides. */
export interface Pressed {
  key: string;
  code?: string;
  ctrlKey?: boolean;
  altKey?: boolean;
  metaKey?: boolean;
  repeat?: boolean;
  isComposing?: boolean;
}

/** The letter that is meant: by what the keyboard writes, or where that is no Latin letter, by where the key lies. "" for none. */
export function letterOf(pressed: Pressed): string {
  if (pressed.ctrlKey || pressed.altKey || pressed.metaKey || pressed.repeat || pressed.isComposing) return "";
  if (/^[a-z?]$/i.test(pressed.key)) return pressed.key.toLowerCase();
  if (pressed.key.length !== 1 || /[\p{Script=Latin}\d\p{P}\s]/u.test(pressed.key)) return "";
  return /^Key([A-Z])$/.exec(pressed.code ?? "")?.[1]?.toLowerCase() ?? "";
}

/** Where letters are written, or chosen by their letter. */
const WRITING = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]";
const KEPT = "hearth-keys"; // in sessionStorage, as the other choices of this page are

export function writing(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(WRITING) !== null;
}

/** Keys of the page. The dialog `keys-help` lists them; its checkbox `keys-on` switches them. */
export class Keys {
  readonly #keys = new Map<string, Key>();
  readonly #help = document.getElementById("keys-help") as HTMLDialogElement | null;

  constructor(private readonly kept: Pick<Storage, "getItem" | "setItem">) {
    document.addEventListener("keydown", (event) => this.#pressed(event));
    const box = document.getElementById("keys-on") as HTMLInputElement | null;
    if (box) box.checked = this.on;
    box?.addEventListener("change", () => kept.setItem(KEPT, box.checked ? "on" : "off"));
    for (const button of document.querySelectorAll(".keys-open")) button.addEventListener("click", () => this.help());
    this.add([{ key: "?", run: () => this.help() }]);
  }

  get on(): boolean {
    return this.kept.getItem(KEPT) !== "off";
  }

  /** A later one of the same letter stands in for the earlier. */
  add(keys: readonly Key[]): void {
    for (const key of keys) this.#keys.set(key.key, key);
  }

  help(): void {
    if (!this.#help?.open) this.#help?.showModal?.();
  }

  #pressed(event: KeyboardEvent): void {
    const key = this.#keys.get(letterOf(event));
    if (!key || event.defaultPrevented || writing(event.target) || document.querySelector("dialog[open]")) return;
    if (!this.on) return;
    event.preventDefault();
    const target = event.target instanceof Element ? event.target : null;
    key.run(target?.closest<HTMLElement>(".person") ?? null);
  }
}

let page: Keys | null = null;

/** The keys of this page; one for all its parts. */
export function pageKeys(): Keys {
  page ??= new Keys(sessionStorage);
  return page;
}
