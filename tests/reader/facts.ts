// FORMAT.md section 7: public facts as JSON.

import { Fault, need, sha256, type Given, line } from "./bytes.ts";

const MALFORMED = "malformed_facts";
export type Fields = Record<string, unknown>;

export interface Hq {
  url: string;
  serial: number;
  record_keys: Buffer[];
  receipt_keys: Buffer[];
  pack_keys: Buffer[];
  tls_certificates: Buffer[];
}

/** A JSON object in UTF-8, or the fault `code`. */
export function object(raw: Buffer, code: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw));
  } catch {
    throw new Fault(code);
  }
  need(typeof value === "object" && value !== null && !Array.isArray(value), code);
  return value as Fields;
}

export function text(value: unknown, code: string): string {
  need(typeof value === "string", code);
  return value;
}

/** RFC 4648 section 4, padded. */
export function base64(value: unknown, code: string): Buffer {
  const written = text(value, code);
  need(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(written), code);
  return Buffer.from(written, "base64");
}

function list(value: unknown, least: number): Buffer[] {
  need(Array.isArray(value) && value.length >= least && value.length <= 4, MALFORMED);
  return value.map((one) => base64(one, MALFORMED));
}

function usable(url: string): boolean {
  return /^https:\/\/(\[[0-9a-fA-F:.]+\]|[^/?#@:[\]]+)(:[1-9][0-9]*)?\/?$/.test(url);
}

export function hqFacts(raw: Buffer): Hq {
  need(raw.length <= 65_536, MALFORMED);
  const fields = object(raw, MALFORMED);
  need(fields["version"] === 1 || fields["version"] === 2, "unsupported_version");
  const first = fields["version"] === 1;
  const serial = first ? 1 : fields["serial"];
  const one = (name: string): Buffer[] => [base64(fields[name], MALFORMED)];
  need(typeof serial === "number" && Number.isSafeInteger(serial) && serial >= 1, MALFORMED);
  const found = {
    url: text(fields["url"], MALFORMED),
    serial,
    record_keys: first ? one("record_key") : list(fields["record_keys"], 1),
    receipt_keys: first ? one("receipt_key") : list(fields["receipt_keys"], 1),
    pack_keys: first ? [] : list(fields["pack_keys"], 0),
    tls_certificates: first ? one("tls_certificate") : list(fields["tls_certificates"], 1),
  };
  need(usable(found.url) && found.record_keys.every((key) => key.length === 1216), MALFORMED);
  need([...found.receipt_keys, ...found.pack_keys].every((key) => key.length === 32), MALFORMED);
  need(found.tls_certificates.every((certificate) => certificate.length > 0), MALFORMED);
  return found;
}

export function boxFacts(fields: Fields): { box: string; verify_key: Buffer; inbox_key: Buffer } {
  need(fields["version"] === 1 || fields["version"] === 2, "unsupported_version");
  const box = text(fields["box"], MALFORMED);
  const verify_key = base64(fields["verify_key"], MALFORMED);
  const inbox_key = fields["version"] === 1 ? Buffer.alloc(0) : base64(fields["inbox_key"], MALFORMED);
  need(/^[0-9a-f]{32}$/.test(box) && verify_key.length === 32, MALFORMED);
  need(inbox_key.length === 0 || inbox_key.length === 1216, MALFORMED);
  return { box, verify_key, inbox_key };
}

const hashes = (values: Buffer[]): string[] => values.map((one) => sha256(one).toString("hex"));

export const toldHq = (facts: Hq): object => ({
  url: facts.url,
  serial: String(facts.serial),
  record_keys: hashes(facts.record_keys),
  receipt_keys: hashes(facts.receipt_keys),
  pack_keys: hashes(facts.pack_keys),
  tls_certificates: hashes(facts.tls_certificates),
});

export function readFacts(given: Given, raw: Buffer): object {
  if (line(given, "of") === "hq") return toldHq(hqFacts(raw));
  need(raw.length <= 65_536, MALFORMED);
  const { box, verify_key, inbox_key } = boxFacts(object(raw, MALFORMED));
  const inbox = inbox_key.length ? sha256(inbox_key).toString("hex") : "";
  return { box, verify_key: verify_key.toString("hex"), inbox_key: inbox };
}
