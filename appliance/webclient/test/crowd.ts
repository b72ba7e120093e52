// A room full of members without browsers, for the figures: each has its own line to a box and its own group. Reads one line of JSON
// ({"origin", "session", "credentialKey", "people": [{"member", "facilitator", "path", "cookie"}]}), then writes a line
// {"at": milliseconds of the wall clock, "epoch", "holders"} whenever all who are left have the keys of one epoch. Ends with its input.

import { createInterface } from "node:readline";
import { fromText } from "../src/group/bytes.ts";
import { Keeper } from "../src/group/keeper.ts";
import type { GroupFacts } from "../src/group/types.ts";
import { BROWSER, type Socket, Signalling } from "../src/signalling.ts";

interface Person {
  member: string;
  facilitator: boolean;
  path: string;
  cookie: string;
}

interface Room {
  origin: string;
  session: string;
  credentialKey: string;
  people: Person[];
}

/** The tab of one of them. */
class Tab implements Storage {
  readonly #kept = new Map<string, string>();
  get length(): number {
    return this.#kept.size;
  }
  clear = (): void => this.#kept.clear();
  getItem = (key: string): string | null => this.#kept.get(key) ?? null;
  key = (at: number): string | null => [...this.#kept.keys()][at] ?? null;
  removeItem = (key: string): void => void this.#kept.delete(key);
  setItem = (key: string, value: string): void => void this.#kept.set(key, value);
}

const facts = new Map<string, GroupFacts>();
let told = "";

/** Node's WebSocket takes headers, the browsers' does not. */
function line(url: string, headers: Record<string, string>): Socket {
  const Opened = WebSocket as unknown as new (url: string, options: { headers: Record<string, string> }) => unknown;
  return new Opened(url, { headers }) as Socket;
}

function tell(): void {
  const inside = [...facts.values()].filter((one) => one.phase === "in");
  const holders = new Set(inside.map((one) => `${one.epoch} ${one.holders.length}`));
  const [same] = holders;
  if (holders.size !== 1 || !same || inside.length !== inside[0]!.holders.length || told === same) return;
  told = same;
  const at = performance.timeOrigin + performance.now();
  process.stdout.write(`${JSON.stringify({ at, epoch: Number(inside[0]!.epoch), holders: inside.length })}\n`);
}

function enter(room: Room, person: Person): void {
  const headers = { cookie: person.cookie, origin: room.origin };
  const signalling = new Signalling(
    room.origin.replace("https", "wss") + person.path,
    {
      event: (name, data) => void keeper.handle(name, data),
      line: (state) => state === "up" && keeper.lineUp(),
    },
    { ...BROWSER, open: (url) => line(url, headers) },
  );
  const keeper = new Keeper({
    ask: (method, data) => signalling.request(method, data),
    session: room.session,
    member: person.member,
    facilitator: person.facilitator,
    credentialKey: fromText(room.credentialKey, 32)!,
    storage: new Tab(),
    listener: {
      keys: ({ baseKey }) => baseKey.fill(0),
      silence: () => undefined,
      facts: (now) => {
        facts.set(person.member, now);
        tell();
      },
      said: () => undefined, whispered: () => undefined,
    },
  });
  if (person.facilitator) for (const one of room.people) if (!one.facilitator) keeper.approve(one.member);
  signalling.start();
}

const input = createInterface({ input: process.stdin });
input.once("line", (text) => {
  const room = JSON.parse(text) as Room;
  for (const person of room.people) enter(room, person);
});
input.once("close", () => process.exit());
