// The roster code: 32 bytes that are alike on two pages only if both are in the same epoch with the same people.

import type { Holder } from "./types.ts";

const LABEL = "hearth roster code 1";

function number(value: number, bytes: 2 | 4): number[] {
  return Array.from({ length: bytes }, (_, at) => (value >>> (8 * (bytes - 1 - at))) & 0xff);
}

/** Length in two bytes, then the bytes. */
function counted(bytes: Uint8Array): number[] {
  return [...number(bytes.length, 2), ...bytes];
}

/** What is hashed: label, epoch authenticator (RFC 9420 section 8.7), then leaf, member and name by ascending leaf. */
export function rosterBytes(epochAuthenticator: Uint8Array, holders: readonly Pick<Holder, "leaf" | "member" | "name">[]): Uint8Array {
  const utf8 = new TextEncoder();
  const sorted = [...holders].sort((a, b) => a.leaf - b.leaf);
  const people = sorted.flatMap(({ leaf, member, name }) => [...number(leaf, 4), ...counted(utf8.encode(member)), ...counted(utf8.encode(name))]);
  return Uint8Array.from([...utf8.encode(LABEL), ...counted(epochAuthenticator), ...people]);
}
