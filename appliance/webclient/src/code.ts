// The code in an invitation's link.

const MAX_CODE = 80;

/** The code in a link's fragment ("#K7QF-2M9X"), or "" if there is none that could be one. */
export function codeFrom(hash: string): string {
  const text = hash.replace(/^#/, "");
  return text.length <= MAX_CODE && /^[A-Za-z0-9_-]+$/.test(text) ? text : "";
}
