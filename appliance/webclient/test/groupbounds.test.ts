// What one person in the room or before it can spoil for the others: nothing that lasts. And taps that mean one thing, once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { toText } from "../src/group/bytes.ts";
import { makeOwn, type Own, type SignatureKeys } from "../src/group/keypackage.ts";
import { FREE_RETURNS } from "../src/group/returns.ts";
import { apart } from "../src/group/rules.ts";
import type { Box } from "./box.ts";
import { Life } from "./life.ts";
import { packed, suite } from "./rogue.ts";

/** A KeyPackage of this member under these keys, by a browser that goes its own way. */
function ownWith(box: Box, member: string, keys: SignatureKeys): Promise<Own> {
  const identity = box.vouch({ session: box.session, role: "participant", name: `Name of ${member}`, language: "en", key: toText(keys.publicKey), member });
  return makeOwn(new TextEncoder().encode(identity), keys, suite);
}

test("two who share a signature key do not get in together, and spoil nothing", async () => {
  for (const atOnce of [false, true]) {
    const life = new Life();
    const fay = life.facilitator();
    const keys = await suite.signature.keygen();
    for (const member of ["Eve", "Mal"]) {
      life.box.person(member, "participant");
      life.box.offers.set(member, packed(await ownWith(life.box, member, keys)));
      if (!atOnce) life.admit(fay, member);
      await life.rest();
    }
    life.admit(fay, "Eve", "Mal");
    const [ben] = await life.bring(fay, "Ben");
    await life.later();
    assert.equal(fay.silences, 0);
    assert.deepEqual([...fay.names].sort(), ["Ben", "Eve", "Fay"]);
    assert.equal(ben!.key, fay.key);
  }
});

test("offers whose keys stand in the tree already, or twice among them, are none", () => {
  const seats = [{ leaf: 0, member: "fay", role: "facilitator", key: "F" }, { leaf: 1, member: "ada", role: "participant", key: "A" }] as const;
  const offer = (member: string, key: string, leafKey: string): { member: string; key: string; leafKey: string } => ({ member, key, leafKey });
  const back = offer("ada", "A", "h1");
  const all = [back, offer("ben", "F", "h2"), offer("cat", "C", "node"), offer("dan", "D", "h1"), offer("eve", "E", "h3"), offer("mal", "E", "h4")];
  assert.deepEqual(apart(all, seats, ["node"]), [back, all[4]]);
});

test("one person's returns are not new keys for everybody as often as that person likes", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ben] = await life.bring(fay, "Ben");
  const keys = await suite.signature.keygen();
  life.box.person("Eve", "participant");
  life.box.offers.set("Eve", packed(await ownWith(life.box, "Eve", keys)));
  life.admit(fay, "Eve");
  await life.rest();
  const before = ben!.facts.epoch;
  for (let time = 0; time < 3 * FREE_RETURNS; time++) {
    life.box.offers.set("Eve", packed(await ownWith(life.box, "Eve", keys)));
    life.box.tell();
    await life.rest();
  }
  assert.equal(ben!.facts.epoch - before, BigInt(FREE_RETURNS));
  await life.bring(fay, "Cat"); // others wait for nothing
  fay.ring(); // some time has passed
  await life.rest();
  assert.equal(ben!.facts.epoch - before, BigInt(FREE_RETURNS) + 2n);
});

test("a patient's page that was shown its Welcome once more comes along into another group", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ben] = await life.bring(fay, "Ben");
  ben!.line.down();
  ben!.line.connect(); // the box shows all facts anew, also the Welcome that has done its work
  await life.rest();
  life.box.group!.groupInfo = "";
  let slow = true;
  life.box.rig.event = (page, event, data) => (slow && page === fay.line && event === "offers" ? null : data);
  await fay.keeper.rejoin();
  for (let person = 0; person < 6; person++) {
    await life.rest();
    life.box.person(`Person ${person}`, "participant", "admitted"); // something to hear of
  }
  slow = false;
  fay.line.down();
  fay.line.connect();
  await life.later();
  life.together(fay, ben!);
  assert.equal(ben!.silences, 1);
});

test("who was let in while away, into a group that is no more, gets in at last", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ben] = await life.bring(fay, "Ben");
  const ada = life.waiting("Ada");
  await life.rest();
  ada.line.down();
  life.admit(fay, "Ada");
  await life.rest();
  life.box.group!.groupInfo = "";
  await fay.keeper.rejoin();
  await life.rest();
  ada.line.connect();
  await life.rest();
  assert.equal(ada.facts.phase, "asking");
  assert.ok(ada.ring());
  await life.rest();
  life.together(fay, ben!, ada);
  const asked = life.box.asked.length;
  ada.ring();
  await life.rest();
  assert.equal(life.box.asked.length, asked);
});

test("a page that nobody lets in asks again a bounded number of times", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  life.box.person("Ada", "participant", "admitted");
  const ada = life.page("Ada");
  await life.later(50);
  const offers = life.box.asked.filter((one) => one.method === "groupOffer").length;
  assert.ok(offers > 1 && offers < 10, `${offers}`);
  assert.deepEqual([ada.timers.length, fay.facts.pending], [0, ["Ada"]]);
});

// -- taps

test("a tap that came after another facilitator's lets in no other key later", async () => {
  const life = new Life();
  const [fay, gil] = [life.facilitator(), life.facilitator("Gil")];
  await life.later();
  const ada = life.waiting("Ada");
  await life.rest();
  life.box.stand("Ada", "admitted");
  await life.rest();
  fay.keeper.approve("Ada");
  await life.rest();
  gil.keeper.approve("Ada"); // the row was still there under the finger
  await life.rest();
  life.together(fay, gil, ada);
  const other = life.page("Ada");
  await life.later();
  assert.deepEqual([other.keys.length, fay.facts.pending, gil.facts.pending], [0, ["Ada"], ["Ada"]]);
});

test("a tap for which no key came is void after a while", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  life.box.person("Ada", "participant");
  life.admit(fay, "Ada");
  await life.later();
  const ada = life.page("Ada");
  await life.later();
  assert.deepEqual([ada.keys.length, fay.facts.pending], [0, ["Ada"]]);
});

test("a tap that the box did not follow is void after a while", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const ada = life.waiting("Ada");
  await life.rest();
  fay.keeper.approve("Ada");
  await life.later();
  life.box.stand("Ada", "admitted"); // by the desk
  await life.later();
  assert.deepEqual([ada.keys.length, fay.facts.pending], [0, ["Ada"]]);
});

test("words that were compared are those of the present keys, or the tap is refused", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.bring(fay, "Ada");
  const before = fay.facts.code!;
  await life.bring(fay, "Ben");
  await assert.rejects(fay.keeper.compared(before));
  assert.deepEqual(life.box.comparisons, []);
  await fay.keeper.compared(fay.facts.code!);
  assert.equal(life.box.comparisons.length, 1);
});
