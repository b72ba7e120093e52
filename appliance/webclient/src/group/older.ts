// `at` of arrays and bytes, which ts-mls uses, for browsers that have encoded frames but not yet this (Chromium 86 to 91).

function at(this: ArrayLike<unknown>, index: number): unknown {
  return this[index < 0 ? this.length + index : index];
}

for (const kind of [Array, Uint8Array]) {
  if (!("at" in kind.prototype)) Object.defineProperty(kind.prototype, "at", { value: at, writable: true, configurable: true });
}
