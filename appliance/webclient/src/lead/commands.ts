// One key each for who leads. On the whole session, on the person whose row has the focus, and to the next who wants something.

import { say } from "../announce.ts";
import type { Key } from "../keys.ts";
import { word } from "../words.ts";
import { deskForm } from "./desk.ts";
import { choose } from "./rows.ts";
import type { Threads } from "./threads.ts";

/** Presses what a form asks for, as a tap would: with its question, if it has one. False where it is not offered. */
function press(form: HTMLFormElement | null): boolean {
  const button = form?.querySelector<HTMLButtonElement>("button");
  if (!form || !button || !visible(form)) return false;
  form.requestSubmit ? form.requestSubmit(button) : button.click();
  return true;
}

/** A form that is folded away in a menu may be meant; one that is hidden is not offered. */
function visible(form: HTMLElement): boolean {
  if (form.closest("[hidden]")) return false;
  const within = form.closest<HTMLElement>(".if-locked, .if-unlocked");
  return !within || getComputedStyle(within).display !== "none";
}

function desk(key: string, ...commands: string[]): Key {
  return { key, run: () => void (commands.some((command) => press(deskForm(command))) || say(word("notNow"))) };
}

function person(key: string, ...actions: string[]): Key {
  const run = (row: HTMLElement | null): void => {
    if (!row) return say(word("chooseSomebody"));
    const forms = actions.flatMap((action) => [...row.querySelectorAll<HTMLFormElement>(`form[data-action="${action}"]`)]);
    if (!forms.filter((form) => !form.closest(".p-with")).some(press)) say(word("notNow"));
  };
  return { key, run };
}

/** Keys of what is said of a list without anybody in it. */
export type EmptyWord = "nobodyWaits" | "noHands" | "noConcerns" | "nobodyHere";

/** To the first of a list, or if one of it is chosen already, to the next after it. */
function list(key: string, name: string, empty: EmptyWord): Key {
  const run = (row: HTMLElement | null): void => {
    const rows = [...document.querySelectorAll<HTMLElement>(`#${name} > .person`)];
    const to = rows[(row ? rows.indexOf(row) + 1 : 0) % Math.max(1, rows.length)];
    if (to) choose(to);
    else say(word(empty));
  };
  return { key, run };
}

export function leadKeys(threads: Threads): Key[] {
  const whisper = (row: HTMLElement | null): void => {
    if (row?.closest("#roster") && !row.hasAttribute("data-leads")) threads.to(row.dataset["member"] ?? "", row.querySelector(".p-name")?.textContent ?? "");
    else say(word("chooseSomebody"));
  };
  return [
    desk("p", "pause", "resume"),
    desk("l", "lock", "unlock"),
    desk("r", "card:reminder"),
    desk("g", "card:rules", "show_rules"),
    desk("d", "card:redirect"),
    desk("e", "end"),
    list("n", "waiting", "nobodyWaits"),
    list("q", "hands", "noHands"),
    list("c", "concerns", "noConcerns"),
    list("i", "roster", "nobodyHere"),
    person("a", "admit", "let_through"),
    person("s", "mute"),
    person("u", "ask_unmute"),
    person("x", "lower_hand"),
    person("t", "aside"),
    person("f", "flag", "unflag"),
    person("h", "hold", "release"),
    ...(document.getElementById("threads") ? [{ key: "w", run: whisper }] : []),
  ];
}
