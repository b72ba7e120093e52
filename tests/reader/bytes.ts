// Bytes in order, the fault that names its class, and vector files.

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";

export class Fault extends Error {}

export function need(condition: boolean, code: string): asserts condition {
  if (!condition) throw new Fault(code);
}

export const sha256 = (...parts: Buffer[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Short bytes in hex, long ones by their digest. */
export const shown = (data: Buffer): string =>
  data.length <= 2100 ? data.toString("hex") : "sha256:" + sha256(data).toString("hex");

/** Takes bytes from the front; `code` is the fault when there are too few. */
export class Bytes {
  at = 0;
  data: Buffer;
  code: string;

  constructor(data: Buffer, code: string) {
    this.data = data;
    this.code = code;
  }

  get left(): number {
    return this.data.length - this.at;
  }

  take(count: number): Buffer {
    need(count <= this.left, this.code);
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  u8 = (): number => this.take(1).readUInt8();
  u16 = (): number => this.take(2).readUInt16BE();
  u32 = (): number => this.take(4).readUInt32BE();
  u64 = (): bigint => this.take(8).readBigUInt64BE();
}

export type Given = Record<string, string>;

/** The lines of a vector file and its bytes. */
export function readVector(path: string): { given: Given; raw: Buffer } {
  const file = readFileSync(path);
  const end = file.indexOf("\n\n");
  const given: Given = {};
  for (const line of file.subarray(0, end).toString("latin1").split("\n")) {
    const colon = line.indexOf(": ");
    given[line.slice(0, colon)] = line.slice(colon + 2);
  }
  const zeros = Buffer.alloc(Number(given["zeros"] ?? "0"));
  return { given, raw: Buffer.concat([file.subarray(end + 2), zeros]) };
}

/** A line that the vector must have. */
export function line(given: Given, name: string): string {
  const value = given[name];
  if (value === undefined) throw new Error(`the vector has no line ${name}`);
  return value;
}

export const hexLine = (given: Given, name: string): Buffer => Buffer.from(line(given, name), "hex");
