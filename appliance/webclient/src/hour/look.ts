// How the page looks to this person: larger letters and more contrast (kept in the same cookies that the buttons at the foot of every
// page set), sound only, and a blurred background where the device can do it. The latter two are kept for this tab; none tells of a person.
// Leaving keeps them for the way back; the end takes them away.

import type { Around, Part } from "../part.ts";
import { by, show } from "./dom.ts";

const KEPT = "hearth-look"; // in sessionStorage
const OTHERS = ["hearth-keys", "devices"]; // what else this tab was told to keep (keys.ts, choices.ts)
const YEAR_SECONDS = 365 * 24 * 3600;
/** Cookie, its word, and the attribute of <html> that base.css reads (portal/looks.py). */
const LOOKS = {
  text: { cookie: "look_text", word: "large", attribute: "data-text" },
  contrast: { cookie: "look_contrast", word: "more", attribute: "data-contrast" },
} as const;

/** backgroundBlur: Media Capture and Streams Extensions; not in the browser's types yet. */
type Blurring = MediaTrackCapabilities & { backgroundBlur?: boolean[] };

export interface Kept {
  sound: boolean;
  blur: boolean;
}

export function keptOf(text: string | null): Kept {
  try {
    const { sound, blur } = JSON.parse(text ?? "{}") as Partial<Kept>;
    return { sound: sound === true, blur: blur === true };
  } catch {
    return { sound: false, blur: false };
  }
}

/** Whether this camera's driver or browser can blur what is behind the person. */
export function canBlur(track: MediaStreamTrack | null): boolean {
  const able = (track?.getCapabilities?.() as Blurring | undefined)?.backgroundBlur;
  return Array.isArray(able) && able.includes(true);
}

export class Look implements Part {
  readonly #sound = by<HTMLInputElement>("look-sound");
  readonly #blur = by<HTMLInputElement>("look-blur");
  readonly #kept: Kept;
  #track: MediaStreamTrack | null = null;

  constructor(
    private readonly around: Around,
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
  ) {
    this.#kept = keptOf(stored(storage));
    for (const look of ["text", "contrast"] as const) this.#switch(look);
    if (this.#sound) this.#sound.checked = this.#kept.sound;
    if (this.#blur) this.#blur.checked = this.#kept.blur;
    this.#sound?.addEventListener("change", () => this.#pictures(!this.#sound!.checked));
    this.#blur?.addEventListener("change", () => this.#blurred(this.#blur!.checked));
  }

  handle(): boolean {
    return false;
  }

  enter(): void {
    if (this.#kept.sound) this.#pictures(false);
  }

  /** A camera may have come: can it blur? */
  own(): void {
    const track = this.around.picture();
    if (track === this.#track) return;
    this.#track = track;
    if (!track) return;
    const able = canBlur(track);
    show(by("look-blur-choice"), able);
    show(by("look-blur-none"), !able);
    if (able && this.#kept.blur) this.#blurred(true);
  }

  finish(): void {
    try {
      for (const key of [KEPT, ...OTHERS]) this.storage.removeItem(key);
    } catch {
      // A browser that keeps nothing has nothing to forget.
    }
  }

  #switch(name: keyof typeof LOOKS): void {
    const { cookie, word, attribute } = LOOKS[name];
    const box = by<HTMLInputElement>(`look-${name}`);
    const { documentElement } = document;
    if (!box) return;
    box.checked = documentElement.getAttribute(attribute) === word;
    box.addEventListener("change", () => {
      if (box.checked) documentElement.setAttribute(attribute, word);
      else documentElement.removeAttribute(attribute);
      document.cookie = `${cookie}=${box.checked ? word : ""}; path=/; secure; samesite=lax; max-age=${box.checked ? YEAR_SECONDS : 0}`;
    });
  }

  /** Without pictures the own one goes off too: that is half of what a slow line carries. */
  #pictures(wanted: boolean): void {
    this.#kept.sound = !wanted;
    this.#keep();
    this.around.pictures(wanted);
    if (!wanted) this.around.hide();
    document.getElementById("room")?.toggleAttribute("data-sound-only", !wanted);
  }

  #blurred(yes: boolean): void {
    this.#kept.blur = yes;
    this.#keep();
    const wish = { advanced: [{ backgroundBlur: yes }] } as unknown as MediaTrackConstraints;
    this.around.picture()?.applyConstraints(wish).catch(() => {
      if (this.#blur) this.#blur.checked = !yes; // the device has said no
    });
  }

  #keep(): void {
    try {
      this.storage.setItem(KEPT, JSON.stringify(this.#kept));
    } catch {
      // Storage is switched off: after a reload it is as it was.
    }
  }
}

function stored(storage: Pick<Storage, "getItem">): string | null {
  try {
    return storage.getItem(KEPT);
  } catch {
    return null;
  }
}
