// What the waiting page says of the hour and of how long it takes. Pure; the first sight of the page has it from portal/waiting.py.

/** Keys of sentences that the page carries. */
export type WaitKey = "waitNotOpen" | "waitOpen" | "waitBegun" | "waitLocked" | "waitLeaderAway";

export interface HourFacts {
  readonly phase: string;
  readonly locked: boolean;
  readonly leaderHere: boolean;
}

/** The first that explains the wait wins. */
export function waitKey(hour: HourFacts): WaitKey {
  if (hour.phase === "scheduled" || hour.phase === "ended") return "waitNotOpen";
  if (!hour.leaderHere) return "waitLeaderAway";
  if (hour.locked) return "waitLocked";
  return hour.phase === "open" ? "waitOpen" : "waitBegun";
}

const LONGER = 2; // times the average

/** Whether somebody has waited so long, in seconds, that it should be said that today it may take longer. */
export function takesLonger(waited: number, minutes: number | null): boolean {
  return minutes !== null && waited > LONGER * minutes * 60;
}
