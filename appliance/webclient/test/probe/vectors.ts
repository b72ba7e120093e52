// The working group's vectors, run through the very functions of the Worker: in Node, and in a Worker of each browser.

import { type Bytes, concat } from "../../src/sealing/bytes.ts";
import { decodeHeader, encodeHeader } from "../../src/sealing/header.ts";
import { AES_128_GCM_SHA256_128, AES_256_GCM_SHA512_128, frameKeys, importBase, label } from "../../src/sealing/keys.ts";
import { decrypt, encrypt, nonce } from "../../src/sealing/sframe.ts";

type Vector = Record<string, string>;

export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** JSON whose numbers stay texts: some have 64 bits. */
function lossless(text: string): unknown {
  return JSON.parse(text.replace(/: (\d+)/g, ': "$1"'));
}

function same(seen: string, wanted: string | undefined, what: string): void {
  if (seen !== wanted) throw new Error(`${what}: ${seen} instead of ${wanted}`);
}

function header(vector: Vector): void {
  const [kid, ctr] = [BigInt(vector["kid"]!), BigInt(vector["ctr"]!)];
  same(hex(encodeHeader(kid, ctr)), vector["encoded"], `header of ${kid}, ${ctr}`);
  const read = decodeHeader(unhex(vector["encoded"]!));
  same(`${read?.kid},${read?.ctr},${read?.size}`, `${kid},${ctr},${vector["encoded"]!.length / 2}`, "header read");
}

async function suite(vector: Vector): Promise<void> {
  const used = vector["cipher_suite"] === "4" ? AES_128_GCM_SHA256_128 : AES_256_GCM_SHA512_128;
  const [kid, ctr] = [BigInt(vector["kid"]!), BigInt(vector["ctr"]!)];
  const [metadata, plain, sealed] = [unhex(vector["metadata"]!), unhex(vector["pt"]!), unhex(vector["ct"]!)];
  same(hex(label("key", kid, used)), vector["sframe_key_label"], "key label");
  same(hex(label("salt", kid, used)), vector["sframe_salt_label"], "salt label");
  const base = await importBase(unhex(vector["base_key"]!));
  const keys = await frameKeys(base, kid, "encrypt", used);
  same(hex(keys.salt), vector["sframe_salt"], "salt");
  same(hex(nonce(keys.salt, ctr)), vector["nonce"], "nonce");
  same(hex(concat(encodeHeader(kid, ctr), metadata)), vector["aad"], "aad");
  same(hex(await encrypt(keys, kid, ctr, metadata, plain)), vector["ct"], "sealed");
  const opened = await decrypt(await frameKeys(base, kid, "decrypt", used), decodeHeader(sealed)!, metadata, sealed);
  same(opened ? hex(opened) : "nothing", vector["pt"], "opened");
}

/** Runs both files; how many vectors there were. Throws at the first that is not met. */
export async function vectors(headers: string, suites: string): Promise<number> {
  const [one, two] = [(lossless(headers) as { header: Vector[] }).header, (lossless(suites) as { sframe: Vector[] }).sframe];
  one.forEach(header);
  for (const vector of two) await suite(vector);
  return one.length + two.length;
}
