// The one place where a track meets a peer connection. The transform that seals or opens frames stands between them before the
// first frame can pass: mediasoup-client calls `onRtpSender` in the task of addTransceiver and before createOffer, `onRtpReceiver`
// before createAnswer, and without a description no browser sends or receives.

import type { types } from "mediasoup-client";
import { encodingsFor, layersFor } from "./layers.ts";
import type { Kind, Received } from "./protocol.ts";
import type { Sealer } from "./sealing/sealer.ts";

/**
 * For each peer connection. In Chromium frames wait for a transform and never go without; Firefox and Safari do not know it, there
 * the order of calls alone counts. The same name for the browser, which lacks it in its types.
 */
export const SETTINGS = { encodedInsertableStreams: true } as Partial<RTCConfiguration>;

/** Sends a track; resolves when the relay has it. The track stays the caller's: it is not stopped with the producer. */
export async function attachUp(transport: types.Transport, track: MediaStreamTrack, sealer: Sealer): Promise<types.Producer> {
  let sender: RTCRtpSender | null = null;
  const onRtpSender = (made: RTCRtpSender): void => sealer.protectSender((sender = made), track.kind as Kind);
  try {
    return await transport.produce({ track, stopTracks: false, onRtpSender, ...options(track) });
  } catch (problem) {
    if (sender) sealer.forgetSender(sender);
    throw problem;
  }
}

function options(track: MediaStreamTrack): types.ProducerOptions {
  if (track.kind === "audio") return { codecOptions: { opusDtx: true, opusFec: true, opusStereo: false } };
  // On a slow device or line the picture gets smaller, not slower: lips and hands are to be followed. What this means is each browser's
  // own choice (Chromium: maintain-framerate); Firefox knows no hint and does the same by itself.
  track.contentHint = "motion";
  return { encodings: encodingsFor(layersFor(track.getSettings())) };
}

/**
 * Receives a track that the relay has prepared. Picture and sound of one person share a stream, which keeps lips and voice together.
 * `mid` must be new on this transport: left to itself mediasoup-client counts what is open, which repeats itself in a batch and after
 * a track has ended. The track opens frames of `offer.member` alone.
 */
export function attachDown(transport: types.Transport, offer: Received, mid: string, sealer: Sealer): Promise<types.Consumer> {
  return transport.consume({
    id: offer.downTrack,
    producerId: offer.track,
    kind: offer.kind,
    rtpParameters: { ...offer.rtpParameters, mid },
    streamId: offer.member,
    onRtpReceiver: (receiver) => sealer.protectReceiver(receiver, offer.kind, offer.member, offer.track),
  });
}
