// The parts that everybody's page in the room has.

import type { Around, Part } from "../part.ts";

export function hourParts(_around: Around): Part[] {
  return [];
}
