// FORMAT.md section 2.

import { Bytes, need, sha256, type Given, hexLine } from "./bytes.ts";
import { readContent } from "./content.ts";
import { OpeningKey, OVERHEAD, verify } from "./seal.ts";

const MALFORMED = "malformed_envelope";
export const MOST = 163_840;
export const HIGHEST = 10n ** 16n - 1n;
export const NOTHING = Buffer.alloc(32);

export interface Envelope {
  box: Buffer;
  sequence: bigint;
  previous: Buffer;
  keyId: Buffer;
  header: Buffer;
  sealed: Buffer;
  hash: Buffer;
}

export function parseEnvelope(raw: Buffer): Envelope {
  need(raw.length <= MOST, "too_large");
  need(raw.length >= 84 && raw.subarray(0, 4).toString("latin1") === "HSEG", MALFORMED);
  const bytes = new Bytes(raw, MALFORMED);
  bytes.take(4);
  need(bytes.u8() === 1 && bytes.u8() === 1 && bytes.u16() === 1, "unsupported_version");
  const box = bytes.take(16);
  const sequence = bytes.u64();
  const previous = bytes.take(32);
  const keyId = bytes.take(16);
  const length = bytes.u32();
  need(raw.length >= 84 + OVERHEAD + 512 + 64 && raw.length === 84 + length + 64, MALFORMED);
  need(sequence >= 1n && sequence <= HIGHEST && (sequence === 1n) === previous.equals(NOTHING), MALFORMED);
  const header = raw.subarray(0, 84);
  return { box, sequence, previous, keyId, header, sealed: bytes.take(length), hash: sha256(raw) };
}

/** Parsed, and signed by the box. */
export function verifyEnvelope(raw: Buffer, boxKey: Buffer): Envelope {
  const parsed = parseEnvelope(raw);
  verify(boxKey, "hearth segment signature 1", raw.subarray(0, -64), raw.subarray(-64));
  return parsed;
}

export function readEnvelope(given: Given, raw: Buffer): object {
  const parsed = verifyEnvelope(raw, hexLine(given, "box_verify_key"));
  const key = new OpeningKey(hexLine(given, "record_seed"));
  need(parsed.keyId.equals(key.id), "unknown_recipient");
  const info = Buffer.concat([Buffer.from("hearth segment seal 1\0"), parsed.header]);
  const records = readContent(key.open(info, parsed.sealed));
  return { sequence: String(parsed.sequence), hash: parsed.hash.toString("hex"), records };
}
