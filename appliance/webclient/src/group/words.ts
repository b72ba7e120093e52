// The roster code as words: which words a code is, and where the list of them comes from. The list is fetched in the room only.

/** What somebody who tries keys until the words fit has to reach: 2^100 tries. Eight English words, ten Spanish ones. */
const ENOUGH_BITS = 100;

/** Sizes of the two lists: a list of another length is not the one that the others in the room have. */
const SIZES: Readonly<Record<string, number>> = { en: 7776, es: 2048 };

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
  const size = SIZES[language];
  if (size === undefined) throw new RangeError("no list for that language");
  const answer = await get(`/static/words-${language}.json`);
  const list: unknown = answer.ok ? await answer.json() : null;
  if (!Array.isArray(list) || list.length !== size || new Set(list).size !== size) throw new TypeError("not the list");
  return list as string[];
}
