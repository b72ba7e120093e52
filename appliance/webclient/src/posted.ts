// A page that answers a form with a fault: going back to it or loading it again must not send the form a second time, which
// browsers first ask about in words nobody understands, and which would count as one more wrong PIN.

history.replaceState(null, "", location.pathname);

export {};
