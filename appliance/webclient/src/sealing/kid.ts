// Whose key, for what, of which epoch: RFC 9605 section 5.2 with eight bits of epoch and eight of leaf.
//
//     KID = context << 16 | leaf << 8 | epoch & 0xFF
//
// A context is never 0, so a KID always takes three bytes, and every sealed frame of this room begins alike: the relay
// can tell it from one that is not sealed.

import type { Kind } from "../protocol.ts";

export interface Kid {
  context: number;
  leaf: number;
  /** The low eight bits. */
  epoch: number;
}

/** Sound and picture have keys of their own: a frame of one is nothing in the other's place. */
export const CONTEXT: Readonly<Record<Kind, number>> = { audio: 1, video: 2 };

/** A room has sixteen members and leaves are used again; more than this is not of this room. */
export const LAST_LEAF = 63;

export function kidOf({ context, leaf, epoch }: { context: number; leaf: number; epoch: bigint }): bigint {
  if (leaf < 0 || leaf > LAST_LEAF || !Number.isInteger(leaf)) throw new RangeError("no leaf of a room");
  return BigInt((context << 16) | (leaf << 8)) | (epoch & 0xffn);
}

/** The parts, or null if a KID of this room cannot look like that. */
export function parseKid(kid: bigint): Kid | null {
  if (kid > 0xff_ffffn) return null;
  const value = Number(kid);
  const [context, leaf] = [value >> 16, (value >> 8) & 0xff];
  if ((context !== CONTEXT.audio && context !== CONTEXT.video) || leaf > LAST_LEAF) return null;
  return { context, leaf, epoch: value & 0xff };
}
