// Buttons that rest for a moment. Not `disabled`: that would throw the focus of who has just pressed one to the top of the page.

export function rest(button: HTMLButtonElement, yes: boolean): void {
  if (yes) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

export function resting(button: HTMLButtonElement): boolean {
  return button.hasAttribute("aria-disabled");
}
