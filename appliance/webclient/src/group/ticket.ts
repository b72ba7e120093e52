// The rejoin ticket: the signature key of one's leaf, kept for this tab alone. It opens nothing; it only shows that this is the same page
// as before. With it, for facilitators, the newest epoch that was seen, so that no older one is passed off as the present one after a reload.

import { fromText, toText, wipe } from "./bytes.ts";
import type { SignatureKeys } from "./keypackage.ts";
import type { Suite } from "./suite.ts";

const KEY_BYTES = 32;

export interface Floor {
  group: string;
  epoch: number;
}

/** Of somebody in a private room: the session that it belongs to, and their place there. */
export interface Home {
  session: string;
  member: string;
}

const keyName = ({ session, member }: Home): string => `hearth.ticket.${session}.${member}`;

export class Ticket {
  #keys: SignatureKeys | null = null;
  #over = false;
  readonly #keyName: string;
  readonly #floorName: string;
  readonly #homeName: string | null;

  constructor(
    private readonly storage: Storage,
    session: string,
    member: string,
    home: Home | null = null,
  ) {
    this.#homeName = home && keyName(home);
    this.#keyName = keyName({ session, member });
    this.#floorName = `hearth.epoch.${session}.${member}`;
  }

  async keys(suite: Suite): Promise<SignatureKeys> {
    this.#keys ??= (await this.#kept(this.#keyName, suite)) ?? (await this.#kept(this.#homeName, suite)) ?? (await suite.signature.keygen());
    if (!this.#over) this.#put(this.#keyName, `${toText(this.#keys.signKey)}.${toText(this.#keys.publicKey)}`);
    return this.#keys;
  }

  get floor(): Floor | null {
    const [group, epoch] = (this.#get(this.#floorName) ?? "").split(".");
    return group && Number.isSafeInteger(Number(epoch)) ? { group, epoch: Number(epoch) } : null;
  }

  set floor(floor: Floor) {
    if (!this.#over) this.#put(this.#floorName, `${floor.group}.${floor.epoch}`);
  }

  forget(): void {
    this.#over = true;
    if (this.#keys) wipe([this.#keys.signKey]);
    this.#keys = null;
    for (const name of [this.#keyName, this.#floorName]) {
      try {
        this.storage.removeItem(name);
      } catch {
        // A browser that keeps nothing has nothing to forget.
      }
    }
  }

  /** What an earlier page of this tab kept, if the two halves belong together. In a private room first the key of the group's own: who leads
   *  knows it, and lets nobody else in by themselves. */
  async #kept(name: string | null, suite: Suite): Promise<SignatureKeys | null> {
    const [secret, open] = ((name && this.#get(name)) ?? "").split(".");
    const signKey = fromText(secret, KEY_BYTES);
    const publicKey = fromText(open, KEY_BYTES);
    if (signKey?.length !== KEY_BYTES || publicKey?.length !== KEY_BYTES) return null;
    const probe = suite.rng.randomBytes(KEY_BYTES);
    return (await suite.signature.verify(publicKey, probe, await suite.signature.sign(signKey, probe))) ? { signKey, publicKey } : null;
  }

  #get(name: string): string | null {
    try {
      return this.storage.getItem(name);
    } catch {
      return null; // a browser that keeps nothing: the next page is a new one
    }
  }

  #put(name: string, value: string): void {
    try {
      this.storage.setItem(name, value);
    } catch {
      // As above.
    }
  }
}
