// FORMAT.md section 3: what is inside a seal.

import { zstdDecompressSync } from "node:zlib";
import { Bytes, Fault, need, shown } from "./bytes.ts";

const MALFORMED = "malformed_content";
const LIMITS: Record<number, number> = { 1: 131_072, 2: 524_288 };

export type Told = [number: string, recordClass: string, time: string, body: string];

export function padme(size: number): number {
  const length = Math.max(size, 512);
  const e = Math.floor(Math.log2(length));
  const step = 2 ** (e - Math.floor(Math.log2(e)) - 1);
  return Math.ceil(length / step) * step;
}

export function readContent(padded: Buffer): Told[] {
  const bytes = new Bytes(padded, MALFORMED);
  need(padded.length >= 6, MALFORMED);
  const limit = LIMITS[bytes.u8()];
  need(limit !== undefined, "unsupported_version");
  const coding = bytes.u8();
  const coded = bytes.take(bytes.u32());
  need(padded.length === padme(6 + coded.length), MALFORMED);
  need(bytes.take(bytes.left).every((byte) => byte === 0), MALFORMED);
  need(coding === 0 || coding === 1, MALFORMED);
  const decoded = coding === 0 ? coded : unzstd(coded, limit);
  need(decoded.length <= limit, MALFORMED);
  return readRecords(new Bytes(decoded, MALFORMED));
}

function readRecords(bytes: Bytes): Told[] {
  const found: Told[] = [];
  let before = 0n;
  while (bytes.left > 0) {
    const number = bytes.u64();
    const name = bytes.take(bytes.u8()).toString("latin1");
    const time = bytes.take(bytes.u8());
    const length = bytes.u32();
    need(length <= 65_536 && /^[a-z0-9_]{1,64}$/.test(name), MALFORMED);
    need(time.length <= 40 && time.every((byte) => byte < 128), MALFORMED);
    const body = bytes.take(length);
    need(number > before && number < 2n ** 63n, MALFORMED);
    before = number;
    found.push([String(number), name, time.toString("latin1"), shown(body)]);
  }
  need(found.length > 0, MALFORMED);
  return found;
}

/** One zstd frame that states its size and that nothing follows. */
function unzstd(coded: Buffer, limit: number): Buffer {
  const { size, end } = zstdFrame(coded);
  need(size > 0n && size <= BigInt(limit) && end === coded.length, MALFORMED);
  try {
    const decoded = zstdDecompressSync(coded, { maxOutputLength: limit });
    need(BigInt(decoded.length) === size, MALFORMED);
    return decoded;
  } catch {
    throw new Fault(MALFORMED);
  }
}

/** RFC 8878 section 3.1.1: the stated content size (0: none) and where the frame ends. */
function zstdFrame(coded: Buffer): { size: bigint; end: number } {
  const bytes = new Bytes(coded, MALFORMED);
  need(bytes.take(4).readUInt32LE() === 0xfd2fb528, MALFORMED);
  const descriptor = bytes.u8();
  const single = (descriptor & 0x20) !== 0;
  if (!single) bytes.take(1);
  bytes.take([0, 1, 2, 4][descriptor & 3] ?? 0);
  const width = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  let size = 0n;
  for (const byte of Buffer.from(bytes.take(width)).reverse()) size = (size << 8n) | BigInt(byte);
  if (width === 2) size += 256n;
  for (let lastBlock = false; !lastBlock; ) {
    const head = bytes.take(3).readUIntLE(0, 3);
    lastBlock = (head & 1) === 1;
    bytes.take(((head >> 1) & 3) === 1 ? 1 : head >> 3); // a run is one byte
  }
  if (descriptor & 4) bytes.take(4);
  return { size, end: bytes.at };
}
