// What makes passing pictures on harder and noticed: the viewer's own name and the time faintly over all pictures, no menu and no dragging
// on them, nothing shown while the page is not looked at. None of it stops a phone that films the screen, and the page says so.

import { clock } from "../people.ts";
import type { Around, Part } from "../part.ts";
import { word } from "../words.ts";
import { by, show, tell } from "./dom.ts";

/** As often as it takes to fill a large tile on a large screen in small letters. */
const REPEATED = 80;
const MINUTE_MS = 60_000;
/** How long the page says that pictures were hidden. */
const SAID_MS = 8000;

/** What stands over each picture: who looks at it and when, over and over. */
export function mark(name: string, at: Date, lang: string): string {
  const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "numeric" }).format(at);
  return Array.from({ length: REPEATED }, () => `${name} · ${day} ${clock(at.toISOString(), lang)}`).join("   ");
}

export class Deterrence implements Part {
  readonly #room = document.getElementById("room");
  #minute: ReturnType<typeof setInterval> | undefined;
  #inside = false;

  constructor(private readonly around: Around) {
    for (const kind of ["contextmenu", "dragstart"]) by("tiles")?.addEventListener(kind, (event) => event.preventDefault());
    document.addEventListener("visibilitychange", () => this.#looked(document.visibilityState !== "hidden"));
    this.#mark(); // before the first picture
  }

  handle(): boolean {
    return false;
  }

  enter(): void {
    this.#inside = true;
    this.#mark();
    this.#minute ??= setInterval(() => this.#mark(), MINUTE_MS);
  }

  finish(): void {
    this.#inside = false;
    clearInterval(this.#minute);
    this.#minute = undefined;
    show(by("hidden-note"), false);
  }

  /** On the tiles that are there, and on the pattern of those that come. */
  #mark(): void {
    const text = mark(this.around.name, new Date(), document.documentElement.lang || "en");
    const pattern = by<HTMLTemplateElement>("tile-template")?.content;
    for (const place of [...(pattern?.querySelectorAll(".tile-mark") ?? []), ...document.querySelectorAll("#tiles .tile-mark")]) place.textContent = text;
  }

  #looked(yes: boolean): void {
    this.#room?.toggleAttribute("data-unseen", !yes);
    if (!yes || !this.#inside) return;
    tell(by("hidden-note"), word("pageHidden"));
    setTimeout(() => show(by("hidden-note"), false), SAID_MS);
  }
}
