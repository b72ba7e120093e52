// First page: takes the code out of the link, so that only the PIN is left to type. The code leaves address bar and history at once.

import { codeFrom } from "./code.ts";
import { supported } from "./sealing/supported.ts";

function take(): void {
  const code = codeFrom(location.hash);
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  const form = document.getElementById("join");
  const input = document.getElementById("code");
  if (!code || !form || !(input instanceof HTMLInputElement)) return;
  input.value = code;
  if (form.hasAttribute("data-fault")) return;
  document.getElementById("code-field")!.hidden = true;
  document.getElementById("found")!.hidden = false;
  // Not past the way back: on a phone the keyboard would cover it.
  if (!document.getElementById("known")) document.getElementById("pin")?.focus();
}

// Told before the PIN is typed and the agreement signed: another browser starts from here.
if (supported() === null) document.getElementById("too-old")!.hidden = false;
take();
addEventListener("hashchange", take);
