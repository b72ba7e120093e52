// A button that reads a page aloud, shown where the device has a voice of its own for the page's language.

import { after, localVoice, STILL, type Event, type Reading } from "./readaloud.ts";

function wire(bar: HTMLElement, text: HTMLElement): void {
  const [main, stop] = bar.querySelectorAll("button");
  const label = main?.querySelector("span");
  if (!main || !stop || !label) return;
  // What is written for the eye alone, and fields, are left out; a hidden fault is not there.
  const blocks = [...text.querySelectorAll<HTMLElement>("h2, h3, h4, p, li, label")].filter((one) => one.innerText.trim() !== "");
  let now: Reading = STILL;
  let turn = 0; // a voice that was stopped still says that it has ended

  const language = (block: HTMLElement): string => block.closest("[lang]")?.getAttribute("lang") ?? "en";

  const show = (): void => {
    label.textContent = (now.state === "reading" ? main.dataset["pause"] : now.state === "paused" ? main.dataset["on"] : main.dataset["say"]) ?? "";
    if (now.state === "still" && document.activeElement === stop) main.focus();
    stop.hidden = now.state === "still";
    blocks.forEach((one, at) => one.classList.toggle("being-read", now.state !== "still" && at === now.at));
  };

  const speak = (): void => {
    const mine = ++turn;
    speechSynthesis.cancel();
    const block = blocks[now.at];
    if (now.state !== "reading" || !block) return;
    const voice = localVoice(speechSynthesis.getVoices(), language(block));
    const said = new SpeechSynthesisUtterance(block.innerText);
    if (voice) {
      said.voice = voice;
      said.lang = voice.lang;
    }
    const ended = (): void => {
      if (mine === turn) go("said");
    };
    said.onend = ended;
    said.onerror = ended;
    if (voice) speechSynthesis.speak(said);
    else ended(); // a part in a language that this device does not speak: nothing is sent away for it
  };

  const go = (event: Event): void => {
    now = after(now, event, blocks.length);
    show();
    speak();
  };

  main.addEventListener("click", () => go("press"));
  stop.addEventListener("click", () => go("stop"));
  addEventListener("pagehide", () => go("stop"));
  bar.hidden = false;
  bar.dataset["voice"] = "own";
}

function ready(): void {
  const bar = document.querySelector<HTMLElement>("#aloud");
  const text = bar && document.getElementById(bar.dataset["of"] ?? "");
  if (!bar || !text || !("speechSynthesis" in window)) return;
  const look = (): void => {
    const speaks = text.querySelector<HTMLElement>("[lang]")?.getAttribute("lang") ?? document.documentElement.lang;
    if (!bar.dataset["voice"] && localVoice(speechSynthesis.getVoices(), speaks)) wire(bar, text);
  };
  look(); // some browsers know their voices at once, others tell
  speechSynthesis.addEventListener?.("voiceschanged", look);
}

ready();
