// What people of the room say to each other under the group's keys, besides the lines of the chat. A text that is no JSON of a known kind
// is a line of the chat. What comes was written by somebody else's page: all of it is checked, cut, and shown as text only.

import { MAX_TEXT, shortened } from "./chat.ts";

/** Reactions that a page can show. */
export const REACTIONS = ["heart", "thanks", "with"] as const;
export type Reaction = (typeof REACTIONS)[number];

export type Said =
  | { t: "chat"; text: string }
  | { t: "react"; what: Reaction }
  | { t: "pass" } // this person does not want to speak this time
  | { t: "whisper"; sealed: Record<string, string>; id: string } // by leaf: only who is meant can open theirs
  | { t: "heard"; id: string } // a whisper was opened
  | { t: "on" }; // nothing: takes the sender's keys a step further on everybody's page

/** Who said it: of the key's holder, whom the sender cannot choose. */
export interface From {
  member: string;
  name: string;
  facilitator: boolean;
  you: boolean;
}

/** Whispers go to who leads: two, and a few more who may. */
export const MAX_LEAVES = 16;
/** Characters of one sealed text in base64url: 2,000 bytes of text at the most, with key and tag. */
const MAX_SEALED = 2800;
const ID = /^[0-9a-f]{32}$/;
const LEAF = /^(0|[1-9]\d{0,4})$/;
const SEALED = /^[A-Za-z0-9_-]+$/;

export function newId(random: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)): string {
  return Array.from(random(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** As it goes into a message. A line of the chat stays as it was written, unless it could be taken for something else. */
export function written(said: Said): string {
  return said.t === "chat" && !said.text.trimStart().startsWith("{") ? said.text : JSON.stringify(said);
}

/** What a message says. Never throws; nothing of it is longer or more than our own page could have sent. */
export function read(text: string): Said {
  return known(text) ?? { t: "chat", text: shortened(text) };
}

function known(text: string): Said | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    return checked(JSON.parse(text));
  } catch {
    return null; // somebody has written a brace
  }
}

function checked(value: unknown): Said | null {
  if (typeof value !== "object" || value === null) return null;
  const { t, text, what, id, sealed } = value as Record<string, unknown>;
  if (t === "chat") return typeof text === "string" ? { t, text: shortened(text) } : null;
  if (t === "react") return REACTIONS.includes(what as Reaction) ? { t, what: what as Reaction } : null;
  if (t === "pass" || t === "on") return { t };
  if (typeof id !== "string" || !ID.test(id)) return null;
  if (t === "heard") return { t, id };
  return t === "whisper" && isSealed(sealed) ? { t, id, sealed: Object.fromEntries(Object.entries(sealed)) } : null;
}

function isSealed(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const all = Object.entries(value);
  return all.length > 0 && all.length <= MAX_LEAVES && all.every(([leaf, one]) => LEAF.test(leaf) && typeof one === "string" && one.length <= MAX_SEALED && SEALED.test(one));
}

/** A text as it may be whispered or shown: one of the chat's length. */
export const fitting = (text: string): string => text.trim().slice(0, MAX_TEXT);
