// A page that answers a form: going back to it or loading it again must not send the form a second time. Browsers first ask
// about that in words nobody understands, and it would count as one more wrong PIN or make one more invitation.

const script = document.querySelector<HTMLScriptElement>("script[data-again]");
history.replaceState(null, "", script?.dataset["again"] || location.pathname);

export {};
