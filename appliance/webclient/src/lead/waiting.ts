// How many wait, in the title of the tab: seen from another window, and without a name.

import type { Part } from "../part.ts";
import { type Data, members } from "../protocol.ts";

/** "(2) Session · Willow House" */
export function titled(title: string, waiting: number): string {
  const plain = title.replace(/^\(\d+\) /, "");
  return waiting > 0 ? `(${waiting}) ${plain}` : plain;
}

export class WaitingCount implements Part {
  handle(event: string, data: Data): boolean {
    if (event === "waiting") document.title = titled(document.title, members(data).length);
    return false;
  }

  finish(): void {
    document.title = titled(document.title, 0);
  }
}
