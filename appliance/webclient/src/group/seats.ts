// Who held which key in the group, kept for this tab alone: in a private room the leader's page lets in that very key and no other.

import type { Holder } from "./types.ts";

const nameOf = (session: string): string => `hearth.seats.${session}`;

export function keepSeats(storage: Storage, session: string, holders: readonly Holder[]): void {
  const keys = holders.filter((one) => one.role === "participant").map((one) => [one.member, one.key]);
  try {
    storage.setItem(nameOf(session), JSON.stringify(keys));
  } catch {
    // A browser that keeps nothing: then a tap lets them in.
  }
}

/** The key of that member's leaf when it was last seen, or null. */
export function seatKey(storage: Storage, session: string, member: string): string | null {
  try {
    const keys: unknown = JSON.parse(storage.getItem(nameOf(session)) ?? "[]");
    const found: unknown = Array.isArray(keys) ? keys.find((one: unknown) => Array.isArray(one) && one[0] === member) : null;
    return Array.isArray(found) && typeof found[1] === "string" ? found[1] : null;
  } catch {
    return null; // garbage, or a browser that keeps nothing
  }
}

export function forgetSeats(storage: Storage, session: string): void {
  try {
    storage.removeItem(nameOf(session));
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}
