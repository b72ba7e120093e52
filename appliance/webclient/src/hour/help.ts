// "What do you need?": three plain choices. Each tells who leads, silently; the first also switches microphone and camera off at once,
// before anything is asked of the box. The report beside the pictures is the third in one tap.

import type { Around, Part } from "../part.ts";
import { word } from "../words.ts";
import { by, Sheet, show } from "./dom.ts";
import type { Leader } from "./leader.ts";

export type Trouble = "distress" | "overheard" | "privacy";

/** Keys of the headings of what then stands on the sheet. */
export type TroubleWord = "helpDistress" | "helpOverheard" | "helpPrivacy";

const WORDS: Readonly<Record<Trouble, TroubleWord>> = { distress: "helpDistress", overheard: "helpOverheard", privacy: "helpPrivacy" };

export class Help implements Part {
  readonly #sheet = new Sheet("help-sheet");
  #kind: Trouble = "privacy";
  #turn = 0;

  constructor(
    private readonly around: Around,
    private readonly leader: Leader,
  ) {
    by("help")?.addEventListener("click", () => this.open());
    for (const button of document.querySelectorAll<HTMLElement>(".help-choice")) button.addEventListener("click", () => this.choose(button.dataset["kind"] as Trouble));
    by("help-again")?.addEventListener("click", () => void this.#tell());
    by("report")?.addEventListener("click", () => this.choose("privacy"));
  }

  handle(): boolean {
    return false;
  }

  open(): void {
    this.#step("choose");
    this.#sheet.show();
  }

  /** Does at once what can be done here, then tells. */
  choose(kind: Trouble): void {
    this.#kind = kind;
    if (kind === "overheard") {
      this.around.hush();
      this.around.hide();
    }
    by("help-done-title")!.textContent = word(WORDS[kind]);
    for (const place of document.querySelectorAll<HTMLElement>(".help-text")) show(place, place.dataset["kind"] === kind);
    const emergency = this.#sheet.dialog?.querySelector<HTMLDetailsElement>(".help-text details");
    if (emergency) emergency.open = kind === "distress";
    this.#step("done");
    this.#sheet.show();
    this.#sheet.heading();
    void this.#tell();
  }

  finish(): void {
    this.#turn++;
    this.#sheet.close();
  }

  async #tell(): Promise<void> {
    const turn = ++this.#turn;
    const { name } = this.leader;
    show(by("help-again"), false);
    show(by("help-untold"), false);
    by("help-told")!.textContent = word("helpTelling", { name });
    const told = await this.around.ask("roomConcern", { kind: this.#kind }).then(() => true, () => false);
    if (turn !== this.#turn) return;
    by("help-told")!.textContent = told ? word("helpTold", { name }) : "";
    by("help-untold")!.textContent = told ? "" : word("helpUntold", { name });
    show(by("help-untold"), !told);
    show(by("help-again"), !told);
  }

  #step(step: "choose" | "done"): void {
    for (const part of this.#sheet.dialog?.querySelectorAll<HTMLElement>("[data-step]") ?? []) show(part, part.dataset["step"] === step);
  }
}
