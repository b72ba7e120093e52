// While the session is paused or this person is on hold: why there is neither picture nor sound, where the pictures were.

import { alarm } from "../announce.ts";
import type { Part } from "../part.ts";
import type { Data } from "../protocol.ts";
import { by, show } from "./dom.ts";

export class HeldNote implements Part {
  readonly #place = by("held");
  #held = "";

  handle(event: string, data: Data): boolean {
    if (event !== "media") return false;
    const held = data["held"] === "paused" || data["held"] === "held" ? data["held"] : "";
    if (held === this.#held) return false;
    this.#held = held;
    for (const why of ["paused", "held"]) show(this.#place?.querySelector<HTMLElement>(`.held-${why}`) ?? null, held === why);
    show(this.#place, held !== "");
    document.getElementById("room")?.toggleAttribute("data-held", held !== "");
    if (held !== "") alarm(this.#place?.querySelector(`.held-${held}`)?.textContent?.trim() ?? "");
    return false;
  }

  finish(): void {
    this.handle("media", { held: "" });
  }
}
