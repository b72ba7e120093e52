// The person's own camera and microphone in the room: the two buttons, the picture, and what goes to the others.

import { capture, type Captured, type MissingWord, missingWord, release } from "./capture.ts";
import { type Choices, keepChoices } from "./choices.ts";
import type { Kind } from "./protocol.ts";

export interface OwnListener {
  /** A track started or ended; null means that nothing of this kind is to be sent. */
  track(kind: Kind, track: MediaStreamTrack | null): void;
  /** The microphone was muted or opened again. */
  muted(yes: boolean): void;
  /** The key of a sentence about what is missing, or "". */
  missing(word: MissingWord | ""): void;
}

export class Own {
  #got: Captured = { audio: null, video: null, failure: null };
  #busy = false;
  #wanted = { audio: true, video: false }; // of what is being taken
  #off = 0; // how often everything was switched off
  #over = false;
  #paused: { audio: boolean; speaking: boolean; video: boolean } | null = null; // what there was before everything was switched off

  constructor(
    private readonly buttons: { microphone: HTMLButtonElement; camera: HTMLButtonElement },
    private readonly choices: Choices,
    private readonly listener: OwnListener,
  ) {
    buttons.microphone.addEventListener("click", () => void this.#microphone());
    buttons.camera.addEventListener("click", () => void this.#camera());
  }

  get picture(): MediaStreamTrack | null {
    return this.#got.video;
  }

  get muted(): boolean {
    return this.#got.audio?.enabled !== true;
  }

  /** Asks for the devices that were chosen at the test. */
  async start(): Promise<void> {
    const all = { audio: true, video: this.choices.camera };
    if (this.#paused) this.#paused = { ...all, speaking: true };
    else await this.#take(all);
  }

  /** Switches all devices off; `start` or a button takes them again. */
  rest(): void {
    for (const kind of ["audio", "video"] as const) {
      if (this.#got[kind]) this.listener.track(kind, null);
    }
    this.#release();
    this.#show();
  }

  /** Switches all devices off for a while: no light of a camera stays on while nobody is to be seen. */
  pause(): void {
    // What was only being asked for when it came is asked for again.
    const [audio, video] = [this.#got.audio !== null || (this.#busy && this.#wanted.audio), this.#got.video !== null || (this.#busy && this.#wanted.video)];
    this.#paused ??= { audio, video, speaking: this.#got.audio ? !this.muted : true };
    this.rest();
  }

  /** Takes again what `pause` gave up; a microphone that was off stays off. */
  async resume(): Promise<void> {
    const before = this.#paused;
    this.#paused = null;
    if (!before || this.#over) return;
    this.#show();
    await this.#take({ audio: before.audio, video: before.video }, before.speaking);
  }

  /** The microphone off. */
  hush(): void {
    if (this.#paused) this.#paused.speaking = false;
    if (this.muted) return;
    this.#got.audio!.enabled = false;
    this.#show();
  }

  /** The microphone on again, as by its button. */
  speak(): void {
    if (this.muted && !this.#paused) void this.#microphone();
  }

  /** The camera off. */
  hide(): void {
    if (this.#paused) this.#paused.video = false;
    if (this.#got.video) void this.#camera();
  }

  /** Switches all devices off for good. */
  stop(): void {
    this.#over = true;
    this.#release();
    this.#show();
  }

  #release(): void {
    this.#off++;
    release(this.#got);
    this.#got = { audio: null, video: null, failure: null };
  }

  /** `speaking`: whether a microphone that comes is on. */
  async #take(wanted: { audio: boolean; video: boolean }, speaking = true): Promise<void> {
    if (this.#busy || this.#over) return;
    this.#busy = true;
    this.#wanted = wanted;
    const off = this.#off;
    this.#show();
    const got = await capture(wanted, this.choices);
    this.#busy = false;
    if (off !== this.#off) {
      release(got); // nobody wants them any more
      return this.#show();
    }
    this.listener.missing(missingWord(got, wanted));
    for (const kind of ["audio", "video"] as const) {
      const track = got[kind];
      if (!track) continue;
      this.#got[kind] = track;
      if (kind === "audio") track.enabled = speaking; // before anybody can send it
      // Unplugged, taken by another program, or permission withdrawn.
      track.addEventListener("ended", () => this.#lost(kind, track));
      this.listener.track(kind, track);
    }
    this.#show();
  }

  #lost(kind: Kind, track: MediaStreamTrack): void {
    if (this.#got[kind] !== track) return;
    this.#got[kind] = null;
    this.listener.track(kind, null);
    this.listener.missing(kind === "audio" ? "pictureOnly" : "soundOnly");
    this.#show();
  }

  async #microphone(): Promise<void> {
    const track = this.#got.audio;
    if (!track) return this.#take({ audio: true, video: false });
    track.enabled = !track.enabled;
    this.#show();
    return undefined;
  }

  /** Off means off: the device is released and its light goes out. */
  async #camera(): Promise<void> {
    const track = this.#got.video;
    this.choices.camera = !track;
    keepChoices(sessionStorage, this.choices);
    if (!track) return this.#take({ audio: false, video: true });
    this.#got.video = null;
    track.stop();
    this.listener.track("video", null);
    this.#show();
    return undefined;
  }

  #show(): void {
    for (const button of Object.values(this.buttons)) button.disabled = this.#busy || this.#over || this.#paused !== null;
    this.buttons.microphone.setAttribute("aria-pressed", String(!this.muted));
    this.buttons.camera.setAttribute("aria-pressed", String(this.#got.video !== null));
    this.listener.muted(this.muted);
  }
}
