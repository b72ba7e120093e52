// What this page holds of the group, and what it tells the rest of the page about it: keys once an epoch, silence, facts.

import { same, wipe } from "./bytes.ts";
import type { Member } from "./member.ts";
import type { Ticket } from "./ticket.ts";
import type { GroupFacts, GroupListener, Holder, Phase } from "./types.ts";

export class Hold {
  /** A doubt: no keys until the person asks for a new try. */
  broken = false;
  #member: Member | null = null;
  #given: { group: string; epoch: number; code: Uint8Array } | null = null;
  #told = "";
  #over = false;

  constructor(
    private readonly ticket: Ticket,
    private readonly listener: GroupListener,
  ) {}

  get member(): Member | null {
    return this.#member;
  }
  get over(): boolean {
    return this.#over;
  }

  /** Whether this is the code of the keys that are held now. */
  has(code: Uint8Array): boolean {
    const [member, given] = [this.#member, this.#given];
    return member !== null && given !== null && given.group === member.group && given.epoch === member.epoch && same(given.code, code);
  }

  /** `next` is in force. */
  take(next: Member): void {
    if (this.#over) return next.forget();
    this.#member?.supersede(next);
    this.#member = next;
    return undefined;
  }

  /** Keys are void; also what the receiver of keys made of them. */
  drop(): void {
    if (!this.#member) return;
    this.#member.forget();
    this.#member = this.#given = null;
    this.listener.silence();
  }

  doubt(): void {
    this.broken = true;
    this.drop();
  }

  end(): void {
    this.drop();
    this.#over = true;
  }

  /** Tells what has changed since the last time. true: a new epoch was handed over. */
  async tell(asking: boolean, pending: readonly string[]): Promise<boolean> {
    const fresh = await this.#give();
    if (this.#over) return false;
    const facts = this.#facts(asking, pending);
    const summary = JSON.stringify([facts.phase, Number(facts.epoch), facts.holders, facts.pending, this.#member?.group]);
    if (summary !== this.#told || fresh) this.listener.facts(facts);
    this.#told = summary;
    return fresh;
  }

  async #give(): Promise<boolean> {
    const member = this.#member;
    if (!member || (this.#given?.group === member.group && this.#given.epoch === member.epoch)) return false;
    const { epoch, group } = member;
    const [baseKey, code] = [await member.baseKey(), await member.code()];
    if (member !== this.#member) {
      wipe([baseKey]);
      return false;
    }
    this.#given = { group, epoch, code };
    this.ticket.floor = { group, epoch };
    this.listener.keys({ epoch: BigInt(epoch), leaf: member.leaf, baseKey, leaves: new Map(member.seats.map((seat) => [seat.member, seat.leaf])) });
    return true;
  }

  #facts(asking: boolean, pending: readonly string[]): GroupFacts {
    const member = this.#member;
    const phase: Phase = this.broken ? "broken" : member && this.#given ? "in" : asking ? "asking" : "idle";
    if (!member || phase !== "in") return { phase, epoch: 0n, holders: [], code: null, language: "en", pending };
    const holders = member.seats.map((seat): Holder => ({ ...seat, you: seat.leaf === member.leaf }));
    const language = holders.find((one) => one.role === "facilitator")?.language ?? "en";
    return { phase, epoch: BigInt(member.epoch), holders, code: this.#given!.code.slice(), language, pending };
  }
}
