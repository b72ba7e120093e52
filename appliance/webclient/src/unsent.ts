// Why what somebody wrote did not go out: while media are held the box carries nothing between people, and another try would not help.

import { codeOf } from "./group/course.ts";

/** Keys of the sentences. */
export type UnsentWord = "unsent" | "unsentHeld";

export function unsentWord(error: unknown): UnsentWord {
  return codeOf(error) === "wrong_state" ? "unsentHeld" : "unsent";
}
