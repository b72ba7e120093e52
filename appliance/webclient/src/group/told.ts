// What the box has told this page about its room on the present line. Reads its events and drops what has no proper form.

import { type Data, members, type RosterMember, type Standing } from "../protocol.ts";

/** A room has sixteen members and at most as many who wait. */
const MAX_OFFERS = 64;
/** Said and not read yet. A page that is far behind loses the oldest. */
const MAX_UNREAD = 64;

export interface GroupFact {
  group: string | null;
  epoch: number;
  /** The Commit that led to `epoch`. */
  commit: string | null;
}

export interface WelcomeFact {
  group: string;
  epoch: number;
  welcome: string;
}

const isGroup = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
const isEpoch = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Reads a `group` event, or the same in an answer. */
export function groupFact(data: Data): GroupFact | null {
  const { group, epoch, commit } = data;
  if (group === null) return { group, epoch: 0, commit: null };
  return isGroup(group) && isEpoch(epoch) ? { group, epoch, commit: typeof commit === "string" ? commit : null } : null;
}

/** Reads the answer to groupCommits. */
export function commitsOf(data: Data): { epoch: number; commit: string }[] {
  const list = Array.isArray(data["commits"]) ? (data["commits"] as Data[]) : [];
  return list.flatMap((one) => (isEpoch(one?.["epoch"]) && typeof one["commit"] === "string" ? [{ epoch: one["epoch"], commit: one["commit"] }] : []));
}

export class Told {
  /** null: not told on this line, so this page is not in the room, or not yet. */
  group: GroupFact | null = null;
  roster: RosterMember[] | null = null;
  offers: { member: string; keyPackage: string }[] = [];
  welcome: WelcomeFact | null = null;
  standing: Standing | null = null;
  unread: string[] = [];

  /** A new line: the box tells everything anew. What somebody may do here (`standing`) is kept until it says otherwise. */
  newLine(): void {
    this.group = this.roster = this.welcome = null;
    this.offers = [];
    this.unread = [];
  }

  /** Whether this page may hold keys, or wait for them. */
  get welcomeHere(): boolean {
    if (this.standing !== null && this.standing !== "waiting" && this.standing !== "admitted") return false;
    return this.standing !== null || this.group !== null;
  }

  /** own: about the group alone. other: of interest here, and for others. null: neither. */
  hear(event: string, data: Data): "own" | "other" | null {
    if (event === "group") this.group = groupFact(data) ?? this.group;
    else if (event === "offers") this.#hearOffers(data);
    else if (event === "welcome") this.#hearWelcome(data);
    else if (event === "groupSaid") this.#hearSaid(data);
    else if (event === "roster") this.roster = members<RosterMember>(data);
    else if (event === "standing") this.standing = data["standing"] as Standing;
    else if (event !== "session") return null;
    return event === "roster" || event === "standing" || event === "session" ? "other" : "own";
  }

  /** The box has at least this epoch, whether or not it has said so. */
  atLeast(group: string, epoch: number): void {
    if (this.group?.group === group && this.group.epoch < epoch) this.group = { group, epoch, commit: null };
  }

  #hearOffers(data: Data): void {
    const list = Array.isArray(data["offers"]) ? (data["offers"] as Data[]).slice(0, MAX_OFFERS) : [];
    this.offers = list.flatMap((one) =>
      typeof one?.["member"] === "string" && typeof one["keyPackage"] === "string" ? [{ member: one["member"], keyPackage: one["keyPackage"] }] : [],
    );
  }

  #hearWelcome({ group, epoch, welcome }: Data): void {
    if (isGroup(group) && isEpoch(epoch) && typeof welcome === "string") this.welcome = { group, epoch, welcome };
  }

  #hearSaid({ group, message }: Data): void {
    if (isGroup(group) && typeof message === "string") this.unread = [...this.unread, message].slice(-MAX_UNREAD);
  }
}
