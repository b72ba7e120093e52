// The tiles: one for each person, with picture or initials; one hidden audio element for each voice.

import { columns, initials } from "./people.ts";
import type { RemoteTrack, Rest, RosterMember } from "./protocol.ts";
import type { Stage } from "./room.ts";
import type { StreamState } from "./sealing/sealer.ts";
import { BROWSER } from "./signalling.ts";
import { type Size, Sizes, Watched } from "./sizes.ts";
import { Voices } from "./voices.ts";
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
  /** Why no picture comes of it; "other": this page does not know the word. "stale": none has come for a while, nobody has said why. */
  rest: Rest | "other" | "stale" | null;
}

/** Keys of the sentences about a picture that rests. */
export type RestWord = "restLastN" | "restLine" | "restCapacity" | "restStale";
const REST_WORDS: Readonly<Record<Rest | "other" | "stale", RestWord>> = {
  lastN: "restLastN",
  line: "restLine",
  capacity: "restCapacity",
  other: "restStale",
  stale: "restStale",
};

const NO_PICTURE: Size = { width: 0, height: 0 };

/** How long after the relay's word the first picture may take to come: a key frame on its way. Until then the old one stays away. */
const FRESH_MS = 1500;

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
  #pictures = true;
  readonly #voices = new Voices(() => this.#draw(), BROWSER.later);
  readonly #watched = new Watched(() => this.#measure());
  readonly #sizes: Sizes;

  /** `sized`: how large the picture of a received track stands on the screen, told anew for each track. */
  constructor(
    private readonly list: HTMLElement,
    private readonly template: HTMLTemplateElement,
    private readonly sounds: HTMLElement,
    private readonly hear: HTMLButtonElement,
    private readonly me: { member: string; name: string },
    sized: (track: string, size: Size) => void,
  ) {
    this.#sizes = new Sizes(sized, BROWSER.later);
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
    this.#shown.set(track.track, { member: track.member, kind: track.kind, media, paused: track.paused, sound, seal: "waiting", rest: null });
    this.#sizes.forget(track.track);
    this.#draw();
    this.#measure();
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
    // A word of the relay may have been lost with the line: what comes and what does not is what counts.
    if (shown.kind === "video" && state === "silent" && shown.rest === null) this.#stale(shown);
    if (state === "open") shown.rest = null;
    this.#draw();
  }

  rest(track: string, reason: Rest | null): void {
    const shown = this.#shown.get(track);
    if (!shown) return;
    if (reason !== null) {
      shown.rest = reason in REST_WORDS ? reason : "other";
      return this.#draw();
    }
    // Nothing was said that could end: only a new picture ends "stale".
    if (shown.rest === null || shown.rest === "stale") return;
    // With its first new picture, or a little later where a browser does not tell.
    const [before, wake] = [shown.rest, () => this.#wake(shown, before)];
    this.#video(shown)?.requestVideoFrameCallback?.(wake);
    BROWSER.later(wake, FRESH_MS);
  }

  speakers(speakers: readonly string[], active: string | null): void {
    this.#voices.told(speakers, active);
  }

  /** Nothing of anybody else is shown or heard, whatever the tracks say; the page says why. */
  dark(yes: boolean): void {
    if (this.#dark === yes) return;
    this.#dark = yes;
    this.#draw();
  }

  /** Whether pictures of others are wanted: without, none is shown and the relay sends none. */
  pictures(wanted: boolean): void {
    if (this.#pictures === wanted) return;
    this.#pictures = wanted;
    this.#draw();
    this.#measure();
  }

  remove(track: string): void {
    this.#shown.get(track)?.sound?.remove();
    this.#shown.delete(track);
    this.#sizes.forget(track);
    this.#draw();
  }

  sizesAgain(): void {
    this.#sizes.again();
  }

  /** None has come for a while; the next one ends that at once. */
  #stale(shown: Shown): void {
    shown.rest = "stale";
    this.#video(shown)?.requestVideoFrameCallback?.(() => this.#wake(shown, "stale"));
  }

  /** The picture goes on, unless it rests for another reason by now. */
  #wake(shown: Shown, from: Shown["rest"]): void {
    if (shown.rest !== from) return;
    shown.rest = null;
    this.#draw();
  }

  #video(shown: Shown): HTMLVideoElement | undefined {
    return [...this.list.querySelectorAll("video")].find((one) => one.srcObject instanceof MediaStream && one.srcObject.getVideoTracks()[0] === shown.media);
  }

  #measure(): void {
    for (const [track, { member, kind }] of this.#shown) {
      const tile = kind === "video" && this.#found(member);
      if (tile) this.#sizes.set(track, this.#pictures ? this.#watched.size(tile) : NO_PICTURE);
    }
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
      if (wanted.has(tile.dataset["member"] ?? "")) continue;
      this.#watched.remove(tile);
      tile.remove();
    }
    everybody.forEach((one, place) => {
      const tile = this.#tile(one.member);
      // Moving a node restarts its picture in some browsers: only when it stands elsewhere.
      if (this.list.children[place] !== tile) this.list.insertBefore(tile, this.list.children[place] ?? null);
      this.#fill(tile, one);
    });
    this.list.dataset["columns"] = String(columns(everybody.length));
    this.list.dataset["count"] = String(everybody.length);
    this.list.toggleAttribute("data-sound-only", !this.#pictures); // this page wants no pictures: nobody's camera is said to be off
  }

  #tile(member: string): HTMLElement {
    const found = this.#found(member);
    if (found) return found;
    const tile = part<HTMLElement>(this.template.content.cloneNode(true) as DocumentFragment, ".tile");
    tile.dataset["member"] = member;
    this.#watched.add(tile);
    return tile;
  }

  #found(member: string): HTMLElement | undefined {
    return [...this.list.querySelectorAll<HTMLElement>(".tile")].find((tile) => tile.dataset["member"] === member);
  }

  #fill(tile: HTMLElement, one: RosterMember): void {
    const tracks = [...this.#shown.values()].filter((shown) => shown.member === one.member);
    const voice = tracks.find((shown) => shown.kind === "audio");
    const doubt = one.you ? null : doubtOf(tracks.map((shown) => shown.seal));
    const dark = !one.you && (this.#dark || doubt !== null);
    for (const shown of tracks) if (shown.sound) shown.sound.muted = dark;
    const theirs = dark || !this.#pictures ? undefined : tracks.find((shown) => shown.kind === "video" && !shown.paused);
    const picture = one.you ? this.#own.picture : (theirs?.media ?? null);
    const rest = one.you ? null : (theirs?.rest ?? null);
    part(tile, ".tile-name").textContent = one.name;
    part(tile, ".initials").textContent = initials(one.name);
    part(tile, ".tile-you").hidden = !one.you;
    part(tile, ".tile-leads").hidden = !one.facilitator;
    part(tile, ".tile-away").hidden = one.aside !== true;
    part(tile, ".tile-held").hidden = one.held !== true;
    part(tile, ".tile-muted").hidden = one.you ? !this.#own.muted : voice?.paused === false;
    tile.toggleAttribute("data-elsewhere", one.aside === true || one.held === true); // nobody's microphone or camera is to blame for that
    tile.toggleAttribute("data-you", one.you);
    tile.dataset["kind"] = picture && !rest ? "video" : "none";
    tile.toggleAttribute("data-active", this.#voices.active === one.member);
    part(tile, ".tile-speaks").hidden = !this.#voices.has(one.member);
    this.#rest(tile, rest);
    this.#doubt(tile, one, doubt, dark);
    for (const shown of tracks) tile.dataset[shown.kind === "audio" ? "sealAudio" : "sealVideo"] = shown.seal;
    showPicture(part<HTMLVideoElement>(tile, "video"), picture);
  }

  /** A picture that rests is kept where it is, unseen, so that its next frame shows that it goes on. */
  #rest(tile: HTMLElement, rest: Shown["rest"]): void {
    tile.toggleAttribute("data-rest", rest !== null);
    const place = part(tile, ".tile-rest");
    place.hidden = rest === null;
    place.textContent = rest ? word(REST_WORDS[rest]) : "";
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
