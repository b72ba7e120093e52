// A patient's way into the group: offers a KeyPackage while waiting, and takes the Welcome that a facilitator's browser made for it.

import type { Ask, Course } from "./course.ts";
import type { Trust } from "./credential.ts";
import type { Hold } from "./hold.ts";
import { isFor } from "./join.ts";
import { makeOwn, type Own } from "./keypackage.ts";
import { Member } from "./member.ts";
import { fetchCredential } from "./own.ts";
import type { Ticket } from "./ticket.ts";
import type { Told } from "./told.ts";
import { wipe } from "./bytes.ts";
import { pack, unpack } from "./wire.ts";

export class Patient {
  readonly pending: readonly string[] = [];
  #own: Own | null = null;
  #offered = false;
  #offeredIn: string | null = null; // the group that stood then, if this page knew of one

  constructor(
    private readonly ask: Ask,
    private readonly trust: Trust,
    private readonly told: Told,
    private readonly hold: Hold,
    private readonly course: Course,
    private readonly ticket: Ticket,
    private readonly me: string,
  ) {}

  get asking(): boolean {
    return this.#own !== null;
  }

  async step(): Promise<void> {
    if (!this.told.welcomeHere) return this.giveUp();
    if (this.hold.member && (await this.course.catchUp()) !== "on") this.giveUp();
    if (!this.hold.member) await this.#enter();
    if (this.hold.member && (await this.course.catchUp()) !== "on") throw new Error("out again at once");
    return undefined;
  }

  /** Keys are void, and so is what was offered. */
  giveUp(): void {
    this.hold.drop();
    this.#dropOwn();
  }

  async #enter(): Promise<void> {
    const { welcome } = this.told;
    const read = welcome && this.#own && unpack("mls_welcome", welcome.welcome)?.welcome;
    if (welcome && read && (await isFor(read, this.#own!, this.trust.suite))) {
      const own = this.#own!;
      this.told.welcome = this.#own = null; // good for one time, whatever comes of it (RFC 9420 section 10)
      this.hold.take(await Member.welcomed(this.trust, welcome.group, welcome.epoch, welcome.welcome, own));
    } else {
      const group = this.told.group?.group ?? null;
      if (this.#offeredIn !== null && group !== null && this.#offeredIn !== group) this.#dropOwn(); // used up in a group that was given up
      this.#offeredIn = group ?? this.#offeredIn;
      if (!this.#own || !this.#offered) await this.#offer();
    }
  }

  async #offer(): Promise<void> {
    this.#own ??= await this.#make();
    this.#offered = false;
    await this.ask("groupOffer", { keyPackage: pack({ wireformat: "mls_key_package", keyPackage: this.#own.keyPackage }) });
    this.#offered = true;
  }

  async #make(): Promise<Own> {
    const keys = await this.ticket.keys(this.trust.suite);
    return makeOwn(await fetchCredential(this.ask, this.trust, keys.publicKey, this.me, "participant"), keys, this.trust.suite);
  }

  #dropOwn(): void {
    if (this.#own) wipe([this.#own.privateKeys.initPrivateKey, this.#own.privateKeys.hpkePrivateKey]);
    this.#own = this.#offeredIn = null;
    this.#offered = false;
  }
}
