// The device test's other looks: a sound to hear, headphones, the line, the browser's age. Each says its sentence and stops nobody.

import { chime } from "../announce.ts";
import { word } from "../words.ts";
import { browserAge } from "./browsers.ts";
import { wears } from "./headphones.ts";
import { lineVerdict } from "./line.ts";
import { fromBox, measure } from "./measure.ts";

const LOUD = 0.3; // of full scale: as loud as a voice, since this is what one sets the sound by

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}

function show(id: string, yes: boolean): void {
  element(id).hidden = !yes;
}

/** Two notes, and whether they were heard. The help is there for a no, and without script for everybody. */
export function watchTone(): void {
  show("tone", true);
  show("heard-help", false);
  element("play").addEventListener("click", () => {
    chime(LOUD);
    show("heard", true);
    show("heard-good", false);
  });
  for (const [answer, heard] of [["heard-yes", true], ["heard-no", false]] as const) {
    element(answer).addEventListener("click", () => {
      show("heard", !heard);
      show("heard-good", heard);
      show("heard-help", !heard);
      element("play").focus(); // to try again; the button that was pressed may be gone
    });
  }
}

/** What the browser tells of headphones, where it does; it names devices once the microphone was allowed. */
export async function lookForHeadphones(): Promise<void> {
  const found = wears((await navigator.mediaDevices?.enumerateDevices?.()) ?? []);
  element("headphones-known").textContent = found === "yes" ? word("wears") : "";
  show("headphones-known", found === "yes");
  show("headphones-ask", found !== "yes");
  show("headphones-perhaps", found === "perhaps");
}

/** Measures at once, and again at a tap. `weak` is called when only voices will come through for sure. */
export function watchLine(weak: () => void): void {
  const look = async (): Promise<void> => {
    show("line-again", false);
    show("line-help", false);
    element("line-verdict").textContent = word("lineLooking");
    const verdict = lineVerdict(await measure(fromBox, () => performance.now()));
    element("line-verdict").textContent = word(verdict);
    element("line-verdict").className = verdict === "lineGood" ? "found" : "note";
    show("line-again", verdict !== "lineGood");
    show("line-help", verdict === "lineVeryWeak" || verdict === "lineUnknown");
    if (verdict === "lineVeryWeak") weak();
  };
  show("line-test", true);
  element("line-again").addEventListener("click", () => void look());
  void look();
}

/** A browser that lacks the repairs of two years is told so; one that nobody knows is not. */
export function lookAtAge(): void {
  show("aged", browserAge(navigator.userAgent) === "aged");
}
