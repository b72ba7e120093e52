// The parts of who leads, and the keys that work on them.

import { pageKeys } from "../keys.ts";
import type { Around, Part } from "../part.ts";
import { Cards } from "./cards.ts";
import { leadKeys } from "./commands.ts";
import { Concerns } from "./concerns.ts";
import { Desk } from "./desk.ts";
import { Hands } from "./hands.ts";
import { Rows } from "./rows.ts";
import { Threads } from "./threads.ts";
import { WaitingCount } from "./waiting.ts";

export function leadParts(around: Around): Part[] {
  const threads = new Threads(around);
  const parts = [new Concerns(), new Desk(around), new Hands(), new Cards(), threads, new WaitingCount(), new Rows()];
  pageKeys().add(leadKeys(threads));
  return parts;
}
