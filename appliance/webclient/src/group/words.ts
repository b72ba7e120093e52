// The roster code as words: which words a code is, and where the list of them comes from. The list is fetched in the room only.

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "./bytes.ts";

/** What somebody who tries keys until the words fit has to reach: 2^100 tries. Eight English words, ten Spanish ones. */
const ENOUGH_BITS = 100;

/**
 * SHA-256 of each list, its words with a line feed between them. The list comes from the box: with words that look alike, or in another
 * order for one page, it could make two codes read the same.
 */
const DIGESTS: Readonly<Record<string, string>> = {
  en: "3fc6a21c6a5700ed52f5392e95acd1bdca49a7502187f7e702cb5692776f9a59",
  es: "7d7a9ec4381c5884201f97e8f76e5252da8e93996d2fe5dbed029c235fb9b098",
};

/** How many words of a list of that size are a code. */
export function wordsNeeded(size: number): number {
  return Math.ceil(ENOUGH_BITS / Math.log2(size));
}

/**
 * The words of a code: it is read as a big-endian integer n, and each word is list[n mod size], then n = n div size.
 * Throws a RangeError if code or list is too short for a code that is worth comparing.
 */
export function wordsOf(code: Uint8Array, list: readonly string[]): string[] {
  if (code.length < 32 || list.length < 2) throw new RangeError("too little for a code");
  const size = BigInt(list.length);
  let n = code.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return Array.from({ length: wordsNeeded(list.length) }, () => {
    const word = list[Number(n % size)]!;
    n /= size;
    return word;
  });
}

const lists = new Map<string, Promise<readonly string[]>>();

/** The list of that language, fetched once. Rejects if it cannot be had or is not the one that everybody has; the next call tries again. */
export function wordList(language: string, get: (path: string) => Promise<Response> = (path) => fetch(path)): Promise<readonly string[]> {
  const known = lists.get(language);
  if (known) return known;
  const coming = load(language, get);
  lists.set(language, coming);
  coming.catch(() => lists.delete(language));
  return coming;
}

async function load(language: string, get: (path: string) => Promise<Response>): Promise<readonly string[]> {
  const digest = DIGESTS[language];
  if (digest === undefined) throw new RangeError("no list for that language");
  const answer = await get(`/static/words-${language}.json`);
  const list: unknown = answer.ok ? await answer.json() : null;
  if (!Array.isArray(list) || toHex(sha256(new TextEncoder().encode(list.join("\n")))) !== digest) throw new TypeError("not the list");
  return list as string[];
}
