// Two people in one page, for tests with real browsers: Alice sends, Bob receives, two peer connections, two sealers. No relay.

import { SETTINGS } from "../../src/attach.ts";
import type { EpochKeys } from "../../src/group/types.ts";
import type { Kind } from "../../src/protocol.ts";
import { Sealer, type StreamState } from "../../src/sealing/sealer.ts";
import type { Mischief } from "./worker.ts";

const KINDS = ["audio", "video"] as const;
/** As in a room: no RTX. */
const CODECS = ["audio/opus", "video/VP8"];
const LEAVES = new Map([["alice", 0], ["bob", 1], ["carol", 2]]);

interface Side {
  sealer: Sealer;
  worker: Worker;
  failed: string[];
  states: Record<string, StreamState>;
}

function side(url?: string): Side {
  const made = { failed: [] as string[], states: {} } as unknown as Side;
  const listener = {
    failed: (why: string) => made.failed.push(why),
    streams: (states: ReadonlyMap<string, StreamState>) => (made.states = Object.fromEntries(states)),
  };
  made.sealer = new Sealer(listener, () => (made.worker = new Worker(url ?? "/static/room/sealing.js")));
  return made;
}

/** Keys of an epoch that all in `LEAVES` have; the same number gives the same key. */
export function keys(epoch: number, member: string, secret = epoch): EpochKeys {
  return { epoch: BigInt(epoch), leaf: LEAVES.get(member)!, baseKey: new Uint8Array(16).fill(secret + 1), leaves: LEAVES };
}

interface Options {
  /** Whose stream Bob takes Alice's for. */
  as?: string;
  /** Alice's Worker. */
  worker?: string;
  mischief?: Mischief;
  /** Alice's senders get no transform until protect() is called. */
  late?: boolean;
}

export class Pair {
  readonly alice: Side;
  readonly bob: Side;
  readonly up = new RTCPeerConnection(SETTINGS);
  readonly down = new RTCPeerConnection(SETTINGS);
  media: MediaStream | null = null;

  constructor(private readonly options: Options = {}) {
    this.alice = side(options.worker);
    this.bob = side();
    if (options.mischief) this.mischief(options.mischief);
    this.up.onicecandidate = ({ candidate }) => void this.down.addIceCandidate(candidate ?? undefined);
    this.down.onicecandidate = ({ candidate }) => void this.up.addIceCandidate(candidate ?? undefined);
  }

  async connect(): Promise<void> {
    this.media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360, frameRate: 20 } });
    for (const kind of KINDS) {
      const made = this.up.addTransceiver(this.track(kind), { direction: "sendonly", streams: [this.media] });
      made.setCodecPreferences(RTCRtpSender.getCapabilities(kind)!.codecs.filter(({ mimeType }) => CODECS.includes(mimeType)));
      const { sender } = made;
      if (!this.options.late) this.alice.sealer.protectSender(sender, kind);
    }
    await this.up.setLocalDescription();
    await this.down.setRemoteDescription(this.up.localDescription!);
    for (const { receiver } of this.down.getTransceivers()) {
      const kind = receiver.track.kind as Kind;
      this.bob.sealer.protectReceiver(receiver, kind, this.options.as ?? "alice", kind);
      const element = document.createElement(kind);
      element.autoplay = true;
      element.srcObject = new MediaStream([receiver.track]);
      document.body.append(element);
    }
    await this.down.setLocalDescription();
    // As in a room: no sound where nobody speaks.
    const answer = this.down.localDescription!.sdp.replace("useinbandfec=1", "useinbandfec=1;usedtx=1");
    await this.up.setRemoteDescription({ type: "answer", sdp: answer });
  }

  track(kind: Kind): MediaStreamTrack {
    return this.media!.getTracks().find((track) => track.kind === kind)!;
  }

  sender(kind: Kind): RTCRtpSender {
    return this.up.getTransceivers()[KINDS.indexOf(kind)]!.sender;
  }

  protect(): void {
    for (const kind of KINDS) this.alice.sealer.protectSender(this.sender(kind), kind);
  }

  /** Both are in an epoch. */
  keys(epoch: number): void {
    this.alice.sealer.setKeys(keys(epoch, "alice"));
    this.bob.sealer.setKeys({ ...keys(epoch, "bob"), baseKey: new Uint8Array(16).fill(epoch + 1).map((byte) => byte) });
  }

  mischief(mischief: Mischief): void {
    this.alice.worker.postMessage({ type: "mischief", mischief });
  }

  /** What Bob's decoders have made so far, and what came over the wire. */
  async received(): Promise<Record<string, number>> {
    const seen = { frames: 0, energy: 0, audioPackets: 0, videoPackets: 0, samples: 0, concealed: 0 };
    (await this.down.getStats()).forEach((one) => {
      if (one.type !== "inbound-rtp") return;
      if (one.kind === "video") {
        seen.frames += one.framesDecoded ?? 0;
        seen.videoPackets += one.packetsReceived ?? 0;
      } else {
        seen.energy += one.totalAudioEnergy ?? 0;
        seen.audioPackets += one.packetsReceived ?? 0;
        seen.samples += one.totalSamplesReceived ?? 0;
        seen.concealed += one.silentConcealedSamples ?? 0;
      }
    });
    return seen;
  }

  /** Bytes that Alice's senders have sent, less headers and padding. */
  async payloads(): Promise<number[]> {
    const all = [...(await this.up.getStats()).values()];
    return all.filter(({ type }) => type === "outbound-rtp").map(({ bytesSent }) => bytesSent);
  }

  close(): void {
    for (const one of [this.alice, this.bob]) one.sealer.close();
    this.up.close();
    this.down.close();
    this.media?.getTracks().forEach((track) => track.stop());
  }
}

/** The Worker's counts. */
export function pinged(worker: Worker): Promise<{ sealed: Map<number, object>; opened: Map<number, object> }> {
  const number = -Math.floor(Math.random() * 1e9) - 1;
  return new Promise((resolve) => {
    const hear = ({ data }: MessageEvent): void => {
      if (data.number !== number) return;
      worker.removeEventListener("message", hear);
      resolve(data);
    };
    worker.addEventListener("message", hear);
    worker.postMessage({ type: "ping", number });
  });
}

/** What a Worker says of the published vectors. */
async function vectorsInWorker(): Promise<unknown> {
  const text = async (name: string): Promise<string> => (await fetch(`/vectors/${name}.json`)).text();
  const worker = new Worker("/probe/worker.js");
  const answer = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  worker.postMessage({ type: "vectors", headers: await text("headers"), suites: await text("suites") });
  return answer;
}

Object.assign(globalThis, { Pair, keys, pinged, side, vectorsInWorker });
