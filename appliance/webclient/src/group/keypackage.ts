// KeyPackages: one's own, and those that others offer.

import { type KeyPackage, generateKeyPackageWithKey, type PrivateKeyPackage, verifyKeyPackage } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { same, toText } from "./bytes.ts";
import type { Trusting } from "./credential.ts";
import type { Offered } from "./rules.ts";
import { type Suite, SUITE_NAME } from "./suite.ts";
import { unpack } from "./wire.ts";

const KEY_BYTES = 32;
const CAPABILITIES = {
  versions: ["mls10" as const],
  ciphersuites: [SUITE_NAME as typeof SUITE_NAME & "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"],
  extensions: [],
  proposals: [],
  credentials: ["basic" as const],
};
/**
 * RFC 9420 section 7.2 wants a lifetime so that old KeyPackages die. Clocks of boxes and phones are wrong by a year, and
 * nobody may be locked out by one: every KeyPackage is valid at any time. It dies with its session, which its credential names, and at
 * its first use, after which the box no longer has it and a facilitator's page takes it no second time.
 */
const LIFETIME = { notBefore: 0n, notAfter: 2n ** 63n - 1n };

export interface SignatureKeys {
  signKey: Uint8Array;
  publicKey: Uint8Array;
}

/** One's own KeyPackage with its private halves. */
export interface Own {
  keyPackage: KeyPackage;
  privateKeys: PrivateKeyPackage;
}

export async function makeOwn(identity: Uint8Array, keys: SignatureKeys, suite: Suite): Promise<Own> {
  const credential = { credentialType: "basic" as const, identity };
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(credential, CAPABILITIES, LIFETIME, [], keys, suite);
  return { keyPackage: publicPackage, privateKeys: privatePackage };
}

/** A KeyPackage of somebody else that was looked through. */
export interface Offer extends Offered {
  keyPackage: KeyPackage;
  /** Public key of its leaf, base64url: known again once it was used. */
  leafKey: string;
}

/**
 * null unless it can be added just so: one bad KeyPackage must not spoil a Commit that lets others in. `member`: whose it is by the box;
 * the credential must say the same, for that is whose name was on the page when somebody was let in.
 */
export async function readOffer(member: string, text: unknown, trust: Trusting): Promise<Offer | null> {
  const keyPackage = unpack("mls_key_package", text)?.keyPackage;
  if (!keyPackage || !(await sound(keyPackage, trust.suite).catch(() => false))) return null;
  const { leafNode } = keyPackage;
  const said = await trust.check(leafNode.credential, leafNode.signaturePublicKey);
  if (said?.member !== member || said.role !== "participant") return null;
  return { member, key: said.key, keyPackage, leafKey: toText(leafNode.hpkePublicKey) };
}

async function sound(keyPackage: KeyPackage, suite: Suite): Promise<boolean> {
  const { leafNode, initKey } = keyPackage;
  const plain = keyPackage.cipherSuite === SUITE_NAME && keyPackage.version === "mls10" && keyPackage.extensions.length + leafNode.extensions.length === 0;
  const able = leafNode.capabilities.versions.includes("mls10") && leafNode.capabilities.credentials.includes("basic");
  const timeless = leafNode.lifetime.notBefore === LIFETIME.notBefore && leafNode.lifetime.notAfter === LIFETIME.notAfter;
  if (!plain || !able || !timeless || same(initKey, leafNode.hpkePublicKey)) return false;
  if (!(await verifyKeyPackage(keyPackage, suite.signature))) return false;
  if (!(await verifyLeafNodeSignatureKeyPackage(leafNode, suite.signature))) return false;
  // A key to which nothing can be sealed (RFC 7748 section 6.1: all-zero output) would only show while a Commit is made.
  for (const key of [initKey, leafNode.hpkePublicKey]) {
    if (key.length !== KEY_BYTES) return false;
    await suite.hpke.seal(await suite.hpke.importPublicKey(key), new Uint8Array(), new Uint8Array());
  }
  return true;
}
