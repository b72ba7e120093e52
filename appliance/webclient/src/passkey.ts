// Passkeys (W3C Web Authentication): makes one on the account page, shows one at the second step of signing in. What the person
// sees is in the page already, hidden: where this script does not run or the browser has no passkeys, the other ways stand there.
//
// The box's options come as JSON with base64url in place of bytes; the answer goes back the same way, in a plain form.

import { options, answer } from "./passkeyjson.ts";

const form = document.querySelector<HTMLFormElement>("form[data-passkey]");

function show(state: string): void {
  for (const one of form!.querySelectorAll<HTMLElement>("[data-state]")) one.hidden = one.dataset["state"] !== state;
}

/** Why it came to nothing, as the page has words for it. */
function trouble(problem: unknown): string {
  const name = problem instanceof DOMException ? problem.name : "";
  if (name === "NotAllowedError") return "stopped"; // the person closed it, took too long, or has no such key here
  if (name === "InvalidStateError") return "there"; // that authenticator holds one of theirs already
  if (name === "SecurityError") return "elsewhere";
  return "failed";
}

async function asked(): Promise<unknown> {
  const body = new URLSearchParams({ csrf: form!.querySelector<HTMLInputElement>("[name=csrf]")!.value });
  const response = await fetch(form!.dataset["begin"]!, { method: "POST", body, headers: { Accept: "application/json" } });
  if (response.status === 409) throw new DOMException("another name", "SecurityError");
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

async function go(): Promise<void> {
  const making = form!.dataset["passkey"] === "make";
  show("busy");
  const publicKey = options(await asked());
  const made = making
    ? await navigator.credentials.create({ publicKey: publicKey as PublicKeyCredentialCreationOptions })
    : await navigator.credentials.get({ publicKey: publicKey as PublicKeyCredentialRequestOptions });
  form!.querySelector<HTMLInputElement>("[name=answer]")!.value = JSON.stringify(answer(made as PublicKeyCredential));
  form!.submit();
}

if (form && "PublicKeyCredential" in window) {
  form.hidden = false;
  for (const one of document.querySelectorAll<HTMLElement>("[data-no-passkeys]")) one.hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button")!;
    button.disabled = true;
    go().catch((problem: unknown) => {
      show(trouble(problem));
      button.disabled = false;
      button.focus();
    });
  });
}
