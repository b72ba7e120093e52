// MLS messages as they travel: base64url of an MLSMessage (RFC 9420 section 6), of one expected kind, no longer than the box takes them.

import { decodeMlsMessage, encodeMlsMessage, type MlsMessageContent } from "ts-mls/message.js";
import { fromText, toText } from "./bytes.ts";

const KIB = 1024;
/** Bytes; the box refuses longer ones. */
export const LIMITS = {
  mls_key_package: 4 * KIB,
  mls_public_message: 32 * KIB,
  mls_welcome: 32 * KIB,
  mls_group_info: 32 * KIB,
  mls_private_message: 8 * KIB,
} as const;

type Kind = keyof typeof LIMITS;
type Of<K extends Kind> = Extract<MlsMessageContent, { wireformat: K }>;

export function pack(message: MlsMessageContent): string {
  return toText(encodeMlsMessage({ version: "mls10", ...message }));
}

/** null unless `text` is exactly one message of this kind. */
export function unpack<K extends Kind>(kind: K, text: unknown): Of<K> | null {
  const bytes = fromText(text, LIMITS[kind]);
  if (!bytes) return null;
  try {
    const read = decodeMlsMessage(bytes, 0);
    if (!read || read[1] !== bytes.length || read[0].version !== "mls10" || read[0].wireformat !== kind) return null;
    return read[0] as Of<K> & { version: "mls10" };
  } catch {
    return null;
  }
}
