// The tiles: one for each person, with picture or initials; one hidden audio element for each voice.

import { columns, initials } from "./people.ts";
import type { RemoteTrack, RosterMember } from "./protocol.ts";
import type { Stage } from "./room.ts";
import type { StreamState } from "./sealing/sealer.ts";
import { word } from "./words.ts";

/** States of a track that mean: do not trust it. They are also keys of the sentences that say so. */
export type DoubtWord = "altered" | "notSealed" | "wrongSender" | "replayed" | "noKey";

/** The gravest first: of a member's two tracks, that one is told. */
const DOUBTS: readonly StreamState[] = ["altered", "notSealed", "wrongSender", "replayed", "noKey"] satisfies DoubtWord[];

/** The gravest doubt among the states of one member's tracks, or null. Nobody's picture is shown beside a doubtful voice. */
export function doubtOf(states: readonly StreamState[]): DoubtWord | null {
  return (DOUBTS.find((one) => states.includes(one)) as DoubtWord | undefined) ?? null;
}

interface Shown {
  member: string;
  kind: "audio" | "video";
  media: MediaStreamTrack;
  paused: boolean;
  sound: HTMLAudioElement | null;
  /** What the Worker says of it. A track that is "waiting" shows nothing, since the Worker lets nothing through. */
  seal: StreamState;
}

function part<T extends HTMLElement>(parent: ParentNode, selector: string): T {
  const found = parent.querySelector<T>(selector);
  if (!found) throw new Error(`the page lacks ${selector}`);
  return found;
}

export class Tiles implements Stage {
  #roster: RosterMember[] = [];
  #shown = new Map<string, Shown>();
  #own: { picture: MediaStreamTrack | null; muted: boolean } = { picture: null, muted: false };
  #dark = false;

  constructor(
    private readonly list: HTMLElement,
    private readonly template: HTMLTemplateElement,
    private readonly sounds: HTMLElement,
    private readonly hear: HTMLButtonElement,
    private readonly me: { member: string; name: string },
  ) {
    this.hear.addEventListener("click", () => this.#playAll());
  }

  /** Shows a tile for each of `roster`; the own one first, even before the box has told who is there. */
  people(roster: RosterMember[]): void {
    this.#roster = roster;
    this.#draw();
  }

  /** The own picture, mirrored, and whether the own microphone rests. */
  own(picture: MediaStreamTrack | null, muted: boolean): void {
    this.#own = { picture, muted };
    this.#draw();
  }

  add(track: RemoteTrack, media: MediaStreamTrack): void {
    const sound = track.kind === "audio" ? this.#sound(track, media) : null;
    this.#shown.set(track.track, { member: track.member, kind: track.kind, media, paused: track.paused, sound, seal: "waiting" });
    this.#draw();
  }

  pause(track: string, paused: boolean): void {
    const shown = this.#shown.get(track);
    if (shown) shown.paused = paused;
    this.#draw();
  }

  /** How it stands with the seal of a track. In doubt that member's tile is black and silent, until it is open again. */
  seal(track: string, state: StreamState): void {
    const shown = this.#shown.get(track);
    if (!shown || shown.seal === state) return;
    shown.seal = state;
    this.#draw();
  }

  /** Nothing of anybody else is shown or heard, whatever the tracks say; the page says why. */
  dark(yes: boolean): void {
    if (this.#dark === yes) return;
    this.#dark = yes;
    this.#draw();
  }

  remove(track: string): void {
    this.#shown.get(track)?.sound?.remove();
    this.#shown.delete(track);
    this.#draw();
  }

  #sound(track: RemoteTrack, media: MediaStreamTrack): HTMLAudioElement {
    const sound = document.createElement("audio");
    sound.dataset["member"] = track.member;
    sound.dataset["kind"] = "audio";
    sound.autoplay = true;
    sound.srcObject = new MediaStream([media]);
    this.sounds.append(sound);
    this.#play(sound);
    return sound;
  }

  /** Browsers refuse sound before the person has touched the page; then one large button asks for that touch. */
  #play(sound: HTMLAudioElement): void {
    sound.play().catch((error: unknown) => {
      if (error instanceof Error && error.name === "NotAllowedError") this.hear.hidden = false;
    });
  }

  #playAll(): void {
    this.hear.hidden = true;
    for (const sound of this.sounds.querySelectorAll("audio")) this.#play(sound);
  }

  #everybody(): RosterMember[] {
    const me = this.#roster.find((one) => one.you) ?? { member: this.me.member, name: this.me.name, facilitator: false, you: true };
    return [me, ...this.#roster.filter((one) => one.member !== me.member)];
  }

  #draw(): void {
    const everybody = this.#everybody();
    const wanted = new Set(everybody.map((one) => one.member));
    for (const tile of this.list.querySelectorAll<HTMLElement>(".tile")) {
      if (!wanted.has(tile.dataset["member"] ?? "")) tile.remove();
    }
    everybody.forEach((one, place) => {
      const tile = this.#tile(one.member);
      // Moving a node restarts its picture in some browsers: only when it stands elsewhere.
      if (this.list.children[place] !== tile) this.list.insertBefore(tile, this.list.children[place] ?? null);
      this.#fill(tile, one);
    });
    this.list.dataset["columns"] = String(columns(everybody.length));
    this.list.dataset["count"] = String(everybody.length);
  }

  #tile(member: string): HTMLElement {
    const found = [...this.list.querySelectorAll<HTMLElement>(".tile")].find((tile) => tile.dataset["member"] === member);
    if (found) return found;
    const tile = part<HTMLElement>(this.template.content.cloneNode(true) as DocumentFragment, ".tile");
    tile.dataset["member"] = member;
    return tile;
  }

  #fill(tile: HTMLElement, one: RosterMember): void {
    const tracks = [...this.#shown.values()].filter((shown) => shown.member === one.member);
    const voice = tracks.find((shown) => shown.kind === "audio");
    const doubt = one.you ? null : doubtOf(tracks.map((shown) => shown.seal));
    const dark = !one.you && (this.#dark || doubt !== null);
    for (const shown of tracks) if (shown.sound) shown.sound.muted = dark;
    const theirs = dark ? null : (tracks.find((shown) => shown.kind === "video" && !shown.paused)?.media ?? null);
    const picture = one.you ? this.#own.picture : theirs;
    part(tile, ".tile-name").textContent = one.name;
    part(tile, ".initials").textContent = initials(one.name);
    part(tile, ".tile-you").hidden = !one.you;
    part(tile, ".tile-leads").hidden = !one.facilitator;
    part(tile, ".tile-muted").hidden = one.you ? !this.#own.muted : voice?.paused === false;
    tile.toggleAttribute("data-you", one.you);
    tile.dataset["kind"] = picture ? "video" : "none";
    this.#doubt(tile, one, doubt, dark);
    for (const shown of tracks) tile.dataset[shown.kind === "audio" ? "sealAudio" : "sealVideo"] = shown.seal;
    showPicture(part<HTMLVideoElement>(tile, "video"), picture);
  }

  #doubt(tile: HTMLElement, one: RosterMember, doubt: DoubtWord | null, dark: boolean): void {
    tile.toggleAttribute("data-dark", dark);
    const place = part(tile, ".tile-doubt");
    const sentence = doubt ? word(doubt, { name: one.name }) : "";
    place.hidden = doubt === null;
    if (place.textContent !== sentence) place.textContent = sentence; // the same again would be read out again
  }
}

/** Puts a track into a video element, or empties and hides it; leaves it alone when it shows that track already. */
export function showPicture(video: HTMLVideoElement, track: MediaStreamTrack | null): void {
  video.hidden = track === null;
  const shown = video.srcObject instanceof MediaStream ? (video.srcObject.getVideoTracks()[0] ?? null) : null;
  if (shown === track) return;
  video.srcObject = track ? new MediaStream([track]) : null;
  if (track) void video.play().catch(() => undefined); // muted pictures always may play; an abort means a newer track came
}
