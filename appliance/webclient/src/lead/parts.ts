// The parts of who leads.

import type { Around, Part } from "../part.ts";

export function leadParts(_around: Around): Part[] {
  return [];
}
