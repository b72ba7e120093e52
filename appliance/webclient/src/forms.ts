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

/** Told after an action of this page has been done: its word, and the member it was done to ("" if none). */
type Done = (action: string, member: string) => void;

/** Posts a form in the background. What it changes comes back as an event, so nothing is drawn here. */
async function post(form: HTMLFormElement, done: Done): Promise<void> {
  const member = form.closest<HTMLElement>(".person")?.dataset["member"] ?? "";
  const csrf = form.querySelector<HTMLInputElement>("input[name=csrf]")?.value ?? "";
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  complain("");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF": csrf },
      body: new URLSearchParams({ csrf }),
    });
    if (answer.ok) done(form.dataset["action"] ?? "", member);
    else complain(await sentence(answer));
  } catch {
    complain(word("failed"));
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

async function sentence(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => null)) as { title?: unknown } | null;
  return typeof problem?.title === "string" ? problem.title : word("failed");
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
