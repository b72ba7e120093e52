// Puts the panels on a page for a test, which gives them facts that no box has to make up first.

import { Chat } from "../../src/chat.ts";
import { CodePanel } from "../../src/codepanel.ts";
import { watchForms } from "../../src/forms.ts";
import { hourParts } from "../../src/hour/parts.ts";
import { Pending } from "../../src/lists.ts";
import type { Around, From, Part, Said } from "../../src/part.ts";
import type { Data, RosterMember } from "../../src/protocol.ts";
import { RequestFault } from "../../src/signalling.ts";
import { Silence } from "../../src/silence.ts";
import { TalkTime } from "../../src/talk.ts";
import { Tiles } from "../../src/view.ts";

const by = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** A picture of one colour, as of a camera. */
function picture(hue: number): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  const pen = canvas.getContext("2d")!;
  pen.fillStyle = `hsl(${hue} 40% 55%)`;
  pen.fillRect(0, 0, 320, 180);
  return canvas.captureStream(5).getVideoTracks()[0]!;
}

/** A voice that says nothing. */
function voice(): MediaStreamTrack {
  return new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]!;
}

/** The parts of the hour, with devices that only remember whether they are on. */
function hour(facilitator: boolean, answer: (call: string) => Promise<void>, tiles: Tiles): object {
  const own = { speaking: true, seen: true };
  const each = (work: (part: Part) => void): void => parts.forEach(work);
  const turn = (what: Partial<typeof own>): void => {
    Object.assign(own, what);
    tiles.own(own.seen ? picture(40) : null, !own.speaking);
    each((part) => part.own?.());
  };
  const around: Around = {
    facilitator,
    member: "me",
    name: "Ada",
    ask: async (method, data) => answer(`${method} ${JSON.stringify(data)}`).then(() => ({})),
    say: (said) => answer(`say ${said.t}`),
    whisper: async (members, text) => answer(`whisper ${members} ${text}`).then(() => "0".repeat(32)),
    hush: () => turn({ speaking: false }),
    hide: () => turn({ seen: false }),
    speak: () => turn({ speaking: true }),
    speaking: () => own.speaking,
    picture: () => (own.seen ? picture(40) : null),
    pictures: (wanted) => tiles.pictures(wanted),
  };
  const parts = hourParts(around);
  by("microphone").addEventListener("click", () => turn({ speaking: !own.speaking }));
  each((part) => part.enter?.());
  return {
    own,
    event: (name: string, data: Data) => each((part) => part.handle(name, data)),
    people: (all: RosterMember[]) => (tiles.people(all), each((part) => part.people?.(all))),
    keys: (yes: boolean) => each((part) => part.keys?.(yes)),
    session: (facts: never) => each((part) => part.session?.(facts)),
    said: (from: From, said: Said) => each((part) => part.said?.(from, said)),
    whispered: (from: From, text: string) => each((part) => part.whispered?.(from, text)),
    lineUp: () => each((part) => part.lineUp?.()),
    finish: () => each((part) => part.finish?.()),
  };
}

/** The page as it is inside the room; `refuse` makes sending and comparing fail. `calls` collects what the panels ask for, `sizes` what they say. */
function enter(facilitator: boolean): object {
  const calls: string[] = [];
  const sizes: Record<string, number[]> = {};
  const asked = { refuse: false as boolean | string, calls, sizes };
  by("call").hidden = false;
  const wait = document.getElementById("wait");
  if (wait) wait.hidden = true;
  for (const button of document.querySelectorAll<HTMLButtonElement>(".control")) button.disabled = false;
  const answer = async (call: string): Promise<void> => {
    calls.push(call);
    if (asked.refuse) throw typeof asked.refuse === "string" ? new RequestFault(asked.refuse, "") : new Error("refused");
  };
  const tiles = new Tiles(by("tiles"), by("tile-template"), by("sounds"), by("hear"), { member: "me", name: "Ada" }, (track, { width, height }) => (sizes[track] = [width, height]));
  tiles.own(picture(40), false);
  const panel = new CodePanel(by("code-panel"), { facilitator, compared: () => answer("compared") });
  const chat = new Chat(by("chat"), (text) => answer(`send ${text}`));
  const silence = new Silence(by("silence"), () => calls.push("again"));
  const pending = new Pending((member) => calls.push(`let in ${member}`));
  watchForms((action, member) => calls.push(`${action} ${member}`));
  const talk = new TalkTime(document.getElementById("roster"));
  return Object.assign(asked, { hour: hour(facilitator, answer, tiles), tiles, talk, panel, chat, silence, pending, picture, voice });
}

Object.assign(window, { enter });
