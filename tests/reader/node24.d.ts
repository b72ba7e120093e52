// What Node 24 has and the types of Node 20, which the room is checked with, do not know yet.

import type { KeyObject } from "node:crypto";

declare module "node:crypto" {
  function decapsulate(key: KeyObject, ciphertext: Buffer): Buffer;
}

declare module "node:zlib" {
  function zstdDecompressSync(data: Buffer, options: { maxOutputLength: number }): Buffer;
}
