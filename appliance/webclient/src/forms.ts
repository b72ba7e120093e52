// Forms and links that ask once before they act, and forms that act without leaving the page. Without script they are plain forms.

import { rest, resting } from "./resting.ts";
import { word } from "./words.ts";

function dialogOf(element: HTMLElement): HTMLDialogElement | null {
  const dialog = document.getElementById(element.dataset["confirm"] ?? "");
  return dialog instanceof HTMLDialogElement && typeof dialog.showModal === "function" ? dialog : null;
}

/** What is asked for each time anew: the answers of the last time were for somebody else. */
function reset(dialog: HTMLDialogElement): void {
  for (const field of dialog.querySelectorAll<HTMLInputElement>("input[name]")) field.checked = field.defaultChecked;
}

/**
 * Opens the dialog named in data-confirm, with the name filled in. Gives back what was chosen in it, or null if the person does not want
 * it after all. Escape means no.
 */
function confirmed(element: HTMLElement): Promise<FormData | null> {
  const dialog = dialogOf(element);
  if (!dialog) return Promise.resolve(new FormData());
  for (const place of dialog.querySelectorAll<HTMLElement>("[data-fill]")) place.textContent = element.dataset["name"] ?? "";
  reset(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = (): void => resolve(dialog.returnValue === "yes" ? new FormData(dialog.querySelector("form") ?? undefined) : null);
    dialog.addEventListener("close", answer, { once: true });
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

const acted: ((form: HTMLFormElement, action: string) => void)[] = [];

/** Also told, with the form: for what stands around it on the page. */
export function onActed(listener: (form: HTMLFormElement, action: string) => void): void {
  acted.push(listener);
}

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

/** All fields of the form, of the button that was pressed, and of the dialog that asked about it. */
function bodyOf(form: HTMLFormElement, button: HTMLElement | null, answers: FormData, beyond: string): URLSearchParams {
  const body = new URLSearchParams();
  const add = (value: FormDataEntryValue, name: string): void => {
    if (typeof value === "string") body.set(name, value);
  };
  new FormData(form).forEach(add);
  answers.forEach(add);
  if (button instanceof HTMLButtonElement && button.name) body.set(button.name, button.value);
  body.set("beyond", beyond);
  return body;
}

function done(form: HTMLFormElement, tell: Done, member: string): void {
  const action = form.dataset["action"] ?? "";
  tell(action, member);
  for (const listener of acted) listener(form, action);
  for (const field of form.querySelectorAll<HTMLInputElement>("input:not([type=hidden])")) field.value = field.defaultValue;
}

/**
 * Posts a form in the background. What it changes comes back as an event, so nothing is drawn here.
 * `beyond`: what was chosen where the box is at its limit.
 */
async function post(form: HTMLFormElement, tell: Done, button: HTMLElement | null, answers: FormData, beyond = ""): Promise<void> {
  const member = form.closest<HTMLElement>(".person")?.dataset["member"] ?? "";
  const body = bodyOf(form, button, answers, beyond);
  const buttons = [...form.querySelectorAll("button")];
  for (const one of buttons) rest(one, true);
  complain("");
  let again = "";
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json", "X-CSRF": body.get("csrf") ?? "" }, body });
    if (answer.ok) return done(form, tell, member);
    const problem = (await answer.json().catch(() => null)) as Problem | null;
    const question = questionOf(problem);
    if (question) again = await chosen(question, form.closest(".person")?.querySelector(".p-name")?.textContent ?? "");
    else complain(problem?.title ?? word("failed"));
  } catch {
    complain(word("failed"));
  } finally {
    for (const one of buttons) rest(one, false);
  }
  if (again) await post(form, tell, button, answers, again);
}

async function submit(form: HTMLFormElement, tell: Done, button: HTMLElement | null): Promise<void> {
  const answers = form.dataset["confirm"] ? await confirmed(form) : new FormData();
  if (!answers) return;
  if (form.hasAttribute("data-live")) await post(form, tell, button, answers);
  else form.submit();
}

async function follow(link: HTMLAnchorElement): Promise<void> {
  if (await confirmed(link)) location.assign(link.href);
}

/** The button that sent the form. Older browsers do not say it; there it is the one with the focus. */
function buttonOf(event: SubmitEvent, form: HTMLFormElement): HTMLElement | null {
  const button = event.submitter ?? document.activeElement;
  return button instanceof HTMLElement && form.contains(button) ? button : null;
}

/** Listens for the whole page, so that rows made later are covered. */
export function watchForms(tell: Done): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !(form.dataset["confirm"] || form.hasAttribute("data-live"))) return;
    event.preventDefault();
    if ([...form.querySelectorAll("button")].some(resting)) return; // one tap is enough
    void submit(form, tell, buttonOf(event, form));
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-confirm]") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void follow(link);
  });
}
