// The parts that everybody's page in the room has.

import type { Around, Part } from "../part.ts";
import { Asked } from "./asked.ts";
import { Cards } from "./cards.ts";
import { Deterrence } from "./deterrence.ts";
import { Hands } from "./hands.ts";
import { HeldNote } from "./held.ts";
import { Help } from "./help.ts";
import { Leader } from "./leader.ts";
import { Look } from "./look.ts";
import { More } from "./more.ts";
import { Reactions } from "./reactions.ts";
import { Shortcuts } from "./shortcuts.ts";
import { Wait } from "./wait.ts";
import { Whispering } from "./whisper.ts";

export function hourParts(around: Around): Part[] {
  const leader = new Leader();
  const hands = new Hands(around);
  const reactions = new Reactions(around, () => void hands.raise(false));
  return [
    leader,
    hands,
    reactions,
    new More(),
    new Asked(around, () => void reactions.send(null, { t: "pass" })),
    new Help(around, leader),
    new Whispering(around, leader),
    new Look(around, sessionStorage),
    new HeldNote(),
    new Deterrence(around),
    new Shortcuts(around),
    new Wait(around),
    new Cards(around), // last: it waits for what the others have open
  ];
}
