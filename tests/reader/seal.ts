// FORMAT.md section 1: X-Wing, HPKE base mode (RFC 9180), Ed25519 under a label, key ids.

import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  verify as verifySignature,
  type KeyObject,
} from "node:crypto";
import { Fault, need, sha256 } from "./bytes.ts";

export const OVERHEAD = 1136;
const SUITE_ID = Buffer.concat([Buffer.from("HPKE"), Buffer.from("647a00010003", "hex")]);
const X25519_PRIVATE = Buffer.from("302e020100300506032b656e04220420", "hex"); // RFC 8410, before the 32 bytes
const X25519_PUBLIC = Buffer.from("302a300506032b656e032100", "hex");
const ED25519_PUBLIC = Buffer.from("302a300506032b6570032100", "hex");
const MLKEM_SEED = Buffer.from("3054020100300b060960864801650304040204428040", "hex"); // RFC 9935, before the 64 bytes

export const keyId = (key: Buffer): Buffer => sha256(Buffer.from("hearth key id 1\0"), key).subarray(0, 16);

/** A private record or inbox key from its 32-byte seed. */
export class OpeningKey {
  lattice: KeyObject;
  curve: KeyObject;
  curvePublic: Buffer;
  id: Buffer;

  constructor(seed: Buffer) {
    const expanded = createHash("shake256", { outputLength: 96 }).update(seed).digest();
    this.lattice = pkcs8(MLKEM_SEED, expanded.subarray(0, 64));
    this.curve = pkcs8(X25519_PRIVATE, expanded.subarray(64));
    this.curvePublic = last(this.curve, 32);
    this.id = keyId(Buffer.concat([last(this.lattice, 1184), this.curvePublic]));
  }

  /** The plaintext of a sealed text, or `cannot_open`. */
  open(info: Buffer, sealed: Buffer): Buffer {
    const secret = labeledExtract("secret", Buffer.alloc(0), this.shared(sealed.subarray(0, 1120)));
    const context = Buffer.concat([
      Buffer.from([0]),
      labeledExtract("psk_id_hash", Buffer.alloc(0)),
      labeledExtract("info_hash", info),
    ]);
    const key = labeledExpand(secret, "key", context, 32);
    const nonce = labeledExpand(secret, "base_nonce", context, 12);
    const text = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    text.setAuthTag(sealed.subarray(-16));
    try {
      return Buffer.concat([text.update(sealed.subarray(1120, -16)), text.final()]);
    } catch {
      throw new Fault("cannot_open");
    }
  }

  shared(share: Buffer): Buffer {
    const other = createPublicKey({
      key: Buffer.concat([X25519_PUBLIC, share.subarray(1088)]),
      format: "der",
      type: "spki",
    });
    return createHash("sha3-256")
      .update(decapsulate(this.lattice, share.subarray(0, 1088)))
      .update(diffieHellman({ privateKey: this.curve, publicKey: other }))
      .update(share.subarray(1088))
      .update(this.curvePublic)
      .update("\\.//^\\")
      .digest();
  }
}

/** Raises `bad_signature` unless `key` signed the label followed by the message. */
export function verify(key: Buffer, label: string, message: Buffer, signature: Buffer): void {
  need(key.length === 32 && signature.length === 64, "bad_signature");
  const object = createPublicKey({ key: Buffer.concat([ED25519_PUBLIC, key]), format: "der", type: "spki" });
  need(verifySignature(null, Buffer.concat([Buffer.from(`${label}\0`), message]), object, signature), "bad_signature");
}

function labeledExtract(label: string, secret: Buffer, salted?: Buffer): Buffer {
  // RFC 9180 section 4 and 5.1: in the schedule the shared secret is the salt.
  return createHmac("sha256", salted ?? Buffer.alloc(32))
    .update("HPKE-v1")
    .update(SUITE_ID)
    .update(label)
    .update(secret)
    .digest();
}

function labeledExpand(key: Buffer, label: string, info: Buffer, length: number): Buffer {
  const size = Buffer.from([length >> 8, length & 255]);
  return createHmac("sha256", key)
    .update(size)
    .update("HPKE-v1")
    .update(SUITE_ID)
    .update(label)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, length);
}

const pkcs8 = (head: Buffer, key: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([head, key]), format: "der", type: "pkcs8" });

/** The last bytes of a key's public half in DER: the key itself. */
function last(key: KeyObject, count: number): Buffer {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return Buffer.from(der.subarray(-count));
}
