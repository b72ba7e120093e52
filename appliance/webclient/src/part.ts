// What a part of the room's page gets and gives: cards, hands, whispers, helps, the desk of who leads. main.ts joins them in one list.

import type { Data, SessionFacts } from "./protocol.ts";

/** Said between the people of the room, sealed by the group's keys. What is no JSON of a known kind is a line of the chat. */
export type Said =
  | { t: "chat"; text: string }
  | { t: "react"; what: string }
  | { t: "whisper"; sealed: Record<string, string>; id: string } // by leaf: only who is meant can open theirs
  | { t: "heard"; id: string };

/** Who said it: of the key's holder, whom the sender cannot choose. */
export interface From {
  member: string;
  name: string;
  facilitator: boolean;
  you: boolean;
}

/** What a part may use of the page around it. */
export interface Around {
  readonly facilitator: boolean;
  readonly member: string;
  readonly name: string;
  /** A request of the box: `room…` methods (room/PROTOCOL.md). */
  ask(method: string, data: object): Promise<Data>;
  /** To all who hold keys; rejects without keys. */
  say(said: Said): Promise<void>;
  /** Sealed to the leaves of these members alone, and carried to their pages alone; rejects without keys. */
  whisper(members: readonly string[], text: string): Promise<void>;
  /** The own devices. `hush` switches the microphone off, `hide` the camera. */
  hush(): void;
  hide(): void;
  /** Whether the own microphone is on. */
  speaking(): boolean;
}

/** One part. All but `handle` may be left out. */
export interface Part {
  /** An event of the box. true: nobody else needs it. */
  handle(event: string, data: Data): boolean;
  /** Somebody in the room said something that is not chat. */
  said?(from: From, said: Said): void;
  whispered?(from: From, text: string): void;
  session?(facts: SessionFacts): void;
  /** The page came into the room. */
  enter?(): void;
  /** Over: nothing stays in the page. */
  finish?(): void;
}
