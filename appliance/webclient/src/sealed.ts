// What the keys mean on a page: joins the group (MLS), the sealing Worker, the words to compare, the chat, and the sentences
// for when picture and sound stay off. Holds no rule of its own about who may come in.

import { Chat } from "./chat.ts";
import { CodePanel } from "./codepanel.ts";
import { Keeper } from "./group/keeper.ts";
import { forgetSeats, keepSeats, seatKey } from "./group/seats.ts";
import type { Home } from "./group/ticket.ts";
import type { EpochKeys, GroupFacts, Holder } from "./group/types.ts";
import { wordList, wordsOf } from "./group/words.ts";
import type { Data, RosterMember } from "./protocol.ts";
import { fitting, type From, read, type Said, written } from "./said.ts";
import { Reading } from "./reading.ts";
import { type Comparison, comparison, isLeftBehind, silenceOf, Strangers } from "./sealedrules.ts";
import { Sealer, type StreamState } from "./sealing/sealer.ts";
import { Silence, type SilenceKey } from "./silence.ts";

/** What it needs of the page around it. */
export interface Surface {
  ask(method: string, data: object): Promise<Data>;
  /** Camera and microphone off for good, or on again. */
  devices(on: boolean): void;
  /** Picture and sound are given up; with a sealer they are joined anew through it. */
  reseal(sealer: Sealer | null): void;
  /** How received tracks are doing. */
  streams(states: ReadonlyMap<string, StreamState>): void;
  /** Whether others are to be neither seen nor heard, whatever comes of them. */
  dark(yes: boolean): void;
  /** Names, pending people or keys have changed. */
  changed(facts: GroupFacts): void;
  /** Something that is no line of the chat. */
  said(from: From, said: Said): void;
  whispered(from: From, text: string): void;
}

/** The box's words about this page, from the attributes of the page's main element. */
export interface Place {
  session: string;
  member: string;
  facilitator: boolean;
  credentialKey: Uint8Array;
  /** In a private room: one's own place in the session, and, for who leads, both places of the other. */
  home?: Home | null;
  guest?: { member: string; home: string } | null;
}

/** Silence of a moment, as at an admission, needs no sentence. */
const PATIENCE_MS = 1500;
/** One person alone can be behind for as long as their line is away (the box ends their media after 5 s); longer, it is this page. */
const BEHIND_MS = 10_000;
/** A Worker that had to wait too long for a busy device: another one is tried by itself, since a frightened person may not find the button. */
const REVIVE_MS = 10_000;
/** As often as that on one page: a device on which it goes on is told to be too slow by the sentence that stays. */
const REVIVALS = 3;
const NOTHING: GroupFacts = { phase: "idle", epoch: 0n, holders: [], code: null, language: "en", pending: [] };

export class Sealed {
  readonly #keeper: Keeper;
  readonly #panel: CodePanel;
  readonly #chat: Chat;
  readonly #silence: Silence;
  readonly #reading: Reading;
  #sealer: Sealer | null = null;
  #facts = NOTHING;
  #shown = NOTHING; // whose words stand on the page: a moment behind what the group has told
  #roster: readonly RosterMember[] = [];
  #known = new Set<string>(); // everybody whom the box's list has named on this page
  readonly #strangers = new Strangers();
  #inside = false;
  #compared: Comparison | null = null;
  #trouble: SilenceKey | null = null; // stands until the person says "again"
  #wanted: SilenceKey | null = null; // said now or, after a little patience, soon
  #patience: ReturnType<typeof setTimeout> | undefined;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #behind: ReturnType<typeof setTimeout> | undefined;
  #revive: ReturnType<typeof setTimeout> | undefined;
  #revived = 0;
  #drawn = 0;

  constructor(
    private readonly place: Place,
    private readonly surface: Surface,
  ) {
    this.#keeper = new Keeper({
      ...place,
      known: knownOf(place),
      ask: (method, data) => surface.ask(method, data),
      storage: sessionStorage,
      listener: {
        keys: (keys) => this.#onKeys(keys),
        silence: () => this.#sealer?.silence(),
        facts: (facts) => this.#onFacts(facts),
        said: (from, text) => this.#onSaid(from, text),
        whispered: (from, text) => surface.whispered(fromOf(from), fitting(text)),
      },
    });
    this.#reading = new Reading(place.facilitator, sessionStorage, place.session);
    this.#panel = new CodePanel(find("code-panel"), { facilitator: place.facilitator, compared: () => this.#compare() });
    this.#chat = new Chat(find("chat"), (text) => this.say({ t: "chat", text }));
    this.#silence = new Silence(find("silence"), () => void this.#again());
    if (Sealer.supported() === null) this.#trouble = "tooOld";
    else this.#sealer = this.#newSealer();
  }

  /** What stands between tracks and network; null on a browser that cannot do it: then there is no picture and no sound. */
  get sealer(): Sealer | null {
    return this.#sealer?.usable ? this.#sealer : null;
  }

  /** The page is in the room. */
  enter(): void {
    this.#inside = true;
    this.#show();
  }

  lineUp(): void {
    this.#keeper.lineUp();
  }

  /** An event of the box. true: it was about keys alone. */
  handle(event: string, data: Data): boolean {
    if (event === "group") this.#onCompared(data);
    if (event === "roster") this.#onRoster(data);
    return this.#keeper.handle(event, data);
  }

  /** The facilitator has let somebody in, on this very page. */
  approve(member: string): void {
    this.#keeper.approve(member);
  }

  /** The facilitator has removed somebody, on this very page. */
  expel(member: string): void {
    this.#keeper.expel(member);
  }

  /** To all who hold keys. Rejects without keys, or with the box's fault. */
  async say(said: Said): Promise<void> {
    await this.#keeper.say(written(said));
    const me = this.#facts.holders.find((one) => one.you);
    if (said.t === "chat") this.#chat.add(me?.name ?? "", said.text, true);
  }

  /** To these members alone; resolves with the whisper's id. */
  whisper(members: readonly string[], text: string): Promise<string> {
    return this.#keeper.whisper(members, fitting(text));
  }

  /** Over: nothing stays in the page. */
  forget(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#alarm);
    clearTimeout(this.#behind);
    clearTimeout(this.#revive);
    this.#keeper.forget();
    this.#reading.forget();
    forgetSeats(sessionStorage, this.place.session);
    this.#sealer?.close();
    this.#facts = this.#shown = NOTHING;
    this.#inside = false;
    this.#chat.clear();
    this.#panel.show(null);
    this.#silence.show(null);
  }

  // -- from the group

  #onKeys(keys: EpochKeys): void {
    if (this.#sealer?.usable && this.#sealer.setKeys(keys)) return;
    keys.baseKey.fill(0);
    this.#sealer?.silence();
  }

  #onFacts(facts: GroupFacts): void {
    if (this.place.facilitator && !this.place.home && facts.phase === "in") keepSeats(sessionStorage, this.place.session, facts.holders);
    this.#facts = facts;
    this.#chat.ready(facts.phase === "in");
    this.surface.changed(facts);
    this.#show();
  }

  /** Told with every change of the group, and by itself when nothing else has changed. */
  #onCompared(data: Data): void {
    this.#compared = comparison(data["compared"]);
    void this.#showWords();
  }

  #onRoster(data: Data): void {
    this.#roster = Array.isArray(data["members"]) ? (data["members"] as RosterMember[]) : [];
    for (const one of this.#roster) this.#known.add(one.member);
    this.#show();
  }

  #onSaid(holder: Holder, text: string): void {
    const said = read(text);
    if (said.t === "chat") this.#chat.add(holder.name, said.text, holder.you);
    else this.surface.said(fromOf(holder), said);
  }

  async #compare(): Promise<void> {
    const facts = this.#shown;
    if (!facts.code) throw new Error("no words");
    await this.#keeper.compared(facts.code);
    this.#reading.tapped(facts);
    this.#show();
  }

  // -- from the Worker

  #newSealer(): Sealer {
    return new Sealer({
      failed: (why) => this.#onFailed(why),
      streams: (states) => this.#onStreams(states),
    });
  }

  #onStreams(states: ReadonlyMap<string, StreamState>): void {
    this.surface.streams(states);
    if (!isLeftBehind([...states.values()])) {
      clearTimeout(this.#behind);
      this.#behind = undefined;
    } else this.#behind ??= setTimeout(() => this.#onLeftBehind(), BEHIND_MS);
  }

  /** Everybody else has other keys, and this page was told of none: who knows who holds those it would go on sending with. */
  #onLeftBehind(): void {
    this.#behind = undefined;
    if (this.#facts.phase !== "in" || this.#trouble !== null) return;
    this.#trouble = "keysBroken";
    this.#sealer?.silence();
    this.#show();
  }

  #onFailed(why: "worker" | "leak"): void {
    this.#trouble = why === "leak" ? "leak" : "workerDied";
    if (why === "leak") this.surface.devices(false);
    this.#sealer?.close();
    this.surface.reseal(null);
    this.#show();
    clearTimeout(this.#revive);
    if (why === "leak" || ++this.#revived > REVIVALS) return; // a leak is a person's decision
    this.#revive = setTimeout(() => void this.#again(), REVIVE_MS);
  }

  /** The way back: another Worker, and keys that no other has had. */
  async #again(): Promise<void> {
    clearTimeout(this.#revive);
    const leaked = this.#trouble === "leak";
    this.#trouble = null;
    this.#show();
    if (leaked) this.surface.devices(true);
    if (!this.#sealer?.usable) this.surface.reseal((this.#sealer = this.#newSealer()));
    await this.#keeper.rejoin().catch(() => undefined); // its facts say what came of it
  }

  // -- what the page shows

  #show(): void {
    this.#showSilence();
    void this.#showWords();
  }

  #showSilence(): void {
    this.surface.dark(this.#trouble !== null || this.#facts.phase !== "in");
    const wanted = this.#trouble ?? silenceOf(this.#facts, this.#inside, this.place.facilitator, this.#roster);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#patience);
    const soon = wanted === "keysAwaited" || wanted === "leaderAway" ? PATIENCE_MS : 0;
    if (soon) this.#patience = setTimeout(() => this.#silence.show(wanted), soon);
    else this.#silence.show(wanted);
  }

  async #showWords(): Promise<void> {
    const turn = ++this.#drawn;
    const { code, language, holders, phase } = this.#facts;
    clearTimeout(this.#alarm);
    if (phase !== "in" || !code || !this.#inside) return this.#panel.show(null);
    this.#reading.told(this.#facts, this.#compared);
    const list = await wordList(language).catch(() => null);
    if (turn !== this.#drawn) return undefined;
    this.#shown = this.#facts;
    const listed = new Set(this.#roster.map((one) => one.member));
    const { strangers, gone, again } = this.#strangers.look(holders, listed, this.#known, performance.now());
    this.#panel.show({
      words: list ? wordsOf(code, list) : [], // none: the panel says that they could not be had
      holders,
      lang: language,
      prompt: !this.place.home && this.#reading.wanted(this.#facts), // a word alone does not begin with reading words
      comparedAt: this.#compared?.at ?? null,
      changed: this.#compared !== null && BigInt(this.#compared.epoch) !== this.#facts.epoch,
      strangers,
      gone,
    });
    if (again !== null) this.#alarm = setTimeout(() => void this.#showWords(), again);
    return undefined;
  }
}

const fromOf = ({ member, name, role, you }: Holder): From => ({ member, name, facilitator: role === "facilitator", you });

/** Who of a private room comes in by themselves: with the very key that they held in the group. */
function knownOf({ home, guest }: Place): Map<string, string> {
  const key = home && guest ? seatKey(sessionStorage, home.session, guest.home) : null;
  return new Map(key && guest ? [[guest.member, key]] : []);
}

function find<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}
