// Puts the desk of who leads on its page for a test, which says what the box and the people say.

import { leadParts } from "../../src/lead/parts.ts";
import { watchForms } from "../../src/forms.ts";
import { fillExpected, fillRoster, fillWaiting, List } from "../../src/lists.ts";
import type { From } from "../../src/part.ts";
import { type Data, type ExpectedMember, members, type RosterMember, type SessionFacts, type WaitingMember } from "../../src/protocol.ts";

/** `calls` collects what is posted and whispered: action, member, fields. With `refuse` everything fails. */
function lead(): object {
  const calls: string[] = [];
  const desk = { calls, refuse: false, sounds: 0 };
  window.fetch = async (url, init) => {
    const fields = new URLSearchParams(String((init as RequestInit).body));
    for (const name of ["csrf", "beyond"]) fields.delete(name);
    calls.push(`${String(url).replace(/^.*\/sessions\/s1/, "")} ${fields}`.trim());
    return desk.refuse ? Response.json({ code: "wrong_state", title: "No." }, { status: 409 }) : Response.json({});
  };
  const nothing = (): void => undefined;
  const around = {
    ...{ facilitator: true, member: "me", name: "Mara", ask: async () => ({}), say: async () => undefined, hush: nothing, hide: nothing, speak: nothing },
    ...{ speaking: () => true, picture: () => null, pictures: nothing },
    whisper: async (to: readonly string[], text: string) => {
      calls.push(`whisper ${to.join()} ${text}`);
      if (desk.refuse) throw new Error("refused");
      return "w1";
    },
  };
  const parts = leadParts(around);
  const lists = { waiting: new List<WaitingMember>("waiting", fillWaiting), roster: new List<RosterMember>("roster", fillRoster), expected: new List<ExpectedMember>("expected", fillExpected) };
  watchForms(nothing);
  const call = document.getElementById("call");
  if (call) call.hidden = false;
  const tell = (event: string, data: Data): void => {
    for (const part of parts) part.handle(event, data);
    if (event === "session") for (const part of parts) part.session?.(data as unknown as SessionFacts);
    if (event === "waiting") lists.waiting.show(members(data));
    if (event === "expected") lists.expected.show(members(data));
    if (event !== "roster") return;
    lists.roster.show(members(data));
    for (const part of parts) part.people?.(members(data));
  };
  const whispered = (from: From, text: string): void => parts.forEach((part) => part.whispered?.(from, text));
  const finish = (): void => parts.forEach((part) => part.finish?.());
  return Object.assign(desk, { tell, whispered, finish });
}

Object.assign(window, { lead });
