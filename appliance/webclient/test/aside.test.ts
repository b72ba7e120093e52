// A private word, as far as keys go: a group of its own beside the one that waits, and the way back into that one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Aside } from "../src/hour/aside.ts";
import { keepSeats, seatKey } from "../src/group/seats.ts";
import { Box } from "./box.ts";
import { Life, type Open, Tab } from "./life.ts";

/** Fay leads and goes into a room of their own with Ada; `tab` is the one that Ada's page there is in. */
async function aside(life: Life, fay: Open, ada: Open, tab = ada.tab): Promise<{ room: Life; pages: [Open, Open] }> {
  keepSeats(fay.tab, life.box.session, fay.facts.holders);
  life.close(fay);
  life.close(ada);
  const room = new Life(new Box("private-8"));
  room.box.person("FayAside", "facilitator");
  room.box.person("AdaAside", "participant", "admitted");
  const key = seatKey(fay.tab, life.box.session, "Ada");
  const known = new Map(key === null ? [] : [["AdaAside", key]]);
  const first = room.page("FayAside", fay.tab, { home: { session: life.box.session, member: "Fay" }, known });
  const second = room.page("AdaAside", tab, { home: { session: life.box.session, member: "Ada" } });
  await room.rest();
  return { room, pages: [first, second] };
}

test("in a private room nobody needs a tap: who held keys in the group comes in with the same one, into another group", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada", "Ben");
  const { room, pages } = await aside(life, fay, ada!);
  room.together(...pages);
  assert.notEqual(room.box.group!.id, life.box.group!.id);
});

test("another key than the group's takes a tap in a private room", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada", "Ben");
  const { room, pages } = await aside(life, fay, ada!, new Tab());
  await room.later();
  assert.deepEqual(pages[0].names, ["FayAside"]);
  assert.deepEqual(pages[0].facts.pending, ["AdaAside"]);
  pages[0].keeper.approve("AdaAside");
  await room.rest();
  room.together(...pages);
});

test("a reload in a private room leads back into it, of both at once too", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada", "Ben");
  const { room, pages } = await aside(life, fay, ada!);
  const again = pages.map((page) => room.reload(page));
  await room.later();
  room.together(...again);
});

for (const stays of [false, true]) {
  test(`after a private word both come back without a tap, into the same group with other keys, ${stays ? "where somebody who leads stayed" : "where nobody who leads stayed"}`, async () => {
    const life = new Life();
    const fay = life.facilitator();
    const [ada, ben] = await life.bring(fay, "Ada", "Ben");
    const hal = stays ? [life.facilitator("Hal")] : [];
    await life.later();
    const { id } = life.box.group!;
    const before = ben!.key;
    const { pages } = await aside(life, fay, ada!);
    for (const page of pages) page.keeper.forget(); // the private room is over, and what was kept of it
    const back = [life.page("Ada", ada!.tab), life.page("Fay", fay.tab)];
    await life.later();
    life.together(ben!, ...hal, ...back);
    assert.equal(life.box.group!.id, id);
    assert.notEqual(ben!.key, before);
  });
}

test("an absence in a private room is told after a moment, and taken back", () => {
  const due: (() => void)[] = [];
  const later = (work: () => void): (() => void) => {
    due.push(work);
    return () => void due.splice(due.indexOf(work), 1);
  };
  const lost = { hidden: true, textContent: "not here" } as HTMLElement;
  const part = new Aside("Fay", lost, later);
  const told = (connected: boolean): boolean => part.handle("roster", { members: [{ member: "Fay", connected }] });
  told(false);
  assert.ok(lost.hidden);
  told(true);
  assert.equal(due.length, 0);
  told(false);
  told(false);
  assert.equal(due.length, 1);
  const say = globalThis.document;
  Object.assign(globalThis, { document: { getElementById: () => null } });
  due[0]!();
  Object.assign(globalThis, { document: say });
  assert.equal(lost.hidden, false);
  told(true);
  assert.ok(lost.hidden);
});
