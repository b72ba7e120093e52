// Who wants to speak: an ordered list, and a mark at the person's row.

import { say } from "../announce.ts";
import { List } from "../lists.ts";
import { change } from "../people.ts";
import type { Part } from "../part.ts";
import type { Data } from "../protocol.ts";
import { word } from "../words.ts";
import { type Hand, handsOf } from "./board.ts";

export class Hands implements Part {
  readonly #list = new List<Hand>("hands", () => undefined);
  #queue: Hand[] | null = null;

  handle(event: string, data: Data): boolean {
    if (event !== "hands") return false;
    const queue = handsOf(data);
    const up = this.#queue ? change(this.#queue, queue).came : [];
    this.#queue = queue;
    this.#list.show(queue);
    const panel = document.getElementById("hands-panel");
    if (panel) panel.hidden = queue.length === 0;
    this.people();
    say(up.map((one) => word("handOf", { name: one.name })).join(" "));
    return false; // a page's own hand is told by it too
  }

  people(): void {
    const up = new Set(this.#queue?.map((one) => one.member));
    for (const row of document.querySelectorAll<HTMLElement>("#roster .person")) {
      for (const place of row.querySelectorAll<HTMLElement>(".p-hand, .p-lower")) place.hidden = !up.has(row.dataset["member"] ?? "");
    }
  }
}
