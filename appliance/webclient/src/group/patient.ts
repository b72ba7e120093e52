// A patient's way into the group: offers a KeyPackage while waiting, and takes the Welcome that a facilitator's browser made for it.

import type { Ask, Course } from "./course.ts";
import type { Trust } from "./credential.ts";
import type { Hold } from "./hold.ts";
import { isFor } from "./join.ts";
import { makeOwn, type Own } from "./keypackage.ts";
import { Doubt } from "./doubt.ts";
import { Member } from "./member.ts";
import { fetchCredential } from "./own.ts";
import type { Ticket } from "./ticket.ts";
import type { Told } from "./told.ts";
import { wipe } from "./bytes.ts";
import { pack, unpack } from "./wire.ts";

/** KeyPackages in a row that were used up without a Welcome for this page: two can cross on the way, more is no chance. */
const MAX_USED_UP = 4;
/** Milliseconds in the room without a Welcome, after which another KeyPackage is offered, then twice as many each time. */
const RENEW_MS = 20_000;
/** The last after twenty minutes; then a reload helps. */
const MAX_RENEWALS = 6;

export class Patient {
  readonly pending: readonly string[] = [];
  #own: Own | null = null;
  #offered = false;
  #usedUp = 0;
  #renewals = 0;
  #isOld = false;
  #stopRenewal: (() => void) | null = null;
  /** The group and epoch that stood when a KeyPackage was offered, as far as this page was told: who waits is not. */
  #since: { group: string | null; epoch: number } | null = null;

  constructor(
    private readonly ask: Ask,
    private readonly trust: Trust,
    private readonly told: Told,
    private readonly hold: Hold,
    private readonly course: Course,
    private readonly ticket: Ticket,
    private readonly me: string,
    private readonly later: (work: () => void, ms: number) => () => void,
    private readonly kick: () => void,
  ) {}

  get asking(): boolean {
    return this.#own !== null;
  }

  async step(): Promise<void> {
    if (!this.told.welcomeHere) return this.giveUp();
    if (this.hold.member && (await this.course.catchUp()) !== "on") this.giveUp();
    if (!this.hold.member) await this.#enter();
    if (this.hold.member) this.#stopRenewing();
    else if (this.told.group?.group) this.#renewLater();
    if (this.hold.member && (await this.course.catchUp()) !== "on") throw new Error("out again at once");
    return undefined;
  }

  /** Keys are void, and so is what was offered. */
  giveUp(): void {
    this.hold.drop();
    this.#dropOwn();
    this.#usedUp = 0;
    this.#stopRenewing();
  }

  async #enter(): Promise<void> {
    const own = this.#own;
    const { welcome } = this.told;
    const read = welcome && own && unpack("mls_welcome", welcome.welcome)?.welcome;
    if (welcome && read && (await isFor(read, own, this.trust.suite))) {
      this.told.welcome = this.#own = null; // good for one time, whatever comes of it (RFC 9420 section 10)
      this.#usedUp = 0;
      this.hold.take(await Member.welcomed(this.trust, welcome.group, welcome.epoch, welcome.welcome, own));
      return;
    }
    if (this.#isOld) this.#dropOwn();
    if (this.#isUsedUp()) {
      this.#dropOwn();
      if (++this.#usedUp > MAX_USED_UP) throw new Doubt("welcome: never for this page");
    }
    // In the room the box tells of the group by itself; until it has, nobody could tell an older Welcome from a newer one.
    if (this.told.standing === "admitted" && !this.told.group) return;
    if (!this.#own || !this.#offered) await this.#offer();
  }

  /**
   * What was offered has been added to the group, or to one that was given up, and no Welcome for it is there: a facilitator's page
   * had still seen the KeyPackage before this one, and the box deletes whatever a member offers once they are added.
   */
  #isUsedUp(): boolean {
    const since = this.#since;
    const { welcome, group } = this.told;
    if (!since) return false;
    if (welcome && (welcome.group !== since.group || welcome.epoch > since.epoch)) return true;
    return since.group !== null && typeof group?.group === "string" && group.group !== since.group;
  }

  async #offer(): Promise<void> {
    if (!this.#own) this.told.welcome = null; // made for an older KeyPackage, whatever comes of the next
    this.#own ??= await this.#make();
    this.#offered = false;
    this.#since = { group: this.told.group?.group ?? null, epoch: this.told.group?.epoch ?? -1 };
    await this.ask("groupOffer", { keyPackage: pack({ wireformat: "mls_key_package", keyPackage: this.#own.keyPackage }) });
    this.#offered = true;
  }

  async #make(): Promise<Own> {
    const keys = await this.ticket.keys(this.trust.suite);
    return makeOwn(await fetchCredential(this.ask, this.trust, keys.publicKey, this.me, "participant"), keys, this.trust.suite);
  }

  #dropOwn(): void {
    if (this.#own) wipe([this.#own.privateKeys.initPrivateKey, this.#own.privateKeys.hpkePrivateKey]);
    this.#own = this.#since = null;
    this.#offered = this.#isOld = false;
  }

  /** A Welcome may have been made and lost, as when the group it was for has been given up while this page's line was away. */
  #renewLater(): void {
    if (this.#stopRenewal || this.#renewals >= MAX_RENEWALS) return;
    this.#stopRenewal = this.later(() => {
      this.#stopRenewal = null;
      this.#isOld = true;
      this.kick();
    }, RENEW_MS * 2 ** this.#renewals++);
  }

  #stopRenewing(): void {
    this.#stopRenewal?.();
    this.#stopRenewal = null;
    this.#renewals = 0;
  }
}
