// FORMAT.md section 6.

import { Bytes, need, type Given, hexLine } from "./bytes.ts";
import { readContent } from "./content.ts";
import { HIGHEST, MOST, NOTHING } from "./envelope.ts";
import { keyId, OpeningKey, OVERHEAD, verify } from "./seal.ts";

const MALFORMED = "malformed_pack";

export function readPack(given: Given, raw: Buffer): object {
  need(raw.length <= MOST, "too_large");
  need(raw.length >= 124 && raw.subarray(0, 4).toString("latin1") === "HPCK", MALFORMED);
  const bytes = new Bytes(raw, MALFORMED);
  bytes.take(4);
  need(bytes.u8() === 1 && bytes.u8() === 1, "unsupported_version");
  const kind = bytes.u16();
  need(kind === 1 || kind === 2, "unsupported_version");
  const box = bytes.take(16);
  const number = bytes.u64();
  const previous = bytes.take(32);
  const recipient = bytes.take(16);
  const signer = bytes.take(16);
  const at = bytes.u64();
  const subject = bytes.take(16);
  const length = bytes.u32();
  need(raw.length >= 124 + OVERHEAD + 512 + 64 && raw.length === 124 + length + 64, MALFORMED);
  need(number >= 1n && number <= HIGHEST && (number === 1n) === previous.equals(NOTHING), MALFORMED);
  need((kind === 2) === subject.some((byte) => byte !== 0), MALFORMED);
  const sealed = bytes.take(length);

  const packKey = hexLine(given, "pack_verify_key");
  need(signer.equals(keyId(packKey)), "pack_other_key");
  verify(packKey, "hearth pack signature 1", raw.subarray(0, -64), raw.subarray(-64));
  need(box.equals(hexLine(given, "box")), "pack_other_box");
  const key = new OpeningKey(hexLine(given, "inbox_seed"));
  need(recipient.equals(key.id), "unknown_recipient");
  const info = Buffer.concat([Buffer.from("hearth pack seal 1\0"), raw.subarray(0, 124)]);
  const records = readContent(key.open(info, sealed));
  return {
    number: String(number),
    kind: String(kind),
    subject: subject.toString("hex"),
    at: String(at),
    records,
  };
}
