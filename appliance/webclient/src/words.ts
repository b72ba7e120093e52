// The sentences that the script can say. The server puts them on the page in the reader's language; none live here.

export type Fill = Readonly<Record<string, string | number>>;

/** Puts values into the braces of a sentence: fill("{name} is here", {name: "Rosa"}). Unknown braces stay. */
export function fill(sentence: string, values: Fill): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole));
}

let words: Record<string, string> | null = null;

function read(): Record<string, string> {
  const element = document.getElementById("words");
  return element ? (JSON.parse(element.textContent ?? "{}") as Record<string, string>) : {};
}

/** The sentence of that key, or "" if the page has none (a test keeps keys and pages together). */
export function word(key: string, values: Fill = {}): string {
  words ??= read();
  return fill(words[key] ?? "", values);
}
