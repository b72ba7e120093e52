// Who leads now, by name and by page: whom a private word goes to, and whose name stands in the sentences about it.

import type { Part } from "../part.ts";
import type { RosterMember, SessionFacts } from "../protocol.ts";
import { word } from "../words.ts";

export class Leader implements Part {
  #leader: SessionFacts["leader"] = null;
  #here: readonly RosterMember[] = [];

  handle(): boolean {
    return false;
  }

  session(facts: SessionFacts): void {
    this.#leader = facts.leader ?? null;
    this.#fill();
  }

  people(people: readonly RosterMember[]): void {
    this.#here = people.filter((one) => one.facilitator && !one.you);
    this.#fill();
  }

  /** Whom a private word goes to: who leads now, or whoever of those who may is here. */
  get members(): string[] {
    const leads = this.#here.filter((one) => one.member === this.#leader?.member);
    return (leads.length > 0 ? leads : this.#here).map((one) => one.member);
  }

  get name(): string {
    const [first] = this.members;
    return this.#here.find((one) => one.member === first)?.name ?? this.#leader?.name ?? word("leads");
  }

  #fill(): void {
    if (!this.#leader && this.#here.length === 0) return; // the page's own words stand
    for (const place of document.querySelectorAll(".leader-name")) if (place.textContent !== this.name) place.textContent = this.name;
  }
}
