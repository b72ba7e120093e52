// Credentials of leaves: who somebody is in one session, signed by the box. The box alone vouches; every browser checks by itself.

import type { Credential } from "ts-mls/credential.js";
import { fromText, toText } from "./bytes.ts";
import type { Suite } from "./suite.ts";

export interface LeafCredential {
  session: string;
  member: string;
  role: "facilitator" | "participant";
  name: string;
  language: string;
  /** base64url of the leaf's Ed25519 signature key. */
  key: string;
}

const LABEL = "hearth leaf credential 1\n";
/** Bytes; a name may have 200 letters of 4 bytes each, and travels as base64. */
export const MAX_IDENTITY = 4096;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Checked credentials that are remembered: twice what a full tree can hold. */
const MAX_REMEMBERED = 128;

const short = (value: unknown, most: number): value is string => typeof value === "string" && value !== "" && value.length <= most;

function parsePayload(bytes: Uint8Array): LeafCredential | null {
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { v, session, member, role, name, language, key } = value;
  if (v !== 1 || !short(session, 128) || !short(member, 128) || !short(name, 200) || !short(language, 8)) return null;
  if ((role !== "facilitator" && role !== "participant") || fromText(key, KEY_BYTES)?.length !== KEY_BYTES) return null;
  return { session, member, role, name, language, key: key as string };
}

/** Says which credentials hold in one session; faults of form and forged ones are all one answer: null. */
export class Trust {
  readonly #remembered = new Map<string, LeafCredential>();

  constructor(
    readonly session: string,
    private readonly credentialKey: Uint8Array,
    readonly suite: Suite,
  ) {}

  /** What a leaf's credential says, if the box signed it for this session and for this signature key. */
  async check(credential: Credential, signatureKey: Uint8Array): Promise<LeafCredential | null> {
    if (credential.credentialType !== "basic" || credential.identity.length > MAX_IDENTITY) return null;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(credential.identity);
    const known = this.#remembered.get(text) ?? (await this.#read(text));
    return known?.key === toText(signatureKey) ? known : null;
  }

  async #read(text: string): Promise<LeafCredential | null> {
    const [payload, signature, ...more] = text.split(".");
    const bytes = fromText(payload, MAX_IDENTITY);
    const signed = fromText(signature, SIGNATURE_BYTES);
    if (!bytes || signed?.length !== SIGNATURE_BYTES || more.length > 0) return null;
    if (!(await this.suite.signature.verify(this.credentialKey, new TextEncoder().encode(LABEL + payload), signed))) return null;
    const read = parsePayload(bytes);
    if (read?.session !== this.session) return null;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(text, read);
    return read;
  }
}

/** What is asked of a Trust. */
export type Trusting = Pick<Trust, "suite" | "check">;
