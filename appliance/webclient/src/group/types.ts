// What the group of a session gives to the other parts of the page.

/** Somebody who holds the keys of the present epoch, as the signed credential of their leaf says. */
export interface Holder {
  leaf: number;
  member: string;
  name: string;
  role: "facilitator" | "participant";
  language: string;
  /** Signature key of the leaf, base64url: the same key is the same page as before. */
  key: string;
  you: boolean;
}

/** Keys of one epoch. The receiver of these overwrites `baseKey`. */
export interface EpochKeys {
  epoch: bigint;
  leaf: number;
  /** 16 bytes: MLS-Exporter("SFrame 1.0 Base Key", "", 16), RFC 9605 section 5.2. */
  baseKey: Uint8Array;
  /** member -> leaf */
  leaves: ReadonlyMap<string, number>;
}

/** idle: not asked yet. asking: offered, or on the way back in. broken: a doubt, silence until `rejoin`. */
export type Phase = "idle" | "asking" | "in" | "broken";

export interface GroupFacts {
  phase: Phase;
  epoch: bigint;
  holders: readonly Holder[];
  /** The roster code, 32 bytes; null unless "in". */
  code: Uint8Array | null;
  /** Of the words of the code: that of the facilitator with the lowest leaf. */
  language: string;
  /** For facilitators: members whom the box calls admitted and whom this browser lets in by a tap only. */
  pending: readonly string[];
}

export interface GroupListener {
  /** A new epoch. */
  keys(keys: EpochKeys): void;
  /** No keys from now on. */
  silence(): void;
  /** After each change. */
  facts(facts: GroupFacts): void;
  said(from: Holder, text: string): void;
  /** To oneself alone. */
  whispered(from: Holder, text: string): void;
}
