// Whispers: what is said to one or a few of the group. The text is sealed to the leaf of each who is meant (RFC 9420 section 5.1.3) and
// stands inside a message of the group, so that nobody else can open it and nobody can say who sent it but who did. Who opens one
// answers; what nobody has answered when the keys have changed is sealed once more under the new ones. Knows no box and no page.

import { MAX_LEAVES, newId, read, type Said, written } from "../said.ts";
import type { Member, Said as Heard } from "./member.ts";
import type { Holder } from "./types.ts";

/** Whispers that wait for an answer, and such as were opened and may come once more; the oldest make room. */
const KEPT = 16;

interface Waiting {
  id: string;
  text: string;
  /** Who has not answered. */
  left: Set<string>;
  epoch: number;
  again: boolean;
}

export interface WhisperListener {
  /** To these members' pages alone. May reject. */
  say(text: string, to: readonly string[]): Promise<void>;
  whispered(from: Holder, text: string): void;
}

/** A whisper, sealed: one message for each who is meant. */
export interface Sealed {
  to: string;
  text: string;
}

export class Whispers {
  #waiting: Waiting[] = [];
  #opened: string[] = [];

  constructor(private readonly listener: WhisperListener) {}

  /** Seals `text` for those of `members` who hold keys; throws if none does. */
  async seal(member: Member, members: readonly string[], text: string): Promise<{ id: string; sealed: Sealed[] }> {
    const id = newId();
    const sealed = await this.#seal(member, members, id, text);
    if (sealed.length === 0) throw new Error("nobody of them holds keys");
    this.#waiting = [...this.#waiting, { id, text, left: new Set(sealed.map((one) => one.to)), epoch: member.epoch, again: false }].slice(-KEPT);
    return { id, sealed };
  }

  /** It did not go out at all. */
  drop(id: string): void {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
  }

  /** Those that nobody has answered since the keys have changed, sealed once more. */
  async again(member: Member): Promise<Sealed[]> {
    const late = this.#waiting.filter((one) => !one.again && one.epoch !== member.epoch);
    for (const one of late) one.again = true;
    return (await Promise.all(late.map((one) => this.#seal(member, [...one.left], one.id, one.text)))).flat();
  }

  /** Something that was read. true: the page needs to hear no more of it. */
  async take(member: Member, from: Holder, heard: Heard): Promise<boolean> {
    const said = read(heard.text);
    if (said.t === "on") return true;
    if (said.t === "heard") return !this.#answered(from.member, said.id);
    if (said.t !== "whisper") return false;
    await this.#open(member, from, heard, said);
    return true;
  }

  forget(): void {
    this.#waiting = [];
    this.#opened = [];
  }

  async #seal(member: Member, members: readonly string[], id: string, text: string): Promise<Sealed[]> {
    const meant = member.seats.filter((seat) => members.includes(seat.member) && seat.leaf !== member.leaf).slice(0, MAX_LEAVES);
    return Promise.all(
      meant.map(async (seat) => {
        const said: Said = { t: "whisper", id, sealed: { [seat.leaf]: await member.sealTo(seat.leaf, id, text) } };
        return { to: seat.member, text: written(said) };
      }),
    );
  }

  #answered(by: string, id: string): boolean {
    const one = this.#waiting.find((waiting) => waiting.id === id);
    if (!one?.left.delete(by)) return false;
    if (one.left.size === 0) this.drop(id);
    return true;
  }

  async #open(member: Member, from: Holder, heard: Heard, said: Extract<Said, { t: "whisper" }>): Promise<void> {
    const sealed = said.sealed[String(member.leaf)];
    const text = sealed === undefined ? null : await member.openFrom(heard, said.id, sealed);
    if (text === null) return; // another's, or for keys that are gone: whoever said it says it again
    const name = `${from.member} ${said.id}`; // an id is its sender's own: nobody can use up another's
    const fresh = !this.#opened.includes(name);
    this.#opened = [...this.#opened.filter((one) => one !== name), name].slice(-KEPT);
    if (fresh) this.listener.whispered(from, text);
    this.listener.say(written({ t: "heard", id: said.id }), [from.member]).catch(() => undefined); // not answered: it comes once more
  }
}
