// Drives one member's group: takes the box's events, asks the box, hands keys and facts to the page. One thing at a time; whatever fails is
// tried again after growing pauses, a bounded number of times; whatever cannot be trusted ends in silence. No DOM.

import type { Data } from "../protocol.ts";
import { written } from "../said.ts";
import { pause } from "../signalling.ts";
import { type Ask, codeOf, Course } from "./course.ts";
import { Trust } from "./credential.ts";
import { Doubt } from "./doubt.ts";
import { Facilitator } from "./facilitator.ts";
import { Hold } from "./hold.ts";
import type { Member } from "./member.ts";
import { Patient } from "./patient.ts";
import { suite as suiteOfBrowser, type Suite } from "./suite.ts";
import { type Home, Ticket } from "./ticket.ts";
import { Told } from "./told.ts";
import type { GroupListener, Holder } from "./types.ts";
import { type Sealed, Whispers } from "./whispers.ts";

/** Tries in a row before a page gives up; with their pauses about half a minute. */
export const MAX_TRIES = 8;
/** Tries without a pause after another's Commit came first: the box has let somebody get on, so this ends. */
const TRIES_AT_ONCE = 3;
/** What was said just before a Commit can be read for so long after it. Milliseconds; longer than any line that still stands. */
export const FORMER_MS = 10_000;
/** Of something said, in UTF-8; with all around it well below the box's 8 KiB. */
export const MAX_SAID_BYTES = 4000;

/**
 * A page that is not meant misses a step of the sender's keys, and can make up for 200 (member.ts). After so many in a row, everybody is
 * told something that says nothing.
 */
export const MAX_NARROW = 100;
/** So long after new keys, what was whispered under the old ones and not answered is whispered once more. Milliseconds. */
export const AGAIN_MS = 2500;

type Later = (work: () => void, ms: number) => () => void;

export interface KeeperOptions {
  ask: Ask;
  listener: GroupListener;
  session: string;
  member: string;
  facilitator: boolean;
  credentialKey: Uint8Array;
  storage: Storage;
  /** Of a page in a private room: where its person's place in the group is. */
  home?: Home | null;
  /** Members whose key is known already: of a private room, from the group that both come from. Nobody else comes in by themselves. */
  known?: ReadonlyMap<string, string>;
  later?: Later;
  /** For tests: which curves. */
  suite?: () => Promise<Suite>;
}

const NOTHING_SAID = written({ t: "on" });

const timer: Later = (work, ms) => {
  const running = setTimeout(work, ms);
  return () => clearTimeout(running);
};

export class Keeper {
  readonly #told = new Told();
  readonly #ticket: Ticket;
  readonly #hold: Hold;
  readonly #course: Course;
  readonly #later: Later;
  #part: Facilitator | Patient | null = null; // once the suite is there
  #approvedEarly: string[] = [];
  #line = false;
  #queue: Promise<unknown> = Promise.resolve();
  #kicked: Promise<void> | null = null;
  #tries = 0;
  #gaveUp = 0;
  #stopRetry: () => void = () => undefined;
  #stopFormer: () => void = () => undefined;
  #stopAgain: () => void = () => undefined;
  #narrow = 0; // said to some only since everybody was told something
  readonly #whispers: Whispers;

  constructor(private readonly options: KeeperOptions) {
    this.#later = options.later ?? timer;
    this.#ticket = new Ticket(options.storage, options.session, options.member, options.home);
    this.#hold = new Hold(this.#ticket, options.listener);
    this.#course = new Course(options.ask, this.#told, this.#hold);
    this.#whispers = new Whispers({
      say: (text, to) => this.say(text, to),
      whispered: (from, text) => options.listener.whispered(from, text),
    });
  }

  /** An event of the box. true: it was about the group alone. */
  handle(event: string, data: Data): boolean {
    const heard = this.#told.hear(event, data);
    if (heard !== null) void this.#kick();
    return heard === "own";
  }

  /** A new line: the box tells everything anew. */
  lineUp(): void {
    this.#line = true;
    this.#told.newLine();
    this.#calm();
    void this.#kick();
  }

  /** The facilitator has let `member` in, on this page. */
  approve(member: string): void {
    if (this.#part instanceof Facilitator) this.#part.approve(member);
    else if (this.options.facilitator) this.#approvedEarly.push(member);
    void this.#kick();
  }

  /** The facilitator has removed `member`, on this page. */
  expel(member: string): void {
    if (this.#part instanceof Facilitator) this.#part.expel(member);
    void this.#kick();
  }

  /** Says something to all who hold keys, or has it carried to the pages of `to` alone. Rejects without keys, or with the box's fault. */
  async say(text: string, to: readonly string[] | null = null): Promise<void> {
    if (new TextEncoder().encode(text).length > MAX_SAID_BYTES) throw new Error("too long");
    const sealed = await this.#inTurn(async () => {
      const member = this.#holding();
      return { group: member.group, message: await member.say(text) };
    });
    this.#narrow++; // also when the box refuses it: the sender's keys have gone on
    await this.options.ask("groupSay", to ? { ...sealed, to } : sealed);
    if (!to) this.#narrow = 0;
    else if (this.#narrow >= MAX_NARROW) await this.say(NOTHING_SAID).catch(() => undefined); // not while the media are held: the next one tries again
  }

  /** Says something that only these members can open. Resolves with its id when it is on its way to one of them at least. */
  async whisper(members: readonly string[], text: string): Promise<string> {
    const { id, sealed } = await this.#inTurn(() => this.#whispers.seal(this.#holding(), members, text));
    try {
      await this.#send(sealed);
    } catch (fault) {
      this.#whispers.drop(id);
      throw fault;
    }
    return id;
  }

  /** Rejects if none went out. */
  async #send(whispers: readonly Sealed[]): Promise<void> {
    const sent = await Promise.allSettled(whispers.map((one) => this.say(one.text, [one.to])));
    const failed = sent.filter((one) => one.status === "rejected");
    if (failed.length === sent.length && failed[0]) throw failed[0].reason;
  }

  /** New keys: what nobody has answered under the old ones is sealed once more. */
  async #whisperAgain(): Promise<void> {
    const sealed = await this.#inTurn(() => this.#whispers.again(this.#holding()));
    await this.#send(sealed);
  }

  #holding(): Member {
    const { member } = this.#hold;
    if (!member || this.#course.undecided) throw new Error("no keys");
    return member;
  }

  /** Everybody has heard the words of this code. Rejects if there are other keys by now, or with the box's fault. */
  async compared(code: Uint8Array): Promise<void> {
    const { member } = this.#hold;
    if (!member || !this.#hold.has(code)) throw new Error("not the code of these keys");
    await this.options.ask("groupCompared", { group: member.group, epoch: member.epoch });
  }

  /** New keys, whatever was before: a fresh KeyPackage or an external Commit. */
  async rejoin(): Promise<void> {
    await this.#inTurn(async () => {
      this.#part?.giveUp();
      this.#hold.broken = false;
      this.#gaveUp = 0;
      this.#calm();
    });
    await this.#kick();
  }

  /** The session is over, or the page is left: nothing stays. */
  forget(): void {
    this.#line = false;
    this.#calm();
    this.#stopFormer();
    this.#stopAgain();
    this.#whispers.forget();
    this.#part?.giveUp();
    this.#course.drop();
    this.#hold.end();
    this.#ticket.forget();
  }

  /** Resolves when all that was told and asked for so far is done. */
  async settled(): Promise<void> {
    for (let seen: unknown = null; seen !== this.#queue; ) {
      seen = this.#queue;
      await seen;
    }
  }

  // -- one thing at a time

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Has a step taken, at the latest after the present one; several wishes are one step. */
  #kick(): Promise<void> {
    this.#kicked ??= this.#inTurn(() => {
      this.#kicked = null;
      return this.#step();
    });
    return this.#kicked;
  }

  async #step(): Promise<void> {
    if (!this.#line || this.#hold.over) return;
    try {
      if (!this.#hold.broken) await this.#go();
      if (!this.#hold.broken) this.#calm();
    } catch (error) {
      this.#failed(error);
    }
    if (!this.#hold.over) await this.#tell();
  }

  async #go(): Promise<void> {
    const part = (this.#part ??= await this.#makePart());
    await this.#readUnread(); // with the keys of now, before a Commit makes them those of before
    await part.step();
    await this.#readUnread();
  }

  async #makePart(): Promise<Facilitator | Patient> {
    const { ask, session, member, credentialKey, facilitator } = this.options;
    const trust = new Trust(session, credentialKey, await (this.options.suite ?? suiteOfBrowser)());
    const kick = (): void => void this.#kick();
    if (!facilitator) return new Patient(ask, trust, this.#told, this.#hold, this.#course, this.#ticket, member, this.#later, kick);
    const made = new Facilitator(ask, trust, this.#told, this.#hold, this.#course, this.#ticket, member, this.#later, kick);
    for (const [known, key] of this.options.known ?? []) made.letBack(known, key);
    for (const early of this.#approvedEarly.splice(0)) made.approve(early);
    return made;
  }

  async #tell(): Promise<void> {
    const fresh = await this.#hold.tell(this.#part?.asking ?? false, this.#part?.pending ?? []);
    if (!fresh) return;
    this.#stopFormer();
    this.#stopFormer = this.#later(() => void this.#inTurn(async () => this.#hold.member?.dropFormer()), FORMER_MS);
    this.#narrow = 0;
    this.#stopAgain();
    this.#stopAgain = this.#later(() => void this.#whisperAgain().catch(() => undefined), AGAIN_MS);
  }

  async #readUnread(): Promise<void> {
    const unread = this.#told.unread.splice(0);
    for (const message of unread) {
      const { member } = this.#hold;
      const said = (await member?.read(message)) ?? null;
      if (said === "later") this.#told.unread.push(message);
      else if (said && member) {
        const from: Holder = { ...said.from, you: said.from.leaf === member.leaf };
        if (!(await this.#whispers.take(member, from, said))) this.options.listener.said(from, said.text);
      }
    }
  }

  // -- what fails

  #calm(): void {
    this.#tries = 0;
    this.#stopRetry();
    this.#stopRetry = () => undefined;
  }

  #failed(error: unknown): void {
    if (this.#hold.over) return;
    const code = codeOf(error);
    if (error instanceof Doubt) this.#doubt();
    else if (code === "line") return; // `lineUp` comes
    else if (++this.#tries <= MAX_TRIES) this.#tryAgain(code === "stale_epoch" && this.#tries <= TRIES_AT_ONCE);
    else if (code !== "refused" && code !== "wrong_state") this.#giveUp(); // such an answer changes with an event, not with time
  }

  #doubt(): void {
    this.#part?.giveUp();
    this.#hold.doubt();
  }

  #tryAgain(atOnce: boolean): void {
    this.#stopRetry();
    if (atOnce) void this.#kick();
    else this.#stopRetry = this.#later(() => void this.#kick(), pause(this.#tries, Math.random));
  }

  /** A facilitator whose group is stuck leaves it for the way back in, then for another group; everybody else falls silent. */
  #giveUp(): void {
    const part = this.#part;
    if (!(part instanceof Facilitator) || ++this.#gaveUp > 2) return this.#doubt();
    part.giveUp();
    part.stuck = this.#gaveUp === 2;
    this.#calm();
    return void this.#kick();
  }
}
