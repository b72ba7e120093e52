// A path that goes quiet, and sleep: in virtual time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_MS, GIVE_UP_MS, HIDDEN_SLEPT_MS, Path, SLEPT_MS, Ticks } from "../src/recovery.ts";
import { RequestFault } from "../src/signalling.ts";

class World {
  log: string[] = [];
  timers: { work: () => void; at: number; stopped: boolean }[] = [];
  now = 0;
  answer: (fault?: Error) => Promise<void> = () => Promise.resolve();
  readonly path = new Path(
    {
      restart: () => {
        this.log.push("restart");
        return new Promise((done, failed) => (this.answer = async (fault) => (fault ? failed(fault) : done(), void (await this.settled()))));
      },
      broken: () => this.log.push("broken"),
      lineDead: () => this.log.push("lineDead"),
    },
    (work, milliseconds) => {
      const timer = { work, at: this.now + milliseconds, stopped: false };
      this.timers.push(timer);
      return () => (timer.stopped = true);
    },
  );

  async settled(): Promise<void> {
    await new Promise((done) => setImmediate(done));
  }
  pass(milliseconds: number): void {
    this.now += milliseconds;
    const due = this.timers.filter((one) => !one.stopped && one.at <= this.now);
    this.timers = this.timers.filter((one) => !due.includes(one));
    for (const one of due) if (!one.stopped) one.work();
  }
}

test("a path that goes quiet gets new credentials at once, and nothing else when these help", async () => {
  const world = new World();
  world.path.state("connected");
  world.path.state("disconnected");
  assert.deepEqual(world.log, ["restart"]);
  await world.answer();
  world.path.state("connecting");
  world.path.state("connected");
  world.pass(60_000);
  assert.deepEqual(world.log, ["restart"]);
});

test("a path that finds no way ends in a fresh join, once, however often it fails meanwhile", async () => {
  const world = new World();
  world.path.state("connected");
  world.path.state("disconnected");
  await world.answer();
  world.pass(GIVE_UP_MS - 1);
  world.path.state("failed");
  await world.answer();
  assert.deepEqual(world.log, ["restart", "restart"]);
  world.pass(1);
  assert.deepEqual(world.log, ["restart", "restart", "broken"]);
});

test("a relay that knows the path no more means a fresh join at once; a line that broke means to wait for the next", async () => {
  for (const [code, then] of [["unknown_transport", ["restart", "broken"]], ["line", ["restart"]], ["away", ["restart"]]] as const) {
    const world = new World();
    world.path.state("connected");
    world.path.state("disconnected");
    await world.answer(new RequestFault(code, ""));
    assert.deepEqual(world.log, then);
  }
});

test("a box that does not answer has a dead line too", () => {
  const world = new World();
  world.path.state("connected");
  void world.path.renew();
  world.pass(ANSWER_MS);
  assert.deepEqual(world.log, ["restart", "lineDead"]);
});

test("a path that goes quiet while it looks for a new way is not forgotten", async () => {
  const world = new World();
  world.path.state("connected");
  void world.path.renew();
  world.path.state("disconnected");
  await world.answer();
  world.pass(GIVE_UP_MS);
  assert.deepEqual(world.log, ["restart", "broken"]);
});

test("a path that carried nothing yet, or has ended, is left alone", () => {
  const world = new World();
  void world.path.renew();
  world.path.state("connected");
  world.path.state("disconnected");
  world.path.end();
  world.path.state("failed");
  void world.path.renew();
  world.pass(60_000);
  assert.deepEqual(world.log, ["restart"]);
});

test("a gap between ticks is sleep, but not the slow ticks of a hidden page", () => {
  const ticks = new Ticks(0);
  assert.deepEqual([1000, 2000, 2000 + SLEPT_MS - 1].map((now) => ticks.slept(now, false)), [false, false, false]);
  assert.equal(ticks.slept(2000 + 2 * SLEPT_MS, false), true);
  const hidden = new Ticks(0);
  assert.equal(hidden.slept(60_000, true), false);
  assert.equal(hidden.slept(60_000 + HIDDEN_SLEPT_MS, true), true);
});
