// What the box says of hands, cards and concerns, read and compared. Pure; a page must not break over what it does not understand.

import type { Data } from "../protocol.ts";

export interface Hand {
  member: string;
  name: string;
}

export const CARDS = ["rules", "guidelines", "reminder", "redirect"] as const;
export type CardKind = (typeof CARDS)[number];

export interface ShownCard {
  id: string;
  kind: CardKind;
  at: string;
  /** The name of the only one who sees it, "" for all. */
  to: string;
  done: readonly string[];
  open: readonly string[];
}

export interface Concern {
  id: string;
  member: string;
  name: string;
  kind: string;
  at: string;
  text?: string;
}

function list(data: Data, name: string): Data[] {
  const all = data[name];
  return Array.isArray(all) ? all.filter((one): one is Data => typeof one === "object" && one !== null) : [];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : []);

export function handsOf(data: Data): Hand[] {
  return list(data, "queue").map((one) => ({ member: text(one["member"]), name: text(one["name"]) }));
}

export function cardsOf(data: Data): ShownCard[] {
  return list(data, "cards")
    .filter((one) => CARDS.includes(one["kind"] as CardKind))
    .map((one) => ({ id: text(one["id"]), kind: one["kind"] as CardKind, at: text(one["at"]), to: text(one["to"]), done: texts(one["done"]), open: texts(one["open"]) }));
}

export function concernsOf(data: Data): Concern[] {
  return list(data, "open").map((one) => ({ id: text(one["id"]), member: text(one["member"]), name: text(one["name"]), kind: text(one["kind"]), at: text(one["at"]), text: text(one["text"]) }));
}

/** The card whose reading is followed: the newest, where one for a single person stands back behind one for all that is still unread. */
export function followed(cards: readonly ShownCard[]): ShownCard | null {
  const newest = [...cards].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return newest.find((card) => card.to === "" && card.open.length > 0) ?? newest[0] ?? null;
}

/** Who is in `now` and not in `before`, by id. */
export function raised(before: readonly Concern[], now: readonly Concern[]): Concern[] {
  const had = new Set(before.map((one) => one.id));
  return now.filter((one) => !had.has(one.id));
}

/** Keys of how many have read a card. */
export type ReadWord = "cardReadAll" | "cardRead";

export function readWord(card: ShownCard): ReadWord {
  return card.open.length === 0 ? "cardReadAll" : "cardRead";
}
