// What the parts of the room share of the page: finding, showing, and sheets that open over the room and give the focus back.

export function by<T extends HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

export function show(place: HTMLElement | null, yes: boolean): void {
  if (place && place.hidden === yes) place.hidden = !yes;
}

/** Puts a sentence in its place and shows it; the same again is not read out again. */
export function tell(place: HTMLElement | null, sentence: string): void {
  if (!place) return;
  if (place.textContent !== sentence) place.textContent = sentence;
  show(place, sentence !== "");
}

/** A dialog of the page that closes by its buttons, by Escape and by a tap beside it. */
export class Sheet {
  readonly dialog: HTMLDialogElement | null;

  constructor(id: string) {
    this.dialog = by<HTMLDialogElement>(id);
    this.dialog?.addEventListener("click", (event) => {
      const target = event.target as Element;
      if ((target === this.dialog && !this.dialog?.hasAttribute("data-must")) || target.closest("[data-close]")) this.close();
    });
  }

  get open(): boolean {
    return this.dialog?.open === true;
  }

  /** The heading gets the focus: a key that was meant for something else presses no button. */
  show(): void {
    if (!this.dialog || this.open) return;
    for (const other of document.querySelectorAll<HTMLDialogElement>("dialog.sheet[open]")) if (other !== this.dialog && !other.hasAttribute("data-must")) other.close();
    this.dialog.showModal?.();
    this.heading();
  }

  heading(): void {
    [...(this.dialog?.querySelectorAll<HTMLElement>("h2") ?? [])].find((one) => one.offsetParent !== null)?.focus();
  }

  close(): void {
    this.dialog?.close();
  }
}
