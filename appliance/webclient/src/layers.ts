// The layers of the own picture (simulcast): how many for which camera, and which of them are sent just now. The relay picks one
// for each receiver; it cannot make a picture smaller itself, since it cannot look into one.

/** The lowest first, as the relay wants them; each twice as wide as the one before. Bit/s: a face in a thumbnail, at 640, at 1280. */
const LAYERS = [
  { maxBitrate: 150_000, scaleResolutionDownBy: 4 },
  { maxBitrate: 500_000, scaleResolutionDownBy: 2 },
  { maxBitrate: 1_200_000, scaleResolutionDownBy: 1 },
] as const;

/** A picture that is too small for layers: 320 by 240 and less. */
const ALONE = { maxBitrate: 250_000, scaleResolutionDownBy: 1 };

/** The longer side from which on one more layer is worth it, in pixels: the lowest then has 240 at least, as Chromium wants it too. */
const WORTH = [480, 960] as const;

/** How many layers a picture of that size gets. One whose size the browser does not tell gets two: old cameras make 640 by 480. */
export function layersFor({ width, height }: { width?: number | undefined; height?: number | undefined }): number {
  const longer = Math.max(width ?? 0, height ?? 0); // a phone held upright turns them round
  return longer === 0 ? 2 : 1 + WORTH.filter((least) => longer >= least).length;
}

/**
 * What a sender with that many layers is made with. One temporal layer: three would be 1.3 times the bits for the same picture, and
 * the relay drops none.
 */
export function encodingsFor(layers: number): RTCRtpEncodingParameters[] {
  const base = layers === 1 ? [ALONE] : LAYERS.slice(0, layers).map((one, place) => ({ ...one, scaleResolutionDownBy: 2 ** (layers - 1 - place) }));
  return base.map((one) => ({ ...one, scalabilityMode: "L1T1" }));
}

/** Sends the lowest so many layers from now on and lets the others rest; a browser that will not goes on with what it sends. */
export async function sendLayers(sender: RTCRtpSender, layers: number): Promise<void> {
  const parameters = sender.getParameters();
  const wanted = parameters.encodings.map((_, place) => place < layers);
  if (parameters.encodings.every((one, place) => (one.active ?? true) === wanted[place])) return;
  parameters.encodings.forEach((one, place) => (one.active = wanted[place]!));
  await sender.setParameters(parameters).catch(() => undefined); // its peer connection has ended, or it is being changed
}
