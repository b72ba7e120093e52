// The messages of media/PROTOCOL.md and the box's own events, as far as this client reads them.

import type { types } from "mediasoup-client";

export type Kind = "audio" | "video";
export type Data = Record<string, unknown>;

/** A track that somebody else sends. */
export interface RemoteTrack {
  track: string;
  member: string;
  kind: Kind;
  paused: boolean;
}

/** Why the relay sends no picture on a track for now: as many as one may have, no room on this line, or none in the box. */
export type Rest = "lastN" | "line" | "capacity";

export interface Joined {
  rtpCapabilities: types.RtpCapabilities;
  tracks: RemoteTrack[];
}

/** What still stands of a page whose line was away. */
export interface Resynced {
  transports: string[];
  ownTracks: string[];
  downTracks: { downTrack: string; track: string; paused: Rest | null }[];
  tracks: RemoteTrack[];
}

export interface NewTransport {
  transport: string;
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
}

export interface Received extends RemoteTrack {
  downTrack: string;
  rtpParameters: types.RtpParameters;
}

export type Standing = "joining" | "waiting" | "admitted" | "denied" | "removed" | "ended";

/** Somebody in the room. `name` is the display name. */
export interface RosterMember {
  member: string;
  name: string;
  facilitator: boolean;
  you: boolean;
  connected?: boolean;
  /** To staff only: a device other than the ticket's has shown code and PIN. */
  otherDevice?: boolean;
  /** On hold: stays in the room and is neither seen nor heard. */
  held?: boolean;
  /** In a private word: back in a moment. */
  aside?: boolean;
  /** To staff only: somebody should look after them. */
  flagged?: boolean;
}

/** Somebody in the waiting room, as staff see them. `name` is the record's name. */
export interface WaitingMember {
  member: string;
  name: string;
  displayName: string;
  since: string;
  vouched: boolean;
  connected: boolean;
  otherDevice?: boolean;
  /** The record's check phrase, "" if none; whether it was asked for, what they typed, and whether that is the same. */
  phrase?: string;
  phraseAsked?: boolean;
  phraseGiven?: string;
  phraseFits?: boolean;
  /** What they were told last. */
  message?: { text: string; at: string } | null;
}

/** Somebody with an invitation who is neither waiting nor inside. */
export interface ExpectedMember {
  member: string;
  name: string;
  standing: string;
  ticket: string;
  otherDevice?: boolean;
  /** Removed for good, until somebody lets them come back. */
  blocked?: boolean;
}

export type Phase = "scheduled" | "open" | "rules" | "running" | "paused" | "ended";

export interface SessionFacts {
  state: "scheduled" | "open" | "ended";
  locked: boolean;
  phase?: Phase;
  /** Who leads now; `here`: their page is open. */
  leader?: { member: string; name: string; here: boolean } | null;
  /** The lock came by itself, since everybody was in. */
  byItself?: boolean;
}

/** Why picture and sound are held back: the session is paused, or this person is on hold. */
export type Held = "" | "paused" | "held";

/** The list of an event, or an empty one: a page must not break over a message it does not understand. */
export function members<T>(data: Data): T[] {
  return Array.isArray(data["members"]) ? (data["members"] as T[]) : [];
}
