// Sealing and opening one frame (RFC 9605 sections 4.4.3 and 4.4.4). Says nothing about which keys, or whether a frame came before.

import { type Bytes, concat } from "./bytes.ts";
import { encodeHeader, type Header } from "./header.ts";
import { type FrameKeys, NONCE_BYTES, TAG_BYTES } from "./keys.ts";

/** Salt XOR counter. The counter is in the low eight bytes: it has 64 bits. */
export function nonce(salt: Bytes, ctr: bigint): Bytes {
  const made = salt.slice();
  const view = new DataView(made.buffer);
  view.setBigUint64(NONCE_BYTES - 8, view.getBigUint64(NONCE_BYTES - 8) ^ ctr);
  return made;
}

function parameters(keys: FrameKeys, ctr: bigint, additionalData: Bytes): AesGcmParams {
  return { name: "AES-GCM", iv: nonce(keys.salt, ctr), additionalData, tagLength: TAG_BYTES * 8 };
}

/** Header, ciphertext and tag. `metadata` is protected with them and travels elsewhere. */
export async function encrypt(keys: FrameKeys, kid: bigint, ctr: bigint, metadata: Bytes, plaintext: Bytes): Promise<Bytes> {
  const header = encodeHeader(kid, ctr);
  const sealed = await crypto.subtle.encrypt(parameters(keys, ctr, concat(header, metadata)), keys.key, plaintext);
  return concat(header, new Uint8Array(sealed));
}

/** The plaintext of `sframe`, whose header was read as `header`; null if one bit of it or of `metadata` is not the sealer's. */
export async function decrypt(keys: FrameKeys, header: Header, metadata: Bytes, sframe: Bytes): Promise<Bytes | null> {
  const aad = concat(sframe.subarray(0, header.size), metadata);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(keys, header.ctr, aad), keys.key, sframe.subarray(header.size)));
  } catch {
    return null;
  }
}
