// What is wanted less often stands behind one button.

import type { Part } from "../part.ts";
import { by, Sheet } from "./dom.ts";

export class More implements Part {
  readonly #sheet = new Sheet("more-sheet");

  constructor() {
    by("more")?.addEventListener("click", () => this.#sheet.show());
    for (const button of this.#sheet.dialog?.querySelectorAll(".keys-open") ?? []) button.addEventListener("click", () => this.#sheet.close(), { capture: true });
  }

  handle(): boolean {
    return false;
  }

  finish(): void {
    this.#sheet.close();
  }
}
