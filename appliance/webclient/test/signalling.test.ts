import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Listener, MAX_FRAME, MAX_UNDER_WAY, MAX_WAITING, pause, REPLACED, RequestFault, REQUEST_SECONDS, Signalling, SIGNED_OUT, type Socket,
  type Surroundings,
} from "../src/signalling.ts";

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  sent: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  says(message: object | string): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

class World implements Surroundings, Listener {
  sockets: FakeSocket[] = [];
  timers: { work: () => void; milliseconds: number; stopped: boolean }[] = [];
  lines: string[] = [];
  events: [string, unknown][] = [];
  signalling = new Signalling("wss://box/ws", this, this);

  open(): Socket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }
  random(): number {
    return 0;
  }
  later(work: () => void, milliseconds: number): () => void {
    const timer = { work, milliseconds, stopped: false };
    this.timers.push(timer);
    return () => (timer.stopped = true);
  }
  event(name: string, data: unknown): void {
    this.events.push([name, data]);
  }
  line(state: string): void {
    this.lines.push(state);
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }
  connected(): this {
    this.signalling.start();
    this.socket.onopen!();
    return this;
  }
  /** Lets the newest timer that still runs ring. */
  ring(): number {
    const timer = this.timers.filter((one) => !one.stopped).pop()!;
    timer.stopped = true;
    timer.work();
    return timer.milliseconds;
  }
}

const faultOf = (promise: Promise<unknown>): Promise<RequestFault> =>
  promise.then(() => assert.fail("was answered"), (fault: unknown) => fault as RequestFault);

test("a response finds its own request, in any order", async () => {
  const world = new World().connected();
  const first = world.signalling.request("join", {});
  const second = world.signalling.request("createTransport", { direction: "send" });
  const [a, b] = world.socket.sent;
  world.socket.says({ type: "response", id: b!["id"], data: { transport: "t" } });
  world.socket.says({ type: "response", id: a!["id"], data: { tracks: [] } });
  assert.deepEqual(await first, { tracks: [] });
  assert.deepEqual(await second, { transport: "t" });
  assert.deepEqual(b, { type: "request", id: b!["id"], method: "createTransport", data: { direction: "send" } });
});

test("a fault rejects with the box's code and sentence", async () => {
  const world = new World().connected();
  const asked = faultOf(world.signalling.request("join", {}));
  world.socket.says({ type: "response", id: world.socket.sent[0]!["id"], fault: { code: "refused", sentence: "No." } });
  const fault = await asked;
  assert.equal(fault.code, "refused");
  assert.equal(fault.sentence, "No.");
});

test("events reach the listener", () => {
  const world = new World().connected();
  world.socket.says({ type: "event", event: "media", data: { ready: true } });
  assert.deepEqual(world.events, [["media", { ready: true }]]);
});

test("garbage, a stranger's answer and a frame that is too long change nothing", () => {
  const world = new World().connected();
  world.socket.says("{");
  world.socket.says("null");
  world.socket.says({ type: "response", id: 99, data: {} });
  world.socket.says(JSON.stringify({ type: "event", event: "x", data: { long: "a".repeat(MAX_FRAME) } }));
  assert.deepEqual(world.events, []);
});

test("no more than the limit is under way; the rest goes out in order as answers come", async () => {
  const world = new World().connected();
  const asked = Array.from({ length: MAX_UNDER_WAY + 2 }, (_, n) => world.signalling.request(`m${n}`, {}));
  assert.equal(world.socket.sent.length, MAX_UNDER_WAY);
  world.socket.says({ type: "response", id: world.socket.sent[0]!["id"], data: {} });
  await asked[0];
  assert.equal(world.socket.sent.length, MAX_UNDER_WAY + 1);
  assert.equal(world.socket.sent[MAX_UNDER_WAY]!["method"], `m${MAX_UNDER_WAY}`);
  asked.forEach((one) => one.catch(() => undefined));
  world.signalling.stop();
});

test("too many waiting requests are refused at once", async () => {
  const world = new World().connected();
  const asked = Array.from({ length: MAX_UNDER_WAY + MAX_WAITING }, () => faultOf(world.signalling.request("m", {})));
  assert.equal((await faultOf(world.signalling.request("m", {}))).code, "limit");
  world.signalling.stop();
  assert.equal((await asked[0]!).code, "line");
});

test("without a line a request fails at once", async () => {
  const world = new World();
  assert.equal((await faultOf(world.signalling.request("join", {}))).code, "line");
});

test("a request never outlives its line, sent or waiting", async () => {
  const world = new World().connected();
  const asked = Array.from({ length: MAX_UNDER_WAY + 1 }, () => faultOf(world.signalling.request("m", {})));
  world.socket.onclose!({ code: 1006 });
  assert.deepEqual(new Set((await Promise.all(asked)).map((fault) => fault.code)), new Set(["line"]));
});

test("a request without an answer counts as a dead line and opens another", async () => {
  const world = new World().connected();
  const asked = faultOf(world.signalling.request("join", {}));
  assert.equal(world.ring(), REQUEST_SECONDS * 1000);
  assert.equal((await asked).code, "line");
  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0]!.closed, true);
});

test("a line that breaks is tried again, later each time, and starts over after a success", () => {
  const world = new World().connected();
  const pauses: number[] = [];
  for (let n = 0; n < 5; n++) {
    world.socket.onclose!({ code: 1006 });
    pauses.push(world.ring());
  }
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 2500]);
  world.socket.onopen!();
  world.socket.onclose!({ code: 1006 });
  assert.equal(world.ring(), 250);
  assert.deepEqual(world.lines.filter((line) => line === "up").length, 2);
});

test("pauses stay between half of their step and five seconds", () => {
  for (let tries = 0; tries < 40; tries++) {
    const least = pause(tries, () => 0);
    const most = pause(tries, () => 0.999999);
    assert.ok(least >= 250 && most <= 5000 && least * 2 >= most - 1);
  }
});

for (const [code, state] of [[REPLACED, "replaced"], [SIGNED_OUT, "signedOut"]] as const) {
  test(`a page that was ${state} does not come back by itself`, () => {
    const world = new World().connected();
    world.socket.onclose!({ code });
    world.signalling.restart();
    assert.equal(world.sockets.length, 1);
    assert.equal(world.lines.pop(), state);
    assert.equal(world.timers.filter((timer) => !timer.stopped).length, 0);
  });
}

test("what an abandoned line still says is not heard", () => {
  const world = new World().connected();
  const old = world.socket;
  world.signalling.restart();
  old.says({ type: "event", event: "standing", data: { standing: "admitted" } });
  old.onclose!({ code: 1006 });
  assert.deepEqual(world.events, []);
  assert.equal(world.sockets.length, 2);
});

test("a stopped line stays closed", () => {
  const world = new World().connected();
  world.signalling.stop();
  world.signalling.start();
  assert.equal(world.sockets.length, 1);
  assert.equal(world.socket.closed, true);
});
