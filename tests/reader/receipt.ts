// FORMAT.md section 4: receipts, the tree, and a chain of envelopes with receipts between.

import { Bytes, need, sha256, type Given, hexLine } from "./bytes.ts";
import { HIGHEST, NOTHING, verifyEnvelope } from "./envelope.ts";
import { keyId, verify } from "./seal.ts";
import { frames } from "./stream.ts";

const MALFORMED = "malformed_receipt";

interface Receipt {
  size: bigint;
  at: bigint;
  last: Buffer;
  peaks: Buffer[];
}

/** The roots of the perfect subtrees, largest first. */
class Tree {
  size = 0n;
  peaks: Buffer[] = [];

  append(entry: Buffer): void {
    let node = sha256(Buffer.from([0]), entry);
    for (let size = this.size; size & 1n; size >>= 1n) node = sha256(Buffer.from([1]), this.peaks.pop()!, node);
    this.peaks.push(node);
    this.size += 1n;
  }
}

export function rootOf(peaks: Buffer[]): string {
  if (peaks.length === 0) return sha256().toString("hex");
  return peaks.reduceRight((node, peak) => sha256(Buffer.from([1]), peak, node)).toString("hex");
}

function verifyReceipt(given: Given, raw: Buffer): Receipt {
  need(raw.length <= 2200, "too_large");
  need(raw.length >= 88 && raw.subarray(0, 4).toString("latin1") === "HRCT", MALFORMED);
  const bytes = new Bytes(raw, MALFORMED);
  bytes.take(4);
  need(bytes.u8() === 1 && bytes.u8() === 1, "unsupported_version");
  const count = bytes.u16();
  const box = bytes.take(16);
  const last = bytes.take(32);
  const signer = bytes.take(16);
  const size = bytes.u64();
  const at = bytes.u64();
  const ones = [...size.toString(2)].filter((bit) => bit === "1").length;
  need(size >= 1n && size <= HIGHEST && count === ones && raw.length === 88 + 32 * count + 64, MALFORMED);
  const peaks = Array.from({ length: count }, () => bytes.take(32));
  const key = hexLine(given, "hq_verify_key");
  need(signer.equals(keyId(key)), "receipt_other_key");
  verify(key, "hearth receipt signature 1", raw.subarray(0, -64), raw.subarray(-64));
  need(box.equals(hexLine(given, "box")), "receipt_other_box");
  return { size, at, last, peaks };
}

export function readReceipt(given: Given, raw: Buffer): object {
  const { size, at, last, peaks } = verifyReceipt(given, raw);
  return { size: String(size), at: String(at), last: last.toString("hex"), root: rootOf(peaks) };
}

export function readChain(given: Given, raw: Buffer): object {
  const tree = new Tree();
  const heads: { hash: Buffer; peaks: Buffer[] }[] = [{ hash: NOTHING, peaks: [] }]; // by number
  let receipted = 0n;
  for (const { kind, payload } of frames(raw)) {
    if (kind === 0x03) {
      const one = verifyEnvelope(payload, hexLine(given, "box_verify_key"));
      need(one.sequence <= tree.size + 1n, "gap");
      if (one.sequence <= tree.size) {
        need(heads[Number(one.sequence)]!.hash.equals(one.hash), "fork");
        continue;
      }
      need(one.previous.equals(heads[Number(tree.size)]!.hash), "fork");
      tree.append(one.hash);
      heads.push({ hash: one.hash, peaks: [...tree.peaks] });
    } else if (kind === 0x81) {
      const got = verifyReceipt(given, payload);
      need(got.size <= tree.size, "set_back");
      const own = heads[Number(got.size)]!;
      const same = got.peaks.every((peak, place) => peak.equals(own.peaks[place]!));
      need(same && got.last.equals(own.hash), "receipt_other_bytes");
      if (got.size > receipted) receipted = got.size;
    }
  }
  return { size: String(tree.size), receipted: String(receipted), root: rootOf(tree.peaks) };
}
