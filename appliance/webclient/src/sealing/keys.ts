// Keys of one KID from the base key of an epoch (RFC 9605 section 4.4.2), by WebCrypto. No key can be read back by script.

import { bigEndian, type Bytes, concat } from "./bytes.ts";

/** A cipher suite of RFC 9605 section 4.5. */
export interface Suite {
  id: number;
  hash: "SHA-256" | "SHA-512";
  /** Nk: bytes of the key. */
  keyBytes: 16 | 32;
}

/** What rooms use. */
export const AES_128_GCM_SHA256_128: Suite = { id: 4, hash: "SHA-256", keyBytes: 16 };
/** For the published vectors alone. */
export const AES_256_GCM_SHA512_128: Suite = { id: 5, hash: "SHA-512", keyBytes: 32 };

/** Nn: bytes of AES-GCM's nonce. */
export const NONCE_BYTES = 12;
/** Nt: bytes of the tag of both suites. */
export const TAG_BYTES = 16;

export interface FrameKeys {
  key: CryptoKey;
  salt: Bytes;
}

/** Label of a derivation: what it is for, the KID in eight bytes, the suite in two. */
export function label(what: "key" | "salt", kid: bigint, suite: Suite): Bytes {
  return concat(new TextEncoder().encode(`SFrame 1.0 Secret ${what} `), bigEndian(kid, 8), bigEndian(BigInt(suite.id), 2));
}

/** Takes a base key over and overwrites the bytes. */
export function importBase(baseKey: Bytes): Promise<CryptoKey> {
  // importKey copies in the call itself (WebCrypto 14.3.9, step "get a copy of the bytes").
  const imported = crypto.subtle.importKey("raw", baseKey, "HKDF", false, ["deriveKey", "deriveBits"]);
  baseKey.fill(0);
  return imported;
}

function hkdf(what: "key" | "salt", kid: bigint, suite: Suite): HkdfParams {
  // HKDF-Extract with an empty salt, then Expand: WebCrypto does both at once.
  return { name: "HKDF", hash: suite.hash, salt: new Uint8Array(), info: label(what, kid, suite) };
}

/** The keys of a KID; the key can do `use` only. */
export async function frameKeys(base: CryptoKey, kid: bigint, use: "encrypt" | "decrypt", suite = AES_128_GCM_SHA256_128): Promise<FrameKeys> {
  const aes = { name: "AES-GCM", length: suite.keyBytes * 8 };
  const [key, salt] = await Promise.all([
    crypto.subtle.deriveKey(hkdf("key", kid, suite), base, aes, false, [use]),
    crypto.subtle.deriveBits(hkdf("salt", kid, suite), base, NONCE_BYTES * 8),
  ]);
  return { key, salt: new Uint8Array(salt) };
}
