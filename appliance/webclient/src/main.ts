// The page of a patient from waiting room to room, and the facilitator's page: joins all other files and holds the page's state.

import { chime, say } from "./announce.ts";
import { stayAwake } from "./awake.ts";
import { loadChoices } from "./choices.ts";
import { watchForms } from "./forms.ts";
import { fromText } from "./group/bytes.ts";
import type { GroupFacts, Holder } from "./group/types.ts";
import { asideParts } from "./hour/aside.ts";
import { hourParts } from "./hour/parts.ts";
import { Joining } from "./joining.ts";
import { leadParts } from "./lead/parts.ts";
import { fillExpected, fillRoster, fillWaiting, List, Pending } from "./lists.ts";
import { Own } from "./own.ts";
import type { Around, Part } from "./part.ts";
import { change, type LineFacts, lineWord, waitingLine } from "./people.ts";
import type { Data, ExpectedMember, Held, RosterMember, SessionFacts, Standing, WaitingMember } from "./protocol.ts";
import { members } from "./protocol.ts";
import { watchNetwork } from "./recovery.ts";
import { Room } from "./room.ts";
import { Sealed } from "./sealed.ts";
import { present } from "./sealedrules.ts";
import type { Sealer } from "./sealing/sealer.ts";
import { BROWSER, Signalling } from "./signalling.ts";
import { TalkTime } from "./talk.ts";
import { showPicture, Tiles } from "./view.ts";
import { word } from "./words.ts";

function find<T extends HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

/** Shows or hides a sentence of the page; what is new is said aloud too. */
function reveal(id: string, yes: boolean): void {
  const place = find(id);
  if (!place) return;
  if (place.hidden && yes) say(place.textContent ?? "");
  place.hidden = !yes;
}

const CREDENTIAL_KEY_BYTES = 32; // Ed25519

/** Events that the page itself lives by, whoever else reads them. */
const SHARED = new Set(["standing", "session", "roster", "waiting", "media"]);

class Page {
  readonly #main: HTMLElement;
  readonly #signalling: Signalling;
  readonly #room: Room | null = null;
  readonly #sealed: Sealed | null = null;
  readonly #pending = new Pending((member) => this.#sealed?.approve(member));
  readonly #own: Own | null = null;
  readonly #tiles: Tiles | null = null;
  readonly #lists = {
    waiting: new List<WaitingMember>("waiting", fillWaiting),
    roster: new List<RosterMember>("roster", fillRoster),
    expected: new List<ExpectedMember>("expected", fillExpected),
  };
  readonly #talk = new TalkTime(document.getElementById("roster"));
  #facts: LineFacts;
  #waiting: WaitingMember[] | null = null;
  #roster: RosterMember[] | null = null;
  #holders: readonly Holder[] = [];
  readonly #joining = new Joining(() => this.#room, BROWSER.later);
  readonly #parts: readonly Part[];

  constructor(main: HTMLElement) {
    this.#main = main;
    const stage = find<HTMLElement>("tiles");
    this.#facts = { socket: "never", media: stage !== null, inside: this.#facilitator, ready: null, held: "", joined: false, session: null };
    const url = new URL(main.dataset["ws"] ?? "", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    // A name for this page, the same on all its lines: a device that slept must not throw out the one that took over.
    url.searchParams.set("page", crypto.randomUUID?.() ?? String(Math.random()));
    this.#signalling = new Signalling(url.href, { event: (name, data) => this.#event(name, data), line: (state) => this.#onLine(state) });
    const around = this.#around();
    this.#parts = [...hourParts(around), ...asideParts(), ...(this.#facilitator ? leadParts(around) : [])];
    if (!stage) return;
    this.#tiles = new Tiles(stage, find<HTMLTemplateElement>("tile-template")!, find("sounds")!, find<HTMLButtonElement>("hear")!, {
      member: main.dataset["member"] ?? "",
      name: main.dataset["name"] ?? "",
    }, (track, size) => this.#room?.show(track, size));
    this.#sealed = this.#makeSealed();
    if (this.#sealed.sealer) this.#room = this.#makeRoom(this.#sealed.sealer, this.#tiles);
    this.#own = this.#makeOwn();
  }

  start(): void {
    if (this.#own) void this.#own.start();
    if (this.#facilitator) this.#enter();
    else if (this.#main.dataset["standing"] === "admitted") this.#onStanding("admitted");
    this.#signalling.start();
    watchNetwork(() => {
      this.#room?.moved();
      this.#signalling.restart();
    });
    this.#set({});
  }

  /** An action of this page has been done: who was let in here, gets the keys from here, and who was removed loses them from here. */
  done(action: string, member: string): void {
    if (action === "admit" || action === "let_through") this.#sealed?.approve(member);
    if (action === "remove") this.#sealed?.expel(member);
  }

  get #facilitator(): boolean {
    return this.#main.hasAttribute("data-facilitator");
  }

  #around(): Around {
    return {
      facilitator: this.#facilitator,
      member: this.#main.dataset["member"] ?? "",
      name: this.#main.dataset["name"] ?? "",
      ask: (method, data) => this.#signalling.request(method, data),
      say: (said) => this.#sealed?.say(said) ?? Promise.reject(new Error("no keys")),
      whisper: (members, text) => this.#sealed?.whisper(members, text) ?? Promise.reject(new Error("no keys")),
      hush: () => this.#own?.hush(),
      hide: () => this.#own?.hide(),
      speak: () => this.#own?.speak(),
      speaking: () => this.#own?.muted === false,
      picture: () => this.#own?.picture ?? null,
      pictures: (wanted) => this.#tiles?.pictures(wanted),
    };
  }

  #makeRoom(sealer: Sealer, stage: Tiles): Room {
    const listener = {
      joined: (yes: boolean) => this.#set({ joined: yes }),
      broken: () => this.#broken(),
      lineDead: () => this.#signalling.restart(),
    };
    return new Room((method, data) => this.#signalling.request(method, data), stage, listener, sealer);
  }

  #makeSealed(): Sealed {
    const { session, member, credentialKey } = this.#main.dataset;
    const { home, homeMember, other, otherHome } = this.#main.dataset; // of a private room
    const place = {
      session: session ?? "",
      member: member ?? "",
      facilitator: this.#facilitator,
      credentialKey: fromText(credentialKey, CREDENTIAL_KEY_BYTES) ?? new Uint8Array(),
      home: home && homeMember ? { session: home, member: homeMember } : null,
      guest: other && otherHome ? { member: other, home: otherHome } : null,
    };
    return new Sealed(place, {
      ask: (method, data) => this.#signalling.request(method, data),
      devices: (on) => (on ? void this.#own?.start() : this.#own?.rest()),
      reseal: (sealer) => this.#reseal(sealer),
      streams: (states) => this.#room?.streams(states),
      dark: (yes) => this.#tiles?.dark(yes),
      changed: (facts) => this.#onGroup(facts),
      said: (from, said) => this.#each((part) => part.said?.(from, said)),
      whispered: (from, text) => this.#each((part) => part.whispered?.(from, text)),
    });
  }

  #makeOwn(): Own {
    const buttons = { microphone: find<HTMLButtonElement>("microphone")!, camera: find<HTMLButtonElement>("camera")! };
    return new Own(buttons, loadChoices(sessionStorage), {
      track: (kind, track) => {
        this.#room?.setTrack(kind, track).catch(() => this.#broken());
        this.#showOwn();
      },
      muted: () => {
        this.#room?.followEnabled("audio").catch(() => this.#broken());
        this.#showOwn();
      },
      missing: (key) => this.#note(key),
    });
  }

  #showOwn(): void {
    const own = this.#own;
    if (!own) return;
    this.#tiles?.own(own.picture, own.muted);
    this.#each((part) => part.own?.());
    const preview = find<HTMLVideoElement>("own-preview");
    if (!preview || this.#facts.inside) return;
    showPicture(preview, own.picture);
    find("own")!.hidden = false;
  }

  #note(key: string): void {
    for (const id of ["device-note", "own-note"]) {
      const place = find(id);
      if (!place) continue;
      place.textContent = word(key);
      place.hidden = key === "";
    }
    const own = find("own");
    if (own && key !== "") own.hidden = false;
  }

  // -- what the box says

  #event(name: string, data: Data): void {
    if (this.#sealed?.handle(name, data)) return;
    const taken = this.#parts.filter((part) => part.handle(name, data)).length > 0; // each hears it, also after one has taken it
    if (taken && !SHARED.has(name)) return;
    if (name === "standing") this.#onStanding(data["standing"] as Standing, data["delayed"] === true);
    else if (name === "session") this.#onSession(data as unknown as SessionFacts);
    else if (name === "roster") this.#onRoster(members<RosterMember>(data));
    else if (name === "waiting") this.#onWaiting(members<WaitingMember>(data));
    else if (name === "expected") this.#lists.expected.show(members<ExpectedMember>(data));
    else if (name === "capacity") reveal("at-limit", data["full"] === true);
    else if (name === "talkTime") this.#talk.told(data["seconds"]);
    else if (name === "moved") this.#move();
    else if (name === "media") this.#onMedia(data["ready"] === true, heldOf(data["held"]));
    else this.#room?.handle(name, data);
  }

  #onLine(state: "up" | "down" | "replaced" | "signedOut"): void {
    if (state === "signedOut") {
      this.#finish();
      location.reload(); // the box knows where somebody without a login belongs
      return;
    }
    this.#joining.line(state === "up");
    this.#set({ socket: state, ready: null });
    if (state === "up") {
      this.#sealed?.lineUp();
      this.#each((part) => part.lineUp?.());
    }
    if (state === "replaced") this.#finish();
    if (state === "down") void this.#stillWelcome();
  }

  /** A line that cannot be opened may mean that this person has no place here any more: then the box sends the page elsewhere. */
  async #stillWelcome(): Promise<void> {
    try {
      const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) location.reload();
    } catch {
      // The box cannot be reached at all: go on trying.
    }
  }

  /** `delayed`: somebody was about to let this person in, and the box is at its limit. */
  #onStanding(standing: Standing, delayed = false): void {
    reveal("wait-longer", delayed);
    if (standing === "admitted") this.#enter();
    else if (standing !== "waiting") {
      this.#finish();
      location.replace(this.#main.dataset["over"] ?? "/");
    }
  }

  #onSession(session: SessionFacts): void {
    const before = this.#facts.session;
    this.#set({ session });
    this.#each((part) => part.session?.(session));
    this.#main.dataset["state"] = session.state;
    if (before && before.locked !== session.locked && !this.#facilitator) say(word(session.locked ? "locked" : "unlocked"));
    if (session.state === "ended" && this.#facilitator) this.#finish();
  }

  #onRoster(roster: RosterMember[]): void {
    if (this.#roster) {
      const { came, went } = change(this.#roster, roster);
      say([...came.map((one) => word("cameIn", { name: one.name })), ...went.map((one) => word("wentOut", { name: one.name }))].join(" "));
    }
    this.#roster = roster;
    this.#showPeople();
  }

  #showPeople(): void {
    if (!this.#roster) return;
    const people = present(this.#roster, this.#holders);
    this.#tiles?.people(people);
    this.#lists.roster.show(people);
    this.#each((part) => part.people?.(people));
    this.#talk.show();
  }

  /** Names and who has come without a key of this room. */
  #onGroup(facts: GroupFacts): void {
    this.#holders = facts.holders;
    this.#each((part) => part.keys?.(facts.phase === "in"));
    this.#showPeople();
    const held = new Set(facts.holders.map((one) => one.member));
    const people = this.#roster?.filter((one) => facts.pending.includes(one.member)) ?? [];
    this.#pending.show(people.map((one) => ({ member: one.member, name: one.name, back: held.has(one.member) })));
  }

  #onWaiting(waiting: WaitingMember[]): void {
    const came = this.#waiting ? change(this.#waiting, waiting).came : [];
    this.#waiting = waiting;
    this.#lists.waiting.show(waiting);
    const jump = find("waiting-jump");
    if (jump) jump.hidden = waiting.length === 0;
    if (came.length === 0) return;
    say(came.map((one) => word("arrived", { name: one.name })).join(" "));
    chime();
  }

  /** `held`: nobody is to be seen or heard for now, on the box's word; picture and sound come back by themselves. */
  #onMedia(ready: boolean, held: Held): void {
    const before = this.#facts.held;
    this.#set({ ready, held });
    if (held !== "" && before === "") {
      this.#room?.leave();
      this.#own?.pause();
    } else if (held === "" && before !== "") this.#own?.resume();
    this.#joining.media(ready && held === "");
  }

  // -- picture and sound

  /** null: nothing can be sealed any more. Otherwise another Worker stands in, and the room is joined through it. */
  #reseal(sealer: Sealer | null): void {
    this.#joining.calm();
    if (!sealer) return this.#room?.leave();
    this.#room?.reseal(sealer);
    this.#broken();
  }

  #broken(): void {
    this.#joining.again();
  }

  #each(work: (part: Part) => void): void {
    for (const part of this.#parts) work(part);
  }

  /** From waiting room to room, without a reload. */
  #enter(): void {
    if (!this.#facts.inside) this.#each((part) => part.enter?.());
    this.#set({ inside: true });
    this.#sealed?.enter();
    const wait = find("wait");
    const call = find("call");
    stayAwake();
    if (!call || !call.hidden) return;
    if (wait) wait.hidden = true;
    call.hidden = false;
    for (const form of document.querySelectorAll<HTMLElement>(".languages, .look")) form.hidden = true;
    this.#showOwn();
    call.querySelector<HTMLElement>("h1")?.focus();
  }

  /** A private word has begun or is over: the box knows where this page's person is now. The group's keys wait for their return. */
  #move(): void {
    if (this.#main.dataset["home"]) this.#finish();
    this.#joining.calm();
    this.#room?.leave();
    this.#own?.stop();
    location.reload();
  }

  #finish(): void {
    this.#each((part) => part.finish?.());
    this.#joining.calm();
    this.#room?.leave();
    this.#sealed?.forget();
    this.#own?.stop();
    this.#tiles?.people([]);
    for (const part of document.querySelectorAll<HTMLElement>(".controls, #tiles, #hear, #device-note, #code-panel, #chat")) part.hidden = true;
  }

  #set(facts: Partial<LineFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    const key = lineWord(this.#facts);
    for (const [id, said] of [["line", key], ["wait-line", waitingLine(key)]] as const) {
      const place = find(id);
      const sentence = said === "" ? "" : word(said);
      if (place && place.textContent !== sentence) place.textContent = sentence;
    }
    this.#main.dataset["line"] = key;
  }
}

function heldOf(value: unknown): Held {
  return value === "paused" || value === "held" ? value : "";
}

const main = document.getElementById("room");
if (main) {
  const page = new Page(main);
  watchForms((action, member) => page.done(action, member));
  page.start();
}
