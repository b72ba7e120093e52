// The SFrame header (RFC 9605 section 4.3): which key (KID) and which frame of it (CTR), in as few bytes as they need.
//
//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+------------+------------+
//     |X|  K  |Y|  C  |   KID...   |   CTR...   |
//     +-+-+-+-+-+-+-+-+------------+------------+
//
// X or Y set: K or C is the length less one of the field that follows. Not set: K or C is the value itself, 0 to 7.
// Reading is strict: a longer form than needed is no header, so that one value has one form.

import { bigEndian, type Bytes, concat } from "./bytes.ts";

/** Both are 64 bits at most. */
export interface Header {
  kid: bigint;
  ctr: bigint;
  /** Bytes that the header takes. */
  size: number;
}

const INLINE = 7n;
const LARGEST = 0xffff_ffff_ffff_ffffn;
const NONE = new Uint8Array();

function field(value: bigint): { bits: number; bytes: Bytes } {
  if (value < 0n || value > LARGEST) throw new RangeError("a KID or CTR has 64 bits");
  if (value <= INLINE) return { bits: Number(value), bytes: NONE };
  const length = Math.ceil(value.toString(16).length / 2);
  return { bits: 0b1000 | (length - 1), bytes: bigEndian(value, length) };
}

/** The shortest header. Throws RangeError past 64 bits. */
export function encodeHeader(kid: bigint, ctr: bigint): Bytes {
  const [one, two] = [field(kid), field(ctr)];
  return concat(Uint8Array.of((one.bits << 4) | two.bits), one.bytes, two.bytes);
}

/** Four bits and, where they say so, the bytes at `at`. null: cut off, or longer than it needs to be. */
function read(bits: number, bytes: Uint8Array, at: number): { value: bigint; next: number } | null {
  if ((bits & 0b1000) === 0) return { value: BigInt(bits), next: at };
  const next = at + (bits & 0b111) + 1;
  if (next > bytes.length) return null;
  let value = 0n;
  for (let place = at; place < next; place++) value = (value << 8n) | BigInt(bytes[place]!);
  const short = bytes[at] === 0 || value <= INLINE;
  return short ? null : { value, next };
}

/** The header at the beginning of `bytes`, or null if there is none in its one right form. */
export function decodeHeader(bytes: Uint8Array): Header | null {
  const config = bytes[0];
  if (config === undefined) return null;
  const kid = read(config >> 4, bytes, 1);
  const ctr = kid && read(config & 0b1111, bytes, kid.next);
  return ctr && { kid: kid.value, ctr: ctr.value, size: ctr.next };
}
