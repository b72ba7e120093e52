// Cipher suite 1 of RFC 9420, MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519. Hashes and AES are the browser's own; so are both
// curves where the browser has them, otherwise they are plain script. Nothing of ts-mls's own providers is used: they
// ask WebCrypto for the curves in any case, and bring suites that no room has.

import "./older.ts";
import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 as PureDhkem } from "@hpke/dhkem-x25519";
import { ed25519 } from "@noble/curves/ed25519.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import { makeHashImpl } from "ts-mls/crypto/implementation/default/makeHashImpl.js";
import { makeKdfImpl } from "ts-mls/crypto/implementation/default/makeKdfImpl.js";
import { makeGenericHpke } from "ts-mls/crypto/implementation/hpke.js";
import type { Signature } from "ts-mls/crypto/signature.js";

export type Suite = CiphersuiteImpl;
export const SUITE_NAME = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

const ALGORITHM = { kem: "DHKEM-X25519-HKDF-SHA256", kdf: "HKDF-SHA256", aead: "AES128GCM" } as const;
/** Of an Ed25519 private key of 32 bytes in PKCS #8 (RFC 8410 section 7): all that stands before the key. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
const KEY_BYTES = 32;

const source = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>; // none of them is shared memory

const pureSignature: Signature = {
  sign: async (key, message) => ed25519.sign(message, key),
  // RFC 8032's own reading, as WebCrypto has it, not the looser ZIP 215: two browsers must agree on what is valid.
  verify: async (key, message, signature) => ed25519.verify(signature, message, key, { zip215: false }),
  keygen: async () => {
    const { secretKey, publicKey } = ed25519.keygen();
    return { signKey: secretKey, publicKey };
  },
};

const nativeSignature: Signature = {
  async sign(key, message) {
    const wrapped = new Uint8Array([...PKCS8_PREFIX, ...key]);
    const imported = await crypto.subtle.importKey("pkcs8", wrapped, "Ed25519", false, ["sign"]);
    wrapped.fill(0);
    return new Uint8Array(await crypto.subtle.sign("Ed25519", imported, source(message)));
  },
  async verify(key, message, signature) {
    if (key.length !== KEY_BYTES) return false;
    const imported = await crypto.subtle.importKey("raw", source(key), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", imported, source(signature), source(message));
  },
  async keygen() {
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const wrapped = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
    const signKey = wrapped.slice(-KEY_BYTES); // the same 32 bytes whichever code reads them back
    wrapped.fill(0);
    return { signKey, publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
  },
};

async function gcm(how: "encrypt" | "decrypt", key: Uint8Array, iv: Uint8Array, aad: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", source(key), "AES-GCM", false, [how]);
  const parameters = { name: "AES-GCM", iv: source(iv), additionalData: source(aad) };
  return new Uint8Array(await crypto.subtle[how](parameters, imported, source(data)));
}

/** The suite with the browser's curves or with those in plain script; both give and take the same bytes. */
export async function makeSuite(curves: "native" | "pure"): Promise<Suite> {
  const kem = curves === "native" ? new DhkemX25519HkdfSha256() : new PureDhkem();
  const hpke = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes128Gcm() });
  const aead = {
    encrypt: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array) => gcm("encrypt", key, nonce, aad, data),
    decrypt: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array) => gcm("decrypt", key, nonce, aad, data),
  };
  return {
    name: SUITE_NAME,
    hash: makeHashImpl(crypto.subtle, "SHA-256"),
    kdf: makeKdfImpl(new HkdfSha256()),
    signature: curves === "native" ? nativeSignature : pureSignature,
    hpke: await makeGenericHpke(ALGORITHM, aead, hpke),
    rng: { randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
  };
}

/** Whether every operation that a room needs works: one signature, one sealed message, one derived key. */
export async function proves(suite: Suite): Promise<boolean> {
  try {
    const message = Uint8Array.of(1, 2, 3);
    const { signKey, publicKey } = await suite.signature.keygen();
    const signed = await suite.signature.verify(publicKey, message, await suite.signature.sign(signKey, message));
    const pair = await suite.hpke.deriveKeyPair(suite.rng.randomBytes(KEY_BYTES));
    const key = await suite.hpke.importPublicKey(await suite.hpke.exportPublicKey(pair.publicKey));
    const own = await suite.hpke.importPrivateKey(await suite.hpke.exportPrivateKey(pair.privateKey));
    const { ct, enc } = await suite.hpke.seal(key, message, new Uint8Array());
    const opened = await suite.hpke.open(own, enc, ct, new Uint8Array());
    return signed && opened.every((byte, at) => byte === message[at]);
  } catch {
    return false;
  }
}

let chosen: Promise<Suite> | null = null;

/** The suite for this browser, tried once. */
export function suite(): Promise<Suite> {
  chosen ??= makeSuite("native").then(async (native) => ((await proves(native)) ? native : makeSuite("pure")));
  return chosen;
}
