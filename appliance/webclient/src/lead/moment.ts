// What is offered at which moment of a session, and what stands in its place once it was done. Pure; the box decides what is allowed.

import type { Phase, SessionFacts } from "../protocol.ts";

const GOING_ON: readonly Phase[] = ["open", "rules", "running", "paused"];

/** An action on the whole session; cards by `card:` and their kind. */
export type Command =
  | "open"
  | "show_rules"
  | "begin"
  | "pause"
  | "resume"
  | "lock"
  | "unlock"
  | "take_over"
  | "end"
  | "card:reminder"
  | "card:rules"
  | "card:redirect";

type Rule = (facts: SessionFacts, own: string) => boolean;

const during = (...phases: Phase[]): Rule => (facts) => phases.includes(phaseOf(facts));
const goesOn = during(...GOING_ON);

const OFFERED: Readonly<Record<Command, Rule>> = {
  open: during("scheduled"),
  show_rules: during("open"),
  begin: during("rules"),
  pause: during("open", "rules", "running"),
  resume: during("paused"),
  lock: (facts) => goesOn(facts, "") && !facts.locked,
  unlock: (facts) => goesOn(facts, "") && facts.locked,
  take_over: (facts, own) => goesOn(facts, "") && own !== "" && (facts.leader?.member ?? "") !== "" && facts.leader!.member !== own,
  end: during("scheduled", ...GOING_ON),
  "card:reminder": goesOn,
  "card:rules": during("rules", "running", "paused"), // before, showing them is the session's next step
  "card:redirect": goesOn,
};

/** What takes the focus of a command that was done and so is offered no more. */
const NEXT: Readonly<Partial<Record<Command, Command>>> = {
  open: "show_rules",
  show_rules: "begin",
  begin: "pause",
  pause: "resume",
  resume: "pause",
  lock: "unlock",
  unlock: "lock",
};

export function phaseOf(facts: SessionFacts): Phase {
  return facts.phase ?? facts.state;
}

/** Whether `command` is offered now to the member `own` ("" for one without a place). What is not in the table always is. */
export function offered(command: string, facts: SessionFacts, own: string): boolean {
  return OFFERED[command as Command]?.(facts, own) ?? true;
}

export function next(command: string): Command | null {
  return NEXT[command as Command] ?? null;
}

/** Whether a place of the page is shown: it names phases, or "locked". */
export function shown(words: string, facts: SessionFacts): boolean {
  const all = words.split(" ");
  return all.includes(phaseOf(facts)) || (all.includes("locked") && facts.locked && goesOn(facts, ""));
}

/** Whether who leads is away while the session goes on; never of oneself. */
export function leaderAway(facts: SessionFacts, own: string): boolean {
  const leader = facts.leader;
  return goesOn(facts, "") && !!leader && leader.member !== "" && leader.member !== own && !leader.here;
}

/** Keys of what is said aloud when a session has moved on. */
export type MomentWord = "sessionOpen" | "rulesShown" | "begun" | "sessionPaused" | "sessionResumed" | "locked" | "lockedItself" | "unlocked" | "leadsNow" | "leaderGone";

/** What is new since `before`, in the order in which it is said. */
export function news(before: SessionFacts, now: SessionFacts, own: string): MomentWord[] {
  const told: MomentWord[] = [];
  const [was, is] = [phaseOf(before), phaseOf(now)];
  if (was !== is) {
    if (was === "paused" && is !== "ended") told.push("sessionResumed");
    else if (is === "open") told.push("sessionOpen");
    else if (is === "rules") told.push("rulesShown");
    else if (is === "running") told.push("begun");
    else if (is === "paused") told.push("sessionPaused");
  }
  if (before.locked !== now.locked && is !== "ended") told.push(!now.locked ? "unlocked" : now.byItself ? "lockedItself" : "locked");
  if (now.leader && before.leader && before.leader.member !== now.leader.member) told.push("leadsNow");
  if (leaderAway(now, own) && !leaderAway(before, own)) told.push("leaderGone");
  return told;
}
