// Picture and sound of one page: joins the room in the relay, sends the own tracks, receives the others', starts anew when told.

import { Device, type types } from "mediasoup-client";
import { attachDown, attachUp, SETTINGS } from "./attach.ts";
import { layersFor, sendLayers } from "./layers.ts";
import type { Data, Joined, Kind, NewTransport, Received, RemoteTrack, Rest, Resynced } from "./protocol.ts";
import { Path } from "./recovery.ts";
import { Sealer, type StreamState } from "./sealing/sealer.ts";
import { CannotSeal } from "./sealing/supported.ts";
import { BROWSER, RequestFault } from "./signalling.ts";
import type { Size } from "./sizes.ts";

/** Where the tracks of others are shown. */
export interface Stage {
  add(track: RemoteTrack, media: MediaStreamTrack): void;
  pause(track: string, paused: boolean): void;
  /** The relay sends no picture on the track now, for that reason; null: it does again. */
  rest(track: string, reason: Rest | null): void;
  /** Who speaks, the loudest first, and who is to be shown as the one who does. */
  speakers(speakers: readonly string[], active: string | null): void;
  remove(track: string): void;
  /** The line was away: how large each picture stands has to be told once more. */
  sizesAgain(): void;
  /** Whether what comes for the track is opened, or why not. */
  seal(track: string, state: StreamState): void;
}

export interface RoomListener {
  joined(yes: boolean): void;
  /** The path to the relay broke: a fresh join is wanted. */
  broken(): void;
  /** The box does not answer: another line is wanted. */
  lineDead(): void;
}

type Ask = (method: string, data: object) => Promise<Data>;

/** Tracks that may come or go during one join: twice a room of sixteen with picture and sound. */
const MAX_EARLY = 64;

/** Own tracks of which the relay may tell how many layers are wanted before this page knows them. */
const MAX_WISHES = 8;

/** Codes of a track that cannot be had, while all else goes on without it. */
const WITHOUT = new Set(["unknown_track", "limit", "not_permitted", "unsupported_codec"]);

/** Thrown inside a join that a newer one has overtaken. */
class Overtaken extends Error {}

/** All that one join made; the next join throws it away as a whole. */
interface Attempt {
  number: number;
  send: types.Transport;
  receive: types.Transport;
  paths: Path[];
  producers: Map<Kind, types.Producer>;
  consumers: Map<string, types.Consumer>;
  known: Set<string>;
  mids: number;
  /** Consumers whose packets the relay was asked to let flow. */
  flowing: Set<types.Consumer>;
}

/** Whether all that was begun was brought to its end: then a quiet path is all that there is to mend. */
function complete(attempt: Attempt): boolean {
  return [attempt.send, attempt.receive].every((one) => !one.closed) && [...attempt.consumers.values()].every((one) => attempt.flowing.has(one));
}

/** Whether the relay still has all that this page has, and nothing of it more. */
function stands(attempt: Attempt, still: Resynced): boolean {
  const own = [...attempt.producers.values()].map((producer) => producer.id);
  const down = new Set(still.downTracks.map((one) => one.downTrack));
  const there = new Set(still.tracks.map((one) => one.track));
  const consumers = [...attempt.consumers].filter(([track]) => there.has(track));
  return (
    [attempt.send.id, attempt.receive.id].every((id) => still.transports.includes(id)) &&
    own.length === still.ownTracks.length &&
    own.every((id) => still.ownTracks.includes(id)) &&
    consumers.every(([, consumer]) => down.has(consumer.id))
  );
}

export class Room {
  #device: Device | null = null;
  #attempt: Attempt | null = null;
  #transports = new Map<types.Transport, Path>();
  #number = 0;
  #own = new Map<Kind, MediaStreamTrack>();
  #sending: Promise<void> = Promise.resolve();
  #moved = false;
  #wishes = new Map<string, number>(); // by own track: how many of its layers anybody needs
  // What the relay tells while a join is on its way: the join's own list may be older or newer than these.
  #early: RemoteTrack[] = [];
  #gone = new Set<string>();

  constructor(
    private readonly ask: Ask,
    private readonly stage: Stage,
    private readonly listener: RoomListener,
    private sealer: Sealer,
  ) {}

  /**
   * Joins afresh; earlier transports are gone on both sides. Rejects if the relay or the line fails on the way, with CannotSeal
   * before the relay hears of it.
   */
  async join(): Promise<void> {
    const number = ++this.#number;
    this.#drop();
    if (!Sealer.supported() || !this.sealer.usable) throw new CannotSeal();
    try {
      const joined = (await this.ask("join", {})) as unknown as Joined;
      this.#check(number);
      const device = await this.#load(joined.rtpCapabilities);
      const [send, receive] = await Promise.all([this.#transport(device, "send", number), this.#transport(device, "receive", number)]);
      this.#check(number);
      const paths = [send, receive].map((one) => this.#transports.get(one)!);
      this.#moved = false;
      const attempt: Attempt = { number, send, receive, paths, producers: new Map(), consumers: new Map(), known: new Set(), mids: 0, flowing: new Set() };
      this.#attempt = attempt;
      const others = [...joined.tracks, ...this.#early.splice(0)].filter((one) => !this.#gone.has(one.track));
      await Promise.all([...others.map((track) => this.#receive(attempt, track)), this.#sendOwn()]);
      this.#check(number);
      this.listener.joined(true);
    } catch (error) {
      if (error instanceof Overtaken || number !== this.#number) return;
      throw error;
    }
  }

  /** After a line that was away: goes on with what still stands, without a gap in picture and sound, or joins afresh. */
  async resume(): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt || !complete(attempt)) return this.join();
    const still = (await this.ask("resync", {}).catch((fault: unknown) => {
      if (fault instanceof RequestFault && fault.code === "line") throw fault;
      return null;
    })) as unknown as Resynced | null;
    if (attempt !== this.#attempt) return undefined;
    if (!still || !stands(attempt, still)) return this.join();
    const there = new Set(still.tracks.map((one) => one.track));
    for (const track of [...attempt.known].filter((one) => !there.has(one))) this.#onRemoved(track);
    for (const one of still.tracks) this.stage.pause(one.track, one.paused);
    for (const one of still.downTracks) this.stage.rest(one.track, one.paused);
    this.stage.sizesAgain();
    this.#find(attempt);
    for (const producer of attempt.producers.values()) {
      await this.ask(producer.paused ? "pauseTrack" : "resumeTrack", { track: producer.id });
    }
    await Promise.all([...still.tracks.map((track) => this.#receive(attempt, track)), this.#sendOwn()]);
    this.listener.joined(true);
    return undefined;
  }

  /** This device is on another network, or has slept: `resume`, which must follow, looks for a new way even if the old one seems fine. */
  moved(): void {
    this.#moved = true;
  }

  /** How large the picture of a track stands on the screen. */
  show(track: string, { width, height }: Size): void {
    const downTrack = this.#attempt?.consumers.get(track)?.id;
    // Told anew after each join and on each new line: a page that was hidden when its line broke would see nobody for good.
    if (downTrack) this.ask("showDownTrack", { downTrack, width, height }).catch(() => undefined);
  }

  /** Another sealer from the next join on, which must follow: after the Worker's death. */
  reseal(sealer: Sealer): void {
    this.leave();
    this.sealer = sealer;
  }

  /** What the sealer says of the received tracks, on to where they are shown. */
  streams(states: ReadonlyMap<string, StreamState>): void {
    for (const [track, state] of states) this.stage.seal(track, state);
  }

  /** Ends picture and sound here; the own tracks stay with their owner. */
  leave(): void {
    this.#number++;
    this.#drop();
  }

  /** Sends `track` from now on, or nothing of this kind with null. Kept for later joins. */
  setTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    if (track) this.#own.set(kind, track);
    else this.#own.delete(kind);
    return this.#sendOwn();
  }

  /** Tells relay and others that the own track rests or goes on; the track's `enabled` is the truth. */
  async followEnabled(kind: Kind): Promise<void> {
    const producer = this.#attempt?.producers.get(kind);
    const enabled = this.#own.get(kind)?.enabled === true;
    if (!producer || producer.closed || producer.paused === !enabled) return;
    if (enabled) producer.resume();
    else producer.pause();
    await this.ask(enabled ? "resumeTrack" : "pauseTrack", { track: producer.id });
  }

  /** An event of the relay. Unknown ones are ignored. */
  handle(event: string, data: Data): void {
    const track = String(data["track"] ?? "");
    if (event === "trackAdded") this.#onAdded(data as unknown as RemoteTrack);
    if (event === "trackRemoved") this.#onRemoved(track);
    if (event === "trackPaused") this.stage.pause(track, true);
    if (event === "trackResumed") this.stage.pause(track, false);
    if (event === "downTrackPaused") this.stage.rest(track, (data["reason"] ?? "line") as Rest);
    if (event === "downTrackResumed") this.stage.rest(track, null);
    if (event === "speakers") this.#onSpeakers(data);
    if (event === "layersWanted") this.#onWish(track, Number(data["layers"]));
    if (event === "transportClosed") this.#onTransportClosed(String(data["transport"]));
  }

  #onAdded(track: RemoteTrack): void {
    const attempt = this.#attempt;
    if (!attempt) {
      this.#early = [...this.#early.filter((one) => one.track !== track.track), track].slice(-MAX_EARLY);
      return;
    }
    this.#receive(attempt, track).catch(() => this.listener.broken());
  }

  #onRemoved(track: string): void {
    const attempt = this.#attempt;
    if (!attempt && this.#gone.size < MAX_EARLY) this.#gone.add(track);
    attempt?.known.delete(track);
    attempt?.consumers.get(track)?.close();
    attempt?.consumers.delete(track);
    this.sealer.forget(track);
    this.stage.remove(track);
  }

  #onSpeakers(data: Data): void {
    const speakers = Array.isArray(data["speakers"]) ? data["speakers"].map(String) : [];
    this.stage.speakers(speakers, typeof data["active"] === "string" ? data["active"] : null);
  }

  #onWish(track: string, layers: number): void {
    if (!Number.isInteger(layers)) return;
    this.#wishes.delete(track);
    this.#wishes.set(track, layers);
    for (const old of [...this.#wishes.keys()].slice(0, -MAX_WISHES)) this.#wishes.delete(old);
    this.#sendOwn().catch(() => this.listener.broken());
  }

  /** Another way for the paths that have gone quiet; for all of them on another network. */
  #find(attempt: Attempt): void {
    const quiet = [attempt.send, attempt.receive].map((one) => one.connectionState !== "connected");
    attempt.paths.forEach((path, place) => (this.#moved || quiet[place]) && void path.renew());
    this.#moved = false;
  }

  #onTransportClosed(transport: string): void {
    const attempt = this.#attempt;
    if (attempt && (attempt.send.id === transport || attempt.receive.id === transport)) this.listener.broken();
  }

  async #load(rtpCapabilities: types.RtpCapabilities): Promise<Device> {
    if (this.#device) return this.#device;
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities: rtpCapabilities });
    this.#device = device;
    return device;
  }

  async #transport(device: Device, direction: "send" | "receive", number: number): Promise<types.Transport> {
    const made = (await this.ask("createTransport", { direction })) as unknown as NewTransport;
    this.#check(number);
    const options = { id: made.transport, iceParameters: made.iceParameters, iceCandidates: made.iceCandidates, dtlsParameters: made.dtlsParameters, additionalSettings: SETTINGS };
    const transport = direction === "send" ? device.createSendTransport(options) : device.createRecvTransport(options);
    transport.on("connect", ({ dtlsParameters }, done, failed) => {
      this.ask("connectTransport", { transport: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on("produce", ({ kind, rtpParameters }, done, failed) => {
      this.ask("sendTrack", { transport: transport.id, kind, rtpParameters }).then((data) => done({ id: String(data["track"]) }), failed);
    });
    this.#transports.set(transport, this.#watch(transport));
    return transport;
  }

  #watch(transport: types.Transport): Path {
    const restart = async (): Promise<void> => {
      const { iceParameters } = (await this.ask("restartIce", { transport: transport.id })) as unknown as Pick<NewTransport, "iceParameters">;
      await transport.restartIce({ iceParameters });
    };
    const path = new Path({ restart, broken: () => this.listener.broken(), lineDead: () => this.listener.lineDead() }, BROWSER.later);
    transport.on("connectionstatechange", (state) => path.state(state));
    return path;
  }

  async #receive(attempt: Attempt, remote: RemoteTrack): Promise<void> {
    if (!this.#device || attempt.known.has(remote.track)) return;
    attempt.known.add(remote.track);
    const offer = await this.#offer(attempt, remote.track);
    if (!offer || attempt !== this.#attempt || !attempt.known.has(remote.track)) return;
    const consumer = await attachDown(attempt.receive, offer, String(attempt.mids++), this.sealer);
    if (attempt !== this.#attempt || !attempt.known.has(remote.track)) {
      consumer.close();
      if (attempt === this.#attempt) this.sealer.forget(remote.track);
      return;
    }
    attempt.consumers.set(remote.track, consumer);
    this.stage.add(offer, consumer.track);
    if (await this.#flow(offer.downTrack)) attempt.flowing.add(consumer);
  }

  /** Asks for a track. null: the relay does not give it (its sender has just switched it off, or the room is full of tracks). */
  async #offer(attempt: Attempt, track: string): Promise<Received | null> {
    const rtpCapabilities = this.#device!.recvRtpCapabilities;
    try {
      return (await this.ask("receiveTrack", { track, transport: attempt.receive.id, rtpCapabilities })) as unknown as Received;
    } catch (fault) {
      attempt.known.delete(track);
      if (fault instanceof RequestFault && WITHOUT.has(fault.code)) return null;
      throw fault;
    }
  }

  /** Lets a down track's packets flow. false: its sender went in the meantime; then `trackRemoved` is on its way. */
  async #flow(downTrack: string): Promise<boolean> {
    try {
      await this.ask("resumeDownTrack", { downTrack });
      return true;
    } catch (fault) {
      if (fault instanceof RequestFault && fault.code === "unknown_down_track") return false;
      throw fault;
    }
  }

  /** Brings what the relay gets in line with the own tracks, one change after the other. */
  #sendOwn(): Promise<void> {
    const run = this.#sending.then(async () => {
      for (const kind of ["audio", "video"] as const) await this.#sendKind(kind);
    });
    this.#sending = run.catch(() => undefined);
    return run;
  }

  async #sendKind(kind: Kind): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt) return;
    const track = this.#own.get(kind) ?? null;
    let producer = attempt.producers.get(kind);
    const other = producer !== undefined && producer.track !== track;
    // A sender that is not watched any more, after a doubt, takes no other track: that one gets a sender of its own. So does a picture
    // that wants another number of layers.
    const layers = track?.kind === "video" ? layersFor(track.getSettings()) : 1;
    const unfit = producer?.rtpParameters.encodings?.length !== layers;
    if (producer && (!track || (other && (unfit || !this.sealer.protects(producer.rtpSender))))) {
      attempt.producers.delete(kind);
      this.#unprotect(producer);
      producer.close();
      await this.ask("closeTrack", { track: producer.id });
      producer = undefined;
    }
    if (producer && track && other) {
      await producer.replaceTrack({ track });
    } else if (!producer && track) {
      const made = await attachUp(attempt.send, track, this.sealer);
      attempt.producers.set(kind, made);
      if (made.paused) await this.ask("pauseTrack", { track: made.id });
    }
    await this.#rest(attempt.producers.get(kind));
    await this.followEnabled(kind);
  }

  /** Layers that nobody looks at are not made. */
  async #rest(producer: types.Producer | undefined): Promise<void> {
    const layers = this.#wishes.get(producer?.id ?? "");
    if (layers !== undefined && producer?.rtpSender) await sendLayers(producer.rtpSender, layers);
  }

  #unprotect(producer: types.Producer): void {
    if (producer.rtpSender) this.sealer.forgetSender(producer.rtpSender);
  }

  #check(number: number): void {
    if (number !== this.#number) throw new Overtaken();
  }

  #drop(): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    this.#early = [];
    this.#gone.clear();
    this.listener.joined(false);
    for (const producer of attempt?.producers.values() ?? []) this.#unprotect(producer);
    for (const [transport, path] of this.#transports) {
      path.end();
      transport.close();
    }
    this.#transports.clear();
    this.#wishes.clear();
    this.stage.speakers([], null);
    for (const track of attempt?.known ?? []) {
      this.sealer.forget(track);
      this.stage.remove(track);
    }
  }
}
