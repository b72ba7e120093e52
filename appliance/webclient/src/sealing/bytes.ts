// Bytes, as WebCrypto and the encoded frames want them: never over shared memory.

export type Bytes = Uint8Array<ArrayBuffer>;

/** The parts, one after the other. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `value` in `length` bytes, the highest first. */
export function bigEndian(value: bigint, length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
