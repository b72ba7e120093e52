// FORMAT.md section 9: requests, answers, and the steps of HQ's keys.

import { createHmac, timingSafeEqual } from "node:crypto";
import { Fault, need, sha256, type Given, hexLine, line } from "./bytes.ts";
import { base64, boxFacts, hqFacts, object, text, toldHq, type Fields, type Hq } from "./facts.ts";
import { keyId, verify } from "./seal.ts";

interface Message {
  body: Buffer;
  signature: Buffer;
  mac: Buffer;
  key: string;
}

function open(raw: Buffer, what: string, most: number, code: string): Message {
  need(raw.length <= most, code);
  const fields = object(raw, code);
  const part = (name: string): unknown => fields[name] ?? "";
  need(fields["what"] === what, code);
  need(fields["version"] === 1, "unsupported_version");
  return {
    body: base64(fields["body"], code),
    signature: base64(part("signature"), code),
    mac: base64(part("mac"), code),
    key: text(part("key"), code),
  };
}

function macked(code: string, label: string, message: Buffer, mac: Buffer): boolean {
  const secret = sha256(Buffer.from("hearth enrolment secret 1\0"), Buffer.from(code));
  const wanted = createHmac("sha256", secret).update(`${label}\0`).update(message).digest();
  return mac.length === wanted.length && timingSafeEqual(mac, wanted);
}

interface Request {
  box: string;
  serial: number;
  software: string;
  csr: Buffer;
  digest: string;
  message: Message;
}

function request(raw: Buffer): Request {
  const code = "malformed_enrolment";
  const message = open(raw, "hearth enrolment request", 16_384, code);
  const body = object(message.body, code);
  const box = boxFacts(body["box"] as Fields);
  const serial = body["serial"];
  const software = text(body["software"], code);
  need(typeof serial === "number" && Number.isSafeInteger(serial) && serial >= 0, code);
  need(/^[\0-\x7f]{0,32}$/.test(software) && /^[0-9a-f]{32}$/.test(text(body["nonce"], code)), code);
  need(/^([0-9a-f]{32})?$/.test(text(body["code"], code)), code);
  verify(box.verify_key, "hearth enrolment request signature 1", message.body, message.signature);
  const digest = sha256(raw).toString("hex");
  return { box: box.box, serial, software, csr: base64(body["csr"], code), digest, message };
}

function readRequest(given: Given, raw: Buffer): object {
  const { box, serial, software, csr, message } = request(raw);
  const signed = Buffer.concat([message.body, message.signature]);
  const code = line(given, "code");
  need(code === "" || macked(code, "hearth enrolment request mac 1", signed, message.mac), "code_wrong");
  return { box, serial: String(serial), software, csr: csr.toString("hex") };
}

/** The steps that a box which pinned `hq` takes, each proved by the one before. */
function walk(steps: unknown[], hq: Hq): Hq {
  for (const written of steps) {
    const step = object(base64(written, "not_hq"), "malformed_facts");
    const raw = base64(step["facts"], "malformed_facts");
    const signatures = step["signatures"] as { key: string; signature: string }[];
    need(Array.isArray(signatures) && signatures.length <= 8, "malformed_facts");
    const trusted = hq.pack_keys.length ? hq.pack_keys : hq.receipt_keys;
    const found = signatures
      .map((one) => ({ key: trusted.find((key) => keyId(key).toString("hex") === one.key), one }))
      .find(({ key }) => key !== undefined);
    if (!found?.key) throw new Fault("facts_other_key");
    verify(found.key, "hearth hq facts 1", raw, base64(found.one.signature, "malformed_facts"));
    const next = hqFacts(raw);
    if (next.serial <= hq.serial) continue;
    for (const name of ["record_keys", "receipt_keys", "pack_keys", "tls_certificates"] as const) {
      const known = hq[name].some((old) => next[name].some((one) => one.equals(old)));
      need(hq[name].length === 0 || known, "facts_unrelated");
    }
    hq = next;
  }
  return hq;
}

function readAnswer(given: Given, raw: Buffer): object {
  const asked = request(hexLine(given, "request"));
  const message = open(raw, "hearth enrolment answer", 131_072, "not_hq");
  const renewal = line(given, "of") === "renewal";
  if (!renewal) {
    need(macked(line(given, "code"), "hearth enrolment answer mac 1", message.body, message.mac), "answer_forged");
  }
  const body = object(message.body, "not_hq");
  need(body["request"] === asked.digest && body["box"] === asked.box, "answer_forged");
  const certificate = base64(body["certificate"], "not_hq").toString("hex");
  const name = text(body["name"], "not_hq");
  if (!renewal) return { certificate, name, facts: toldHq(hqFacts(base64(body["facts"], "not_hq"))) };
  const steps = (body["steps"] ?? []) as unknown[];
  need(Array.isArray(steps) && steps.length <= 4, "not_hq");
  const facts = walk(steps, hqFacts(hexLine(given, "pinned")));
  const signer = facts.receipt_keys.find((key) => keyId(key).toString("hex") === message.key);
  try {
    verify(signer ?? Buffer.alloc(0), "hearth enrolment answer signature 1", message.body, message.signature);
  } catch {
    throw new Fault("answer_forged");
  }
  return { certificate, name, facts: toldHq(facts) };
}

export const readEnrolment = (given: Given, raw: Buffer): object =>
  line(given, "of") === "request" ? readRequest(given, raw) : readAnswer(given, raw);
