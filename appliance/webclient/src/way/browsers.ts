// How old a browser is, from the name that it gives itself: pure. Whether it can seal at all is not asked here but tried
// (sealing/supported.ts): this table is about repairs of safety that an old one has not got (C76).

/** "aged": it can do all that is needed, but its makers have repaired it since. "unknown": nobody is stopped for a name. */
export type BrowserAge = "fresh" | "aged" | "unknown";

/**
 * The oldest version of each kind that we call fresh: those of the end of 2024. No clock is asked, since those of boxes and phones are
 * wrong by years; raise the numbers with a release. What sealing needs is older: Chromium 86, Firefox 117, Safari 15.4.
 */
const OLDEST = { chromium: 131, firefox: 128, safari: 17, samsung: 27 } as const;
type Kind = keyof typeof OLDEST;

/** The order matters: most call themselves Safari, and Edge, Opera and Samsung's call themselves Chrome. */
const SIGNS: readonly (readonly [Kind, RegExp])[] = [
  ["safari", /\((?:iPhone|iPad|iPod)[^)]*? OS (\d+)_/], // every browser there is Apple's engine, whatever its name
  ["samsung", /SamsungBrowser\/(\d+)/],
  ["firefox", /Firefox\/(\d+)/],
  ["chromium", /(?:Chrome|Chromium)\/(\d+)/],
  ["safari", /Version\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//],
];

export function browserAge(name: string): BrowserAge {
  for (const [kind, sign] of SIGNS) {
    const version = sign.exec(name)?.[1];
    if (version !== undefined) return Number(version) < OLDEST[kind] ? "aged" : "fresh";
  }
  return "unknown";
}
