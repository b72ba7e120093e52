// What a part of the room's page gets and gives: cards, hands, whispers, helps, the desk of who leads. main.ts joins them in one list.

import type { Data, RosterMember, SessionFacts } from "./protocol.ts";
import type { From, Said } from "./said.ts";

export type { From, Said } from "./said.ts";

/** What a part may use of the page around it. */
export interface Around {
  readonly facilitator: boolean;
  readonly member: string;
  readonly name: string;
  /** A request of the box: `room…` methods (room/PROTOCOL.md). */
  ask(method: string, data: object): Promise<Data>;
  /** To all who hold keys; rejects without keys. */
  say(said: Said): Promise<void>;
  /**
   * Sealed to the leaves of these members alone, and carried to their pages alone. Resolves with the whisper's id when it is on its way; a
   * `heard` with that id says that it was opened. Rejects without keys, or if none of them holds any.
   */
  whisper(members: readonly string[], text: string): Promise<string>;
  /** The own devices. `hush` switches the microphone off, `hide` the camera, `speak` the microphone on again. */
  hush(): void;
  hide(): void;
  speak(): void;
  /** Whether the own microphone is on. */
  speaking(): boolean;
  /** The own picture, or null. */
  picture(): MediaStreamTrack | null;
  /** Whether pictures of others are wanted; without them only sound is received. */
  pictures(wanted: boolean): void;
}

/** One part. All but `handle` may be left out. */
export interface Part {
  /** An event of the box. true: nobody else needs it. `session`, `roster` and `media` go to the page too, whatever is answered. */
  handle(event: string, data: Data): boolean;
  /** Somebody in the room said something that is not chat. */
  said?(from: From, said: Said): void;
  whispered?(from: From, text: string): void;
  session?(facts: SessionFacts): void;
  /** Who is in the room, with the names that the keys say, after each change. */
  people?(people: readonly RosterMember[]): void;
  /** The own microphone or camera was switched, or another track came. */
  own?(): void;
  /** Whether there are keys to say something with. */
  keys?(yes: boolean): void;
  /** Another line to the box, which tells everything anew. */
  lineUp?(): void;
  /** The page came into the room. */
  enter?(): void;
  /** Over: nothing stays in the page. */
  finish?(): void;
}
