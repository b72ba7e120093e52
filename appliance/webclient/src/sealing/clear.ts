// What of a frame stays readable: the bytes that packetisers and depacketisers of VP8 look at. Protected all the same.

import type { Kind } from "../protocol.ts";

/** Frame tag, start code, width and height of a key frame (RFC 6386 section 9.1). */
export const KEY_CLEAR = 10;
/** The first byte of a delta frame's tag. */
export const DELTA_CLEAR = 1;

/** P, the lowest bit of a VP8 frame, is 0 in a key frame (RFC 7741 section 4.3). The browser's own word is not needed for it. */
export function isKey(frame: Uint8Array): boolean {
  return frame.length > 0 && (frame[0]! & 1) === 0;
}

/** How many bytes stay clear; null if the frame is too short to have them and something to seal. Sound stays clear nowhere. */
export function clearBytes(kind: Kind, frame: Uint8Array): number | null {
  const clear = kind === "audio" ? 0 : isKey(frame) ? KEY_CLEAR : DELTA_CLEAR;
  return frame.length > clear ? clear : null;
}
