// Whether this browser can seal at all. A file of its own, since the first pages ask too and need nothing else of the sealing.

/** How this browser lets a Worker stand between encoder and network; null: not at all, and then there is no room for it. */
export function supported(): "script" | "streams" | null {
  if (typeof Worker === "undefined" || !globalThis.crypto?.subtle) return null;
  if ("RTCRtpScriptTransform" in globalThis) return "script";
  return typeof RTCRtpSender !== "undefined" && "createEncodedStreams" in RTCRtpSender.prototype ? "streams" : null;
}

/** This browser lets nothing be sealed, or the sealer has ended: nothing is sent and nothing received. */
export class CannotSeal extends Error {}
