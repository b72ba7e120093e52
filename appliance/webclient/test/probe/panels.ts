// Puts the panels on a page for a test, which gives them facts that no box has to make up first.

import { Chat } from "../../src/chat.ts";
import { CodePanel } from "../../src/codepanel.ts";
import { watchForms } from "../../src/forms.ts";
import { Pending } from "../../src/lists.ts";
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

/** The page as it is inside the room; `refuse` makes sending and comparing fail. `calls` collects what the panels ask for, `sizes` what they say. */
function enter(facilitator: boolean): object {
  const calls: string[] = [];
  const sizes: Record<string, number[]> = {};
  const asked = { refuse: false, calls, sizes };
  by("call").hidden = false;
  const wait = document.getElementById("wait");
  if (wait) wait.hidden = true;
  for (const button of document.querySelectorAll<HTMLButtonElement>(".control")) button.disabled = false;
  const answer = async (call: string): Promise<void> => {
    calls.push(call);
    if (asked.refuse) throw new Error("refused");
  };
  const tiles = new Tiles(by("tiles"), by("tile-template"), by("sounds"), by("hear"), { member: "me", name: "Ada" }, (track, { width, height }) => (sizes[track] = [width, height]));
  tiles.own(picture(40), false);
  const panel = new CodePanel(by("code-panel"), { facilitator, compared: () => answer("compared") });
  const chat = new Chat(by("chat"), (text) => answer(`send ${text}`));
  const silence = new Silence(by("silence"), () => calls.push("again"));
  const pending = new Pending((member) => calls.push(`let in ${member}`));
  watchForms((action, member) => calls.push(`${action} ${member}`));
  const talk = new TalkTime(document.getElementById("roster"));
  return Object.assign(asked, { tiles, talk, panel, chat, silence, pending, picture, voice });
}

Object.assign(window, { enter });
