// Bytes as text and back, and bytes that must not stay.

/** base64url without padding (RFC 4648 section 5). */
export function toText(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** null for whatever is not base64url without padding in its one proper spelling, or longer than `most` bytes. */
export function fromText(text: unknown, most: number): Uint8Array | null {
  if (typeof text !== "string" || text.length > Math.ceil((most * 4) / 3) || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return toText(bytes) === text ? bytes : null;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Not in constant time: for what everybody may see. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

export function wipe(secrets: Iterable<Uint8Array>): void {
  for (const secret of secrets) secret.fill(0);
}
