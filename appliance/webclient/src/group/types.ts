// What the group of a session gives to the other parts of the page.

/** Keys of one epoch. The receiver of these overwrites `baseKey`. */
export interface EpochKeys {
  epoch: bigint;
  leaf: number;
  /** 16 bytes: MLS-Exporter("SFrame 1.0 Base Key", "", 16), RFC 9605 section 5.2. */
  baseKey: Uint8Array;
  /** member -> leaf */
  leaves: ReadonlyMap<string, number>;
}
