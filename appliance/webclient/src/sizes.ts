// How large each picture stands on the screen, told to the relay so that nobody gets more than they can see.

import type { Surroundings } from "./signalling.ts";

export interface Size {
  width: number;
  height: number;
}

/** A grid that is being laid out changes many times at once; each is worth one word in this time. Milliseconds. */
const SETTLE_MS = 150;
/** A change of less than this part of a side is worth none: no layer is that near. */
const WORTH = 0.1;
/** Device pixels beyond two for each of the page's nobody sees on a face; some phones have four. */
const MAX_RATIO = 2;
const NOTHING: Size = { width: 0, height: 0 };

function same(one: Size, other: Size): boolean {
  if ((one.width === 0) !== (other.width === 0)) return false;
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= WORTH * Math.max(a, b);
  return near(one.width, other.width) && near(one.height, other.height);
}

/** Which size was told of which track. Knows no page: sizes in, `tell` out, soon after and once for many changes. */
export class Sizes {
  readonly #wanted = new Map<string, Size>();
  readonly #told = new Map<string, Size>();
  #due = false;

  constructor(
    private readonly tell: (track: string, size: Size) => void,
    private readonly later: Surroundings["later"],
  ) {}

  /** The size of a track's picture from now on. */
  set(track: string, size: Size): void {
    this.#wanted.set(track, size);
    if (this.#due) return;
    this.#due = true;
    this.later(() => this.#settle(), SETTLE_MS);
  }

  /** The track has ended, or begins anew: nothing was told of it. */
  forget(track: string): void {
    this.#wanted.delete(track);
    this.#told.delete(track);
  }

  /** Whoever was told may have missed it, for the line was away: everything is told once more. */
  again(): void {
    this.#told.clear();
    for (const [track, size] of [...this.#wanted]) this.set(track, size);
  }

  #settle(): void {
    this.#due = false;
    for (const [track, size] of this.#wanted) {
      const before = this.#told.get(track);
      if (before && same(before, size)) continue;
      this.#told.set(track, size);
      this.tell(track, size);
    }
  }
}

/** Watches elements: how large they are in device pixels, nothing while they are scrolled far away or the page is hidden. */
export class Watched {
  readonly #near = new WeakMap<Element, boolean>();
  readonly #resized = new ResizeObserver(() => this.changed());
  // Half a window around what is seen: a picture that is scrolled to is there already.
  readonly #seen = new IntersectionObserver((all) => this.#onSeen(all), { rootMargin: "50%" });

  /** `changed`: some size is another one. */
  constructor(private readonly changed: () => void) {
    document.addEventListener("visibilitychange", () => this.changed());
  }

  add(element: Element): void {
    this.#resized.observe(element);
    this.#seen.observe(element);
  }

  remove(element: Element): void {
    this.#resized.unobserve(element);
    this.#seen.unobserve(element);
  }

  size(element: Element): Size {
    if (document.visibilityState === "hidden" || this.#near.get(element) === false) return NOTHING;
    const ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
    const { width, height } = element.getBoundingClientRect();
    return { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  }

  #onSeen(all: readonly IntersectionObserverEntry[]): void {
    for (const one of all) this.#near.set(one.target, one.isIntersecting);
    this.changed();
  }
}
