// Pure rules of the page: initials, grid, who came and went, what the line says.

import type { Held, SessionFacts } from "./protocol.ts";

/** Up to two letters for a tile without picture: "Rosa Marín" → "RM". */
export function initials(name: string): string {
  const parts = name.split(/\s+/u).map((part) => [...part].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "");
  const letters = parts.filter((letter) => letter !== "");
  const chosen = letters.length > 2 ? [letters[0], letters[letters.length - 1]] : letters;
  return chosen.join("").toLocaleUpperCase() || "·";
}

/** Columns of the grid on a wide screen; a narrow one has one or two (room.css). */
export function columns(tiles: number): number {
  return Math.max(1, Math.min(4, Math.ceil(Math.sqrt(tiles))));
}

export interface Change<T> {
  came: T[];
  went: T[];
}

/** Who is in `now` and not in `before`, and the other way round. */
export function change<T extends { member: string }>(before: readonly T[], now: readonly T[]): Change<T> {
  const had = new Set(before.map((one) => one.member));
  const has = new Set(now.map((one) => one.member));
  return { came: now.filter((one) => !had.has(one.member)), went: before.filter((one) => !has.has(one.member)) };
}

/** A time for reading: an RFC 3339 time as hours and minutes in the reader's way, anything else as it is. */
export function clock(since: string, lang: string): string {
  const at = /^\d{4}-\d\d-\d\dT/.test(since) ? new Date(since) : null;
  if (!at || Number.isNaN(at.getTime())) return since;
  return new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" }).format(at);
}

export interface LineFacts {
  /** never: no line yet. */
  socket: "never" | "up" | "down" | "replaced";
  /** Whether this page has picture and sound at all (the front desk's has none). */
  media: boolean;
  /** In the waiting room picture and sound are not expected yet. */
  inside: boolean;
  /** Whether the relay is there; null as long as the box has not said. */
  ready: boolean | null;
  held: Held;
  joined: boolean;
  session: SessionFacts | null;
}

/** Keys of sentences that the pages of the room carry. */
export type LineWord = "replaced" | "connecting" | "lineLost" | "sessionEnded" | "notOpen" | "connected" | "mediaAway" | "paused" | "onHold";

/** The key of the sentence that tells how the connection is. The first thing that is wrong wins. */
export function lineWord(facts: LineFacts): LineWord {
  if (facts.socket === "replaced") return "replaced";
  if (facts.socket === "never") return "connecting";
  if (facts.socket === "down") return "lineLost";
  if (facts.session?.state === "ended") return "sessionEnded";
  if (facts.session?.state === "scheduled") return "notOpen";
  if (!facts.media || !facts.inside) return "connected";
  if (facts.held !== "") return facts.held === "paused" ? "paused" : "onHold";
  if (facts.ready === false) return "mediaAway";
  return facts.joined ? "connected" : "connecting";
}

/** The same for who waits: their page tells by itself how far the hour is, and nothing is said twice. */
export function waitingLine(key: LineWord): LineWord | "" {
  return key === "notOpen" ? "" : key;
}
