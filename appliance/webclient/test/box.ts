// The box's side of a session's group, in memory: requests and facts of appliance/groups/PROTOCOL.md, in order, nothing more. It vouches
// for leaves, orders Commits and passes things on; it never looks inside. Tests rig it through `rig` to withhold, alter or invent.

import { ed25519 } from "@noble/curves/ed25519.js";
import { toText } from "../src/group/bytes.ts";
import type { Data, Standing } from "../src/protocol.ts";
import { RequestFault } from "../src/signalling.ts";

export interface Person {
  member: string;
  name: string;
  role: "facilitator" | "participant";
  language: string;
  standing: Standing;
}

interface Group {
  id: string;
  founder: string;
  epoch: number;
  groupInfo: string;
  commits: { epoch: number; commit: string; by: string }[];
}

export interface Claims {
  session: string;
  member: string;
  role: string;
  name: string;
  language: string;
  key: string;
}

/** What a rigged box does differently. */
export interface Rig {
  /** The data of an event to one page; null keeps it back. */
  event?: (page: Page, event: string, data: Data) => Data | null;
  /** The answer to a request that was carried out. */
  answer?: (page: Page, method: string, answer: Data) => Data;
  /** Before a request is carried out. */
  request?: (page: Page, method: string, data: Data) => void | Promise<void>;
}

const fault = (code: string): RequestFault => new RequestFault(code, "");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export class Box {
  readonly #seed = ed25519.utils.randomSecretKey();
  readonly credentialKey = ed25519.getPublicKey(this.#seed);
  readonly people = new Map<string, Person>();
  readonly offers = new Map<string, string>();
  readonly welcomes = new Map<string, { group: string; epoch: number; welcome: string }>();
  readonly comparisons: { group: string; epoch: number; member: string }[] = [];
  readonly pages = new Set<Page>();
  group: Group | null = null;
  rig: Rig = {};
  /** Whether the same Commit by the same page, sent again, is answered as it was the first time. */
  remembers = true;
  /** Everything that went over a line, in order: method and who asked. */
  asked: { method: string; member: string; data: Data }[] = [];

  constructor(readonly session = "session-7") {}

  person(member: string, role: Person["role"], standing: Standing = role === "facilitator" ? "admitted" : "waiting", language = "en"): Person {
    const person = { member, name: `Name of ${member}`, role, language, standing };
    this.people.set(member, person);
    this.tell();
    return person;
  }

  stand(member: string, standing: Standing): void {
    this.people.get(member)!.standing = standing;
    if (standing !== "waiting" && standing !== "admitted") {
      this.offers.delete(member);
      this.welcomes.delete(member);
    }
    this.tell();
  }

  /** Signs whatever it is told to: a box that was taken over can. */
  vouch(claims: Claims): string {
    const payload = toText(utf8(JSON.stringify({ v: 1, ...claims })));
    return `${payload}.${toText(ed25519.sign(utf8(`hearth leaf credential 1\n${payload}`), this.#seed))}`;
  }

  // -- facts

  /** To every page what has changed for it. */
  tell(): void {
    for (const page of this.pages) if (page.up) this.#tellPage(page);
  }

  #tellPage(page: Page): void {
    const { member, role, standing } = page.person;
    page.fact("standing", { standing });
    if (standing !== "admitted") return;
    const inside = [...this.people.values()].filter((one) => one.standing === "admitted");
    const connected = new Set([...this.pages].filter((one) => one.up).map((one) => one.person.member));
    page.fact("roster", {
      members: inside.map((one) => ({
        member: one.member, name: one.name, facilitator: one.role === "facilitator", you: one.member === member, connected: connected.has(one.member),
      })),
    });
    const { group } = this;
    const last = group?.commits.find((one) => one.epoch === group.epoch - 1)?.commit ?? null;
    page.fact("group", group ? { group: group.id, epoch: group.epoch, commit: last, compared: null } : { group: null, epoch: 0, commit: null, compared: null });
    const welcome = this.welcomes.get(member);
    if (welcome) page.fact("welcome", welcome);
    if (role !== "facilitator") return;
    const near = [...this.offers].filter(([one]) => ["waiting", "admitted"].includes(this.people.get(one)!.standing));
    page.fact("offers", { offers: near.map(([one, keyPackage]) => ({ member: one, keyPackage })) });
  }

  // -- requests

  async ask(page: Page, method: string, data: Data): Promise<Data> {
    await this.rig.request?.(page, method, data);
    if (!page.up) throw fault("line");
    this.asked.push({ method, member: page.person.member, data });
    const answer = this.#do(page, method, data);
    this.tell();
    if (page.losesAnswerTo === method) {
      page.losesAnswerTo = null;
      page.down();
    }
    if (!page.up) throw fault("line");
    return this.rig.answer?.(page, method, answer) ?? answer;
  }

  #do(page: Page, method: string, data: Data): Data {
    const { person } = page;
    if (person.standing !== "waiting" && person.standing !== "admitted") throw fault("refused");
    if (method === "groupCredential") return { credential: this.vouch(this.claims(person, String(data["key"]))) };
    if (method === "groupOffer") return this.#offer(person, data);
    if (person.standing !== "admitted") throw fault("refused");
    if (method === "groupCommits") return this.#commits(data);
    if (method === "groupSay") return this.#say(page, data);
    if (person.role !== "facilitator") throw fault("refused");
    if (method === "groupLook") return { group: this.group?.id ?? null, epoch: this.group?.epoch ?? 0, groupInfo: this.group?.groupInfo ?? null };
    if (method === "groupFound") return this.#found(person, data);
    if (method === "groupCommit") return this.#commit(person, data);
    if (method === "groupCompared") return this.#compared(person, data);
    throw fault("bad_request");
  }

  claims(person: Person, key: string): Claims {
    const { member, role, name, language } = person;
    return { session: this.session, member, role, name, language, key };
  }

  #offer(person: Person, data: Data): Data {
    if (person.role === "facilitator") throw fault("refused");
    this.offers.set(person.member, String(data["keyPackage"]));
    return {};
  }

  #found(person: Person, data: Data): Data {
    const [id, groupInfo] = [String(data["group"]), String(data["groupInfo"])];
    if (this.remembers && this.group?.id === id && this.group.founder === person.member) return {};
    if ((this.group?.id ?? null) !== data["instead"]) throw fault("stale_epoch");
    this.group = { id, founder: person.member, epoch: 0, groupInfo, commits: [] };
    this.welcomes.clear();
    return {};
  }

  /** No check of what is in it: this box has been taken over in half of the tests. */
  #commit(person: Person, data: Data): Data {
    const group = this.#standing(data);
    const epoch = Number(data["epoch"]);
    const commit = String(data["commit"]);
    const made = group.commits.find((one) => one.epoch === epoch);
    if (this.remembers && made?.by === person.member && made.commit === commit) return {};
    if (epoch !== group.epoch) throw fault("stale_epoch");
    const added = data["added"] as string[];
    if (added.some((one) => !["waiting", "admitted"].includes(this.people.get(one)?.standing ?? "denied"))) throw fault("wrong_state");
    this.put(commit, String(data["groupInfo"]), person.member);
    for (const one of added) {
      this.offers.delete(one);
      this.welcomes.set(one, { group: group.id, epoch: epoch + 1, welcome: String(data["welcome"]) });
    }
    return {};
  }

  /** The next epoch, by whatever Commit. */
  put(commit: string, groupInfo: string | null, by: string): void {
    const group = this.group!;
    group.commits.push({ epoch: group.epoch, commit, by });
    group.epoch++;
    group.groupInfo = groupInfo ?? group.groupInfo;
  }

  #commits(data: Data): Data {
    const group = this.#standing(data);
    return { commits: group.commits.filter((one) => one.epoch >= Number(data["after"])).map(({ epoch, commit }) => ({ epoch, commit })) };
  }

  #say(from: Page, data: Data): Data {
    if (this.group?.id !== data["group"]) throw fault("wrong_state");
    const to = data["to"] as string[] | undefined;
    for (const page of this.pages) {
      if (page !== from && page.up && page.person.standing === "admitted" && (to?.includes(page.person.member) ?? true)) page.send("groupSaid", data);
    }
    return {};
  }

  #compared(person: Person, data: Data): Data {
    const group = this.#standing(data);
    if (data["epoch"] !== group.epoch) throw fault("stale_epoch");
    this.comparisons.push({ group: group.id, epoch: group.epoch, member: person.member });
    return {};
  }

  #standing(data: Data): Group {
    if (!this.group || this.group.id !== data["group"]) throw fault("stale_epoch");
    return this.group;
  }
}

/** One page's line to the box. */
export class Page {
  up = false;
  /** The next request of this method is carried out, and then the line breaks. */
  losesAnswerTo: string | null = null;
  readonly #sent = new Map<string, string>();

  constructor(
    readonly box: Box,
    readonly person: Person,
    private readonly hear: (event: string, data: Data) => void,
    private readonly onUp: () => void,
  ) {
    box.pages.add(this);
  }

  readonly ask = (method: string, data: object): Promise<Data> => this.box.ask(this, method, JSON.parse(JSON.stringify(data)) as Data);

  connect(): void {
    this.up = true;
    this.#sent.clear();
    this.onUp();
    this.box.tell();
  }

  down(): void {
    this.up = false;
    this.box.tell();
  }

  /** The page is gone for good. */
  close(): void {
    this.up = false;
    this.box.pages.delete(this);
    this.box.tell();
  }

  /** The same fact twice is not sent. */
  fact(event: string, data: Data): void {
    const text = JSON.stringify(data);
    if (this.#sent.get(event) === text) return;
    this.#sent.set(event, text);
    this.send(event, data);
  }

  send(event: string, data: Data): void {
    const rigged = this.box.rig.event ? this.box.rig.event(this, event, data) : data;
    if (rigged) this.hear(event, JSON.parse(JSON.stringify(rigged)) as Data);
  }
}
