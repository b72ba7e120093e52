// FORMAT.md section 5, frames, and section 8, bundles: bytes one after another, each with kind and length.

import { Bytes, need, sha256, shown, type Given, line } from "./bytes.ts";
import { MOST } from "./envelope.ts";

const SMALL = 4096;
const FRAMES: Record<number, number> = {
  0x01: SMALL,
  0x02: SMALL,
  0x03: MOST,
  0x04: 0,
  0x81: SMALL,
  0x82: SMALL,
  0x83: SMALL,
  0x84: 0,
};
const PARTS: Record<number, number> = { 1: SMALL, 2: 2200, 3: MOST, 4: MOST };

export interface Frame {
  kind: number;
  payload: Buffer;
}

/** The whole frames of a stream; one that its end cuts never happened. */
export function frames(raw: Buffer): Frame[] {
  const bytes = new Bytes(raw, "malformed_carriage");
  const found: Frame[] = [];
  while (bytes.left >= 5) {
    const kind = bytes.u8();
    const length = bytes.u32();
    const limit = FRAMES[kind];
    need(limit !== undefined || (kind & 0x40) !== 0, "malformed_carriage");
    need(length <= (limit ?? SMALL), "too_large");
    if (length > bytes.left) break;
    const payload = bytes.take(length);
    if (limit !== undefined) found.push({ kind, payload });
  }
  return found;
}

const told = (found: Frame[]): string[][] => found.map(({ kind, payload }) => [String(kind), shown(payload)]);

export const readStream = (_: Given, raw: Buffer): object => ({ frames: told(frames(raw)) });

export function readBundle(given: Given, raw: Buffer): object {
  need(raw.length <= 4_194_304, "too_large");
  need(raw.length >= 56 && sha256(raw.subarray(0, -32)).equals(raw.subarray(-32)), "bundle_damaged");
  const bytes = new Bytes(raw.subarray(0, -32), "malformed_bundle");
  need(bytes.take(4).toString("latin1") === "HBDL", "malformed_bundle");
  need(bytes.u8() === 1, "unsupported_version");
  const direction = bytes.u8();
  need((direction === 1 || direction === 2) && bytes.u16() === 0, "unsupported_version");
  const box = bytes.take(16).toString("hex");
  const parts: Frame[] = [];
  for (let count = 1; bytes.left > 0; count++) {
    const kind = bytes.u8();
    const length = bytes.u32();
    need(length <= (PARTS[kind] ?? SMALL) && count <= 4096, "malformed_bundle");
    const payload = bytes.take(length);
    if (kind in PARTS) parts.push({ kind, payload });
  }
  need(box === line(given, "box") && String(direction) === line(given, "direction"), "bundle_other_box");
  return { direction: String(direction), parts: told(parts) };
}
