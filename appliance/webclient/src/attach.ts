// The one place where a track meets a peer connection. Whatever must stand between them (a transform that seals frames)
// is set here, through `onRtpSender` and `onRtpReceiver`, before the first frame can pass.

import type { types } from "mediasoup-client";
import type { Received } from "./protocol.ts";

/** Bit/s of a picture: a legible face at 640x360; twelve of them fit a small access point. */
export const PICTURE_BITRATE = 500_000;

/** Sends a track; resolves when the relay has it. The track stays the caller's: it is not stopped with the producer. */
export function attachUp(transport: types.Transport, track: MediaStreamTrack): Promise<types.Producer> {
  if (track.kind === "audio") {
    return transport.produce({ track, stopTracks: false, codecOptions: { opusDtx: true, opusFec: true, opusStereo: false } });
  }
  track.contentHint = "motion";
  return transport.produce({ track, stopTracks: false, encodings: [{ maxBitrate: PICTURE_BITRATE }] });
}

/**
 * Receives a track that the relay has prepared. Picture and sound of one person share a stream, which keeps lips and voice together.
 * `mid` must be new on this transport: left to itself mediasoup-client counts what is open, which repeats itself in a batch and after
 * a track has ended.
 */
export function attachDown(transport: types.Transport, offer: Received, mid: string): Promise<types.Consumer> {
  return transport.consume({
    id: offer.downTrack,
    producerId: offer.track,
    kind: offer.kind,
    rtpParameters: { ...offer.rtpParameters, mid },
    streamId: offer.member,
  });
}
