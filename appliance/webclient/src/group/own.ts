// One's own credential, from the box, looked at as critically as everybody else will.

import type { Ask } from "./course.ts";
import { type LeafCredential, MAX_IDENTITY, type Trust } from "./credential.ts";
import { toText } from "./bytes.ts";

export async function fetchCredential(ask: Ask, trust: Trust, key: Uint8Array, member: string, role: LeafCredential["role"]): Promise<Uint8Array> {
  const { credential } = await ask("groupCredential", { key: toText(key) });
  if (typeof credential !== "string" || credential.length > MAX_IDENTITY) throw new Error("the box gave no credential");
  const identity = new TextEncoder().encode(credential);
  const said = await trust.check({ credentialType: "basic", identity }, key);
  if (said?.member !== member || said.role !== role) throw new Error("the box gave a credential that does not hold");
  return identity;
}
