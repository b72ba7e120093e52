// Forms and links that ask once before they act, and forms that act without leaving the page. Without script they are plain forms.

import { word } from "./words.ts";

function dialogOf(element: HTMLElement): HTMLDialogElement | null {
  const dialog = document.getElementById(element.dataset["confirm"] ?? "");
  return dialog instanceof HTMLDialogElement && typeof dialog.showModal === "function" ? dialog : null;
}

/** Opens the dialog named in data-confirm, with the name filled in; true if the person says yes. Escape means no. */
function confirmed(element: HTMLElement): Promise<boolean> {
  const dialog = dialogOf(element);
  if (!dialog) return Promise.resolve(true);
  for (const place of dialog.querySelectorAll<HTMLElement>("[data-fill]")) place.textContent = element.dataset["name"] ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function complain(sentence: string): void {
  const place = document.getElementById("action-fault");
  if (!place) return;
  place.textContent = sentence;
  place.hidden = sentence === "";
}

/** A refusal as the box says it. */
interface Problem {
  code?: string;
  title?: string;
}

/** Told after an action of this page has been done: its word, and the member it was done to ("" if none). */
type Done = (action: string, member: string) => void;

/** A refusal that leaves a choice has a dialog of its own on the page, named by its code. */
function questionOf(problem: Problem | null): HTMLDialogElement | null {
  const dialog = document.getElementById(`ask-${problem?.code ?? ""}`);
  return dialog instanceof HTMLDialogElement ? dialog : null;
}

/** What was chosen; "" if nothing, as by Escape. */
function chosen(dialog: HTMLDialogElement, name: string): Promise<string> {
  for (const place of dialog.querySelectorAll<HTMLElement>("[data-fill]")) place.textContent = name;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** Disabling took the focus from the one that was pressed. */
function enable(buttons: readonly HTMLButtonElement[], pressed?: HTMLButtonElement): void {
  for (const button of buttons) button.disabled = false;
  pressed?.focus();
}

/**
 * Posts a form in the background. What it changes comes back as an event, so nothing is drawn here.
 * `beyond`: what was chosen where the box is at its limit.
 */
async function post(form: HTMLFormElement, done: Done, beyond = ""): Promise<void> {
  const member = form.closest<HTMLElement>(".person")?.dataset["member"] ?? "";
  const csrf = form.querySelector<HTMLInputElement>("input[name=csrf]")?.value ?? "";
  const buttons = [...form.querySelectorAll("button")];
  const pressed = buttons.find((button) => button === document.activeElement);
  for (const button of buttons) button.disabled = true;
  complain("");
  let again = "";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF": csrf },
      body: new URLSearchParams({ csrf, beyond }),
    });
    if (answer.ok) return done(form.dataset["action"] ?? "", member);
    const problem = (await answer.json().catch(() => null)) as Problem | null;
    const question = questionOf(problem);
    if (question) enable(buttons, pressed); // what a dialog closes over gets the focus back
    if (question) again = await chosen(question, form.closest(".person")?.querySelector(".p-name")?.textContent ?? "");
    else complain(problem?.title ?? word("failed"));
  } catch {
    complain(word("failed"));
  } finally {
    enable(buttons);
  }
  if (again) await post(form, done, again);
}

async function submit(form: HTMLFormElement, done: Done): Promise<void> {
  if (form.dataset["confirm"] && !(await confirmed(form))) return;
  if (form.hasAttribute("data-live")) await post(form, done);
  else form.submit();
}

async function follow(link: HTMLAnchorElement): Promise<void> {
  if (await confirmed(link)) location.assign(link.href);
}

/** Listens for the whole page, so that rows made later are covered. */
export function watchForms(done: Done): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !(form.dataset["confirm"] || form.hasAttribute("data-live"))) return;
    event.preventDefault();
    void submit(form, done);
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-confirm]") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void follow(link);
  });
}
