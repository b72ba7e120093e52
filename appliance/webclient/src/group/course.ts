// The order of Commits is the box's. This follows it, and learns whether a Commit of one's own came first, also when the line broke meanwhile.

import type { Data } from "../protocol.ts";
import { RequestFault } from "../signalling.ts";
import type { Hold } from "./hold.ts";
import type { Member } from "./member.ts";
import { commitsOf, groupFact, type Told } from "./told.ts";

export type Ask = (method: string, data: object) => Promise<Data>;

/** Something that the box may or may not have stored by now. */
export interface Attempt {
  method: "groupFound" | "groupCommit";
  data: object;
  group: string;
  /** The epoch a Commit was made in; -1 for a group that is founded. */
  epoch: number;
  commit: string | null;
  next: Member;
}

/** The code of a request's fault, or null for any other error. */
export function codeOf(error: unknown): string | null {
  return error instanceof RequestFault ? error.code : null;
}

const unanswered = (code: string | null): boolean => code === "line" || code === "limit";

export class Course {
  #attempt: Attempt | null = null;

  constructor(
    private readonly ask: Ask,
    private readonly told: Told,
    private readonly hold: Hold,
  ) {}

  /** Whether it is unknown if one's own Commit came first. */
  get undecided(): boolean {
    return this.#attempt !== null;
  }

  /** Sends what was made and takes it over when it came first. Rejects with the box's fault otherwise. */
  async submit(attempt: Attempt): Promise<void> {
    this.drop();
    this.#attempt = attempt;
    await this.#send(attempt);
  }

  /** After a line that broke: was it stored? If not, it is sent again, the very same. */
  async settle(): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt) return;
    if (await this.#isStored(attempt)) this.#take(attempt);
    else await this.#send(attempt);
  }

  /** Gives up what is under way. */
  drop(): void {
    this.#attempt?.next.forget(this.hold.member);
    this.#attempt = null;
  }

  async #send(attempt: Attempt): Promise<void> {
    try {
      await this.ask(attempt.method, attempt.data);
    } catch (fault) {
      if (unanswered(codeOf(fault))) throw fault;
      if (!(await this.#isStored(attempt))) {
        if (this.#attempt === attempt) this.drop();
        throw fault;
      }
    }
    this.#take(attempt);
  }

  #take(attempt: Attempt): void {
    if (this.#attempt !== attempt) return; // given up meanwhile
    this.#attempt = null;
    this.hold.take(attempt.next);
  }

  async #isStored(attempt: Attempt): Promise<boolean> {
    try {
      if (attempt.commit === null) return groupFact(await this.ask("groupLook", {}))?.group === attempt.group;
      const commits = await this.#commits(attempt.group, attempt.epoch);
      return commits.some((one) => one.epoch === attempt.epoch && one.commit === attempt.commit);
    } catch (fault) {
      if (codeOf(fault) === "stale_epoch") return false; // another group by now
      throw fault;
    }
  }

  async #commits(group: string, after: number): Promise<{ epoch: number; commit: string }[]> {
    const commits = commitsOf(await this.ask("groupCommits", { group, after }));
    for (const { epoch } of commits) this.told.atLeast(group, epoch + 1);
    return commits;
  }

  /** Up to the newest epoch that the box has told. removed: one's leaf is gone. moved: another group is there, or this one is too far ahead. */
  async catchUp(): Promise<"on" | "removed" | "moved"> {
    try {
      return await this.#catchUp();
    } catch (fault) {
      if (codeOf(fault) === "stale_epoch") return "moved"; // the box has another group, or no longer the Commits that lead on
      throw fault;
    }
  }

  async #catchUp(): Promise<"on" | "removed" | "moved"> {
    for (;;) {
      const { member } = this.hold;
      const fact = this.told.group;
      if (!member || !fact) return "on";
      if (fact.group !== member.group) return "moved";
      const { epoch: before, group } = member;
      if (fact.epoch <= before) return "on";
      const commits = fact.commit !== null && fact.epoch === before + 1 ? [{ epoch: before, commit: fact.commit }] : await this.#commits(group, before);
      for (const { epoch, commit } of commits) {
        if (epoch === member.epoch && (await member.follow(commit)) === "removed") return "removed";
      }
      if (member.epoch === before) throw new Error("the box keeps a Commit back");
    }
  }
}
