// Requests, responses and events over one WebSocket that comes back by itself. Knows nothing of pictures or pages.

import type { Data } from "./protocol.ts";

/** How long an answer may take before the line counts as dead: the relay answers in milliseconds, Wi-Fi roams in seconds. */
export const REQUEST_SECONDS = 10;
/** Requests without an answer at one time; the box works on 32 of one page at once. */
export const MAX_UNDER_WAY = 16;
/** Requests that wait for their turn. A room of sixteen needs about seventy when it starts. */
export const MAX_WAITING = 256;
/** Longest frame that is read, in characters; the box sends at most 144 KiB. */
export const MAX_FRAME = 256 * 1024;
const FIRST_PAUSE = 500; // milliseconds
const LONGEST_PAUSE = 5000;
/** Close codes of the box: the same person opened a newer page; the login behind this page has ended. Neither comes back by itself. */
export const REPLACED = 4001;
export const SIGNED_OUT = 4002;

/** Milliseconds before the n-th try in a row (from 0), with jitter so that a whole group does not knock at once. */
export function pause(tries: number, random: () => number): number {
  const top = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(tries, 10));
  return Math.round(top * (0.5 + random() / 2));
}

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** What the class needs of its surroundings; tests hand in their own. */
export interface Surroundings {
  open(url: string): Socket;
  random(): number;
  later(work: () => void, milliseconds: number): () => void;
}

export const BROWSER: Surroundings = {
  open: (url) => new WebSocket(url) as Socket,
  random: Math.random,
  later: (work, milliseconds) => {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** A request that failed. Codes of the box, or: "line" (the line broke), "limit" (too many at once). */
export class RequestFault extends Error {
  constructor(
    readonly code: string,
    readonly sentence: string,
  ) {
    super(code);
  }
}

export interface Listener {
  event(name: string, data: Data): void;
  /** up: a new line, the box will tell everything anew. down: it broke, or a try failed, and is tried again. 
   *  replaced, signedOut: the box closed it for good. */
  line(state: "up" | "down" | "replaced" | "signedOut"): void;
}

interface Pending {
  resolve(data: Data): void;
  reject(fault: RequestFault): void;
  stopTimer(): void;
}

interface Waiting extends Pending {
  method: string;
  data: object;
}

export class Signalling {
  #socket: Socket | null = null;
  #open = false;
  #ended = false;
  #tries = 0;
  #nextId = 1;
  #underWay = new Map<number, Pending>();
  #waiting: Waiting[] = [];
  #stopRetry: () => void = () => undefined;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    private readonly around: Surroundings = BROWSER,
  ) {}

  /** Opens the line and keeps it open until `stop`. */
  start(): void {
    this.#stopRetry();
    if (this.#ended || this.#socket) return;
    const socket = this.around.open(this.url);
    this.#socket = socket;
    socket.onopen = () => this.#onOpen(socket);
    socket.onmessage = (message) => this.#onMessage(socket, message.data);
    socket.onclose = (close) => this.#onClose(socket, close.code);
  }

  /** Closes the line for good. */
  stop(): void {
    this.#ended = true;
    this.#stopRetry();
    const socket = this.#socket;
    this.#drop("line");
    socket?.close();
  }

  /** Gives up the present line and opens another at once: the network changed, or an answer did not come. */
  restart(): void {
    if (this.#ended) return;
    const socket = this.#socket;
    this.#drop("line");
    socket?.close();
    this.listener.line("down");
    this.#tries = 0;
    this.start();
  }

  /** Sends a request. Rejects with RequestFault; a request never outlives its line. */
  request(method: string, data: object): Promise<Data> {
    if (!this.#open) return Promise.reject(new RequestFault("line", ""));
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new RequestFault("limit", ""));
    return new Promise<Data>((resolve, reject) => {
      this.#waiting.push({ resolve, reject, method, data, stopTimer: () => undefined });
      this.#send();
    });
  }

  #send(): void {
    while (this.#socket && this.#underWay.size < MAX_UNDER_WAY) {
      const next = this.#waiting.shift();
      if (!next) return;
      const id = this.#nextId++;
      next.stopTimer = this.around.later(() => this.restart(), REQUEST_SECONDS * 1000);
      this.#underWay.set(id, next);
      this.#socket.send(JSON.stringify({ type: "request", id, method: next.method, data: next.data }));
    }
  }

  #onOpen(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#open = true;
    this.#tries = 0;
    this.listener.line("up");
  }

  #onMessage(socket: Socket, text: unknown): void {
    if (socket !== this.#socket) return;
    const message = parse(text);
    if (!message) return;
    const data = (message["data"] ?? {}) as Data;
    if (message["type"] === "event") this.listener.event(String(message["event"]), data);
    if (message["type"] === "response") this.#answer(Number(message["id"]), data, message["fault"] as Data | undefined);
  }

  #answer(id: number, data: Data, fault: Data | undefined): void {
    const pending = this.#underWay.get(id);
    if (!pending) return;
    this.#underWay.delete(id);
    pending.stopTimer();
    if (fault) pending.reject(new RequestFault(String(fault["code"]), String(fault["sentence"] ?? "")));
    else pending.resolve(data);
    this.#send();
  }

  #onClose(socket: Socket, code: number): void {
    if (socket !== this.#socket) return;
    this.#drop("line");
    if (code === REPLACED || code === SIGNED_OUT) {
      this.#ended = true;
      this.listener.line(code === REPLACED ? "replaced" : "signedOut");
      return;
    }
    this.listener.line("down");
    this.#stopRetry = this.around.later(() => this.start(), pause(this.#tries++, this.around.random));
  }

  #drop(code: string): void {
    this.#socket = null;
    this.#open = false;
    const lost = [...this.#underWay.values(), ...this.#waiting];
    this.#underWay.clear();
    this.#waiting = [];
    for (const { reject, stopTimer } of lost) {
      stopTimer();
      reject(new RequestFault(code, ""));
    }
  }
}

function parse(text: unknown): Data | null {
  if (typeof text !== "string" || text.length > MAX_FRAME) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Data) : null;
  } catch {
    return null;
  }
}
