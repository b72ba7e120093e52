// People with pages around a box in memory: each page has a Keeper, a line, a tab's storage and timers that ring when the test says so.

import assert from "node:assert/strict";
import { toHex } from "../src/group/bytes.ts";
import { Keeper, type KeeperOptions } from "../src/group/keeper.ts";
import { makeSuite } from "../src/group/suite.ts";
import type { EpochKeys, GroupFacts, Holder } from "../src/group/types.ts";
import type { Data } from "../src/protocol.ts";
import { Box, Page, type Person } from "./box.ts";

/** Rounds after which a room that still does not rest is one that spins. */
const RESTLESS = 200;
const suite = makeSuite("native");

export class Tab implements Storage {
  readonly #items = new Map<string, string>();
  get length(): number {
    return this.#items.size;
  }
  clear(): void {
    this.#items.clear();
  }
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }
  removeItem(key: string): void {
    this.#items.delete(key);
  }
  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

/** A page that is open. */
export class Open {
  readonly keys: (Omit<EpochKeys, "baseKey"> & { baseKey: string })[] = [];
  readonly heard: { from: Holder; text: string }[] = [];
  readonly whispers: { from: Holder; text: string }[] = [];
  readonly timers: { work: () => void; ms: number }[] = [];
  facts: GroupFacts = { phase: "idle", epoch: 0n, holders: [], code: null, language: "en", pending: [] };
  silences = 0;
  /** Whether the Worker behind this page has keys by now. */
  sealing = false;
  readonly keeper: Keeper;
  readonly line: Page;

  constructor(
    readonly box: Box,
    readonly person: Person,
    readonly tab: Tab,
    apart: Pick<KeeperOptions, "home" | "known"> = {},
  ) {
    this.line = new Page(box, person, (event, data) => this.keeper.handle(event, data), () => this.keeper.lineUp());
    this.keeper = new Keeper({
      ...apart,
      ask: (method: string, data: object): Promise<Data> => this.line.ask(method, data),
      listener: {
        keys: (keys) => {
          this.keys.push({ ...keys, baseKey: toHex(keys.baseKey) });
          keys.baseKey.fill(0);
          this.sealing = true;
        },
        silence: () => {
          this.silences++;
          this.sealing = false;
        },
        facts: (facts) => (this.facts = facts),
        said: (from, text) => this.heard.push({ from, text }),
        whispered: (from, text) => this.whispers.push({ from, text }),
      },
      session: box.session,
      member: person.member,
      facilitator: person.role === "facilitator",
      credentialKey: box.credentialKey,
      storage: tab,
      suite: () => suite,
      later: (work, ms) => {
        const timer = { work, ms };
        this.timers.push(timer);
        return () => void (this.timers.includes(timer) && this.timers.splice(this.timers.indexOf(timer), 1));
      },
    });
    this.line.connect();
  }

  get key(): string | undefined {
    return this.keys.at(-1)?.baseKey;
  }
  get code(): string | null {
    return this.facts.code && toHex(this.facts.code);
  }
  get names(): string[] {
    return this.facts.holders.map((one) => one.member);
  }

  /** Lets all timers ring that are there now. true: there were any. */
  ring(): boolean {
    const due = this.timers.splice(0);
    for (const { work } of due) work();
    return due.length > 0;
  }
}

export class Life {
  readonly open: Open[] = [];

  constructor(readonly box = new Box()) {}

  /** Opens a page of this person: in the same tab as before, or in a new one. */
  page(member: string, tab = new Tab(), apart: Pick<KeeperOptions, "home" | "known"> = {}): Open {
    const page = new Open(this.box, this.box.people.get(member)!, tab, apart);
    this.open.push(page);
    return page;
  }

  facilitator(member = "Fay", language = "en"): Open {
    this.box.person(member, "facilitator", "admitted", language);
    return this.page(member);
  }

  /** Somebody who waits. */
  waiting(member: string): Open {
    this.box.person(member, "participant");
    return this.page(member);
  }

  /** The facilitator taps "admit": on the page, and so on the box. */
  admit(by: Open, ...members: string[]): void {
    for (const member of members) {
      by.keeper.approve(member);
      this.box.stand(member, "admitted");
    }
  }

  /** Waiting people, admitted by `by`, with keys. */
  async bring(by: Open, ...members: string[]): Promise<Open[]> {
    const pages = members.map((member) => this.waiting(member));
    await this.rest();
    this.admit(by, ...members);
    await this.rest();
    for (const page of pages) assert.equal(page.facts.phase, "in", page.person.member);
    return pages;
  }

  close(page: Open): void {
    page.line.close();
    this.open.splice(this.open.indexOf(page), 1);
  }

  /** The page is loaded anew in the same tab: what it held in memory is gone. */
  reload(page: Open): Open {
    this.close(page);
    return this.page(page.person.member, page.tab);
  }

  /** Until nobody has anything left to do. */
  async rest(): Promise<void> {
    for (let round = 0, before = -1; before !== this.box.asked.length; round++) {
      assert.ok(round < RESTLESS, "the room does not come to rest");
      before = this.box.asked.length;
      for (const page of this.open) await page.keeper.settled();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Rests, then lets every timer ring, until none is left or `rounds` are over. */
  async later(rounds = 12): Promise<void> {
    await this.rest();
    for (let round = 0; round < rounds; round++) {
      const rang = this.open.map((page) => page.ring()).some(Boolean);
      await this.rest();
      if (!rang) return;
    }
  }

  /** These pages are in one epoch with the same keys, the same code and the same people, and nobody else is. */
  together(...pages: Open[]): void {
    const [first] = pages;
    const names = pages.map((page) => page.person.member).sort();
    for (const page of pages) {
      assert.equal(page.facts.phase, "in", page.person.member);
      assert.ok(page.sealing);
      assert.equal(page.key, first!.key);
      assert.equal(page.code, first!.code);
      assert.deepEqual([...page.names].sort(), names);
      assert.equal(page.facts.holders.find((one) => one.you)?.member, page.person.member);
      assert.deepEqual(page.keys.at(-1)!.leaves, first!.keys.at(-1)!.leaves);
    }
  }
}
