// Whole lives of a group: pages with Keepers around a box in memory that does its duty.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Life } from "./life.ts";

test("a facilitator founds the group, and alone hears nobody else's code", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  life.together(fay);
  assert.equal(fay.facts.epoch, 0n);
  assert.equal(fay.facts.code?.length, 32);
  assert.match(fay.key!, /^[0-9a-f]{32}$/);
});

test("who waits has offered keys and holds none; admitted by a tap they hold them", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const ada = life.waiting("Ada");
  await life.rest();
  assert.equal(ada.facts.phase, "asking");
  assert.equal(ada.keys.length, 0);
  assert.deepEqual(fay.names, ["Fay"]);
  life.admit(fay, "Ada");
  await life.rest();
  life.together(fay, ada);
});

test("a tap before the keys are there lets in the first that come", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  life.box.person("Ada", "participant");
  life.admit(fay, "Ada");
  await life.rest();
  const ada = life.page("Ada");
  await life.rest();
  life.together(fay, ada);
});

test("whom only the box lets in is pending until somebody taps here", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const ada = life.waiting("Ada");
  await life.rest();
  life.box.stand("Ada", "admitted");
  await life.later();
  assert.deepEqual(fay.facts.pending, ["Ada"]);
  assert.equal(ada.keys.length, 0);
  fay.keeper.approve("Ada");
  await life.rest();
  assert.deepEqual(fay.facts.pending, []);
  life.together(fay, ada);
});

test("a tap alone adds nobody whom the box has not let in", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const ada = life.waiting("Ada");
  await life.rest();
  fay.keeper.approve("Ada");
  await life.later();
  assert.equal(ada.keys.length, 0);
});

test("what is said reaches all who hold keys, with the sender's name, and nobody who waits", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const cat = life.waiting("Cat");
  await life.rest();
  await ada!.keeper.say("¿me oyen?");
  await life.rest();
  for (const page of [fay, ben!]) assert.deepEqual(page.heard.map((one) => [one.from.member, one.from.you, one.text]), [["Ada", false, "¿me oyen?"]]);
  assert.deepEqual([ada!.heard, cat.heard], [[], []]);
});

test("what was said just before a Commit is still read after it, once, and later not at all", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const kept: [string, Record<string, unknown>][] = [];
  life.box.rig.event = (page, event, data) => {
    if (event === "groupSaid" && page.person.member === "Ben") kept.push([event, data]);
    return event === "groupSaid" ? null : data;
  };
  await ada!.keeper.say("one");
  await ada!.keeper.say("two");
  await life.bring(fay, "Cat");
  ben!.keeper.handle(...kept[0]!);
  ben!.keeper.handle(...kept[0]!); // a replay
  await life.rest();
  assert.deepEqual(ben!.heard.map((one) => one.text), ["one"]);
  await life.later();
  ben!.keeper.handle(...kept[1]!);
  await life.rest();
  assert.deepEqual(ben!.heard.map((one) => one.text), ["one"]);
});

test("what was said before several Commits is read although they are told in the same breath", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const kept: [string, Record<string, unknown>][] = [];
  life.box.rig.event = (page, event, data) => {
    if (page !== ben!.line || (event !== "groupSaid" && event !== "group")) return data;
    kept.push([event, data]);
    return null;
  };
  await ada!.keeper.say("hello");
  await life.bring(fay, "Cat");
  await life.bring(fay, "Dan");
  for (const [event, data] of [kept[0]!, kept.at(-1)!]) ben!.keeper.handle(event, data);
  await life.rest();
  assert.equal(ben!.key, fay.key);
  assert.deepEqual(ben!.heard.map((one) => one.text), ["hello"]);
});

test("a page that is loaded anew while its older KeyPackage is being added offers another, and gets in", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const ada = life.waiting("Ada");
  await life.rest();
  life.box.rig.event = (page, event, data) => (page === fay.line && event === "offers" && life.box.group!.epoch === 0 ? null : data); // she still sees the older
  const again = life.reload(ada);
  await life.rest();
  life.admit(fay, "Ada");
  await life.later();
  life.together(fay, again);
});

test("who is removed gets no later key, and nobody reads them any more", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const before = ben!.keys.length;
  life.box.stand("Ben", "removed");
  await life.rest();
  life.together(fay, ada!);
  assert.equal(ben!.keys.length, before);
  assert.notEqual(fay.key, ben!.key);
});

test("after a reload the same tab is let in by itself, and has the place of the older page", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const older = ada!.key;
  const again = life.reload(ada!);
  await life.rest();
  life.together(fay, again, ben!);
  assert.notEqual(again.key, older);
  assert.deepEqual(fay.facts.pending, []);
});

test("another key of the same person needs a tap, and the older page then holds keys no longer", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  ada!.line.down();
  const phone = life.page("Ada");
  await life.later();
  assert.deepEqual(fay.facts.pending, ["Ada"]);
  assert.equal(phone.keys.length, 0);
  fay.keeper.approve("Ada");
  await life.rest();
  life.together(fay, phone);
  assert.notEqual(ada!.key, phone.key);
});

test("a page whose leaf goes to a newer page of the same person knows that it is out, and does not come in again", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  const phone = life.page("Ada");
  await life.rest();
  fay.keeper.approve("Ada");
  await life.later();
  life.together(fay, phone);
  assert.deepEqual([ada!.facts.phase, ada!.sealing], ["asking", false]);
});

test("a tap is used up when the person goes, whether or not a key ever came", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  life.box.person("Ada", "participant");
  life.admit(fay, "Ada");
  await life.rest();
  life.box.stand("Ada", "removed");
  await life.rest();
  life.box.stand("Ada", "admitted");
  const ada = life.page("Ada");
  await life.later();
  assert.deepEqual([fay.facts.pending, ada.keys.length], [["Ada"], 0]);
});

test("somebody who is merely away keeps their leaf and catches up on twenty Commits", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  ada!.line.down();
  for (let turn = 0; turn < 10; turn++) {
    await life.bring(fay, `P${turn}`);
    life.box.stand(`P${turn}`, "removed");
    await life.rest();
  }
  assert.equal(life.box.group!.epoch, 21);
  const given = ada!.keys.length;
  ada!.line.connect();
  await life.rest();
  life.together(fay, ada!);
  assert.equal(ada!.keys.length, given + 1); // the epochs between are nobody's concern
});

test("rejoin gives new keys without a tap", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  for (const page of [ada!, fay]) {
    const { epoch } = page.facts;
    await page.keeper.rejoin();
    await life.rest();
    life.together(fay, ada!);
    assert.ok(page.facts.epoch > epoch);
    assert.equal(page.silences, 1);
  }
});

test("a facilitator's reload leads back into the same group, and everybody stays", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const { id } = life.box.group!;
  const again = life.reload(fay);
  await life.rest();
  assert.equal(life.box.group!.id, id);
  life.together(again, ada!, ben!);
  assert.deepEqual([ada!.silences, ben!.silences], [0, 0]);
});

test("a facilitator who was alone founds another group after a reload: there is nobody to come back to", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  const { id } = life.box.group!;
  const again = life.reload(fay);
  const ada = life.waiting("Ada");
  await life.rest();
  assert.notEqual(life.box.group!.id, id);
  life.admit(again, "Ada");
  await life.rest();
  life.together(again, ada);
});

test("another device of the same facilitator takes over; the first falls silent and does not fight", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  const laptop = life.page("Fay");
  await life.later();
  life.together(laptop, ada!);
  assert.equal(fay.facts.phase, "broken");
  assert.equal(fay.sealing, false);
});

test("a co-facilitator comes in by herself, takes over when the other is gone, and lets people in", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  const gil = life.facilitator("Gil");
  await life.rest();
  life.together(fay, ada!, gil);
  life.close(fay);
  const [ben] = await life.bring(gil, "Ben");
  life.box.stand("Ada", "removed");
  await life.later();
  assert.deepEqual([...gil.names].sort(), ["Ben", "Fay", "Gil"]); // she is away, not out
  const again = life.page("Fay");
  await life.rest();
  life.together(again, gil, ben!);
});

test("whoever taps on Remove takes the keys away, without waiting for the facilitator whose turn it is", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const gil = life.facilitator("Gil");
  await life.rest();
  life.box.rig.event = (page, _event, data) => (page === fay.line ? null : data); // there, and it does nothing
  gil.keeper.expel("Ben");
  life.box.stand("Ben", "removed");
  await life.rest(); // no timer has rung
  assert.equal(ada!.key, gil.key);
  assert.deepEqual([...gil.names].sort(), ["Ada", "Fay", "Gil"]);
  assert.equal(ben!.sealing, false);
});

test("somebody is let in below a node that another facilitator's Commit has made", async () => {
  // The tree is then one that ts-mls's own check refuses: an unmerged leaf of that node is merged above it.
  const life = new Life();
  const fay = life.facilitator();
  const first = await life.bring(fay, "A", "B", "C");
  const gil = life.facilitator("Gil"); // leaf 4
  await life.rest();
  const second = await life.bring(fay, "D", "E");
  await gil.keeper.rejoin(); // a path from leaf 4, over D and E
  await life.rest();
  life.box.stand("A", "removed"); // and one from leaf 0
  await life.later();
  const third = await life.bring(fay, "F", "G");
  life.box.stand("B", "removed");
  await life.later();
  const fourth = await life.bring(gil, "H", "I");
  const hal = life.facilitator("Hal");
  await life.rest();
  life.together(fay, gil, hal, first[2]!, ...second, ...third, ...fourth);
});

test("two facilitators who open the room at once end in one group", async () => {
  const life = new Life();
  const [fay, gil] = [life.facilitator(), life.facilitator("Gil")];
  await life.later();
  life.together(fay, gil);
});

test("of two Commits at once the box takes one, and the other's work is done on top of it", async () => {
  const life = new Life();
  const [fay, gil] = [life.facilitator(), life.facilitator("Gil")];
  await life.later();
  const [ada, ben] = [life.waiting("Ada"), life.waiting("Ben")];
  await life.rest();
  life.box.rig.request = async (_, method) => {
    if (method === "groupCommit") await Promise.all([fay, gil].map(() => new Promise((resolve) => setImmediate(resolve))));
  };
  fay.keeper.approve("Ada");
  gil.keeper.approve("Ben");
  life.box.people.get("Ada")!.standing = "admitted";
  life.box.stand("Ben", "admitted");
  await life.later();
  life.together(fay, gil, ada!, ben!);
});

test("what all facilitators see must be done is done once, by the one with the lowest leaf", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  const gil = life.facilitator("Gil");
  await life.rest();
  const [ada] = await life.bring(fay, "Ada", "Ben");
  life.box.asked.length = 0;
  life.box.stand("Ben", "removed");
  await life.rest();
  assert.deepEqual(life.box.asked.filter((one) => one.method === "groupCommit").map((one) => one.member), ["Fay"]);
  life.together(fay, gil, ada!);
  fay.line.down(); // now it is Gil's
  life.box.stand("Ada", "removed");
  await life.later();
  assert.deepEqual([...gil.names].sort(), ["Fay", "Gil"]);
});

test("a Commit whose answer was lost is in force for its maker too, and is not made twice", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.bring(fay, "Ada");
  const ben = life.waiting("Ben");
  await life.rest();
  fay.line.losesAnswerTo = "groupCommit";
  life.admit(fay, "Ben");
  await life.rest();
  assert.equal(life.box.group!.epoch, 2);
  assert.equal(fay.facts.epoch, 1n);
  fay.line.connect();
  await life.rest();
  life.together(...life.open);
  assert.equal(ben.facts.epoch, 2n);
});

test("a Commit whose answer was lost is known again also after others' Commits", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.rest();
  const gil = life.facilitator("Gil");
  await life.rest();
  const [ada] = await life.bring(fay, "Ada", "Cat");
  const ben = life.waiting("Ben");
  await life.rest();
  life.box.remembers = false;
  fay.line.losesAnswerTo = "groupCommit";
  life.box.stand("Cat", "removed"); // a Commit with a path, which its own maker could not follow
  await life.rest();
  life.admit(gil, "Ben");
  await life.rest();
  fay.line.connect();
  await life.later();
  life.together(fay, gil, ada!, ben);
  assert.equal(fay.silences, 0);
});

test("a Commit that never arrived, and one that came second because the line broke, are done again", async () => {
  const life = new Life();
  const [fay, gil] = [life.facilitator(), life.facilitator("Gil")];
  await life.later();
  const [ada, ben] = [life.waiting("Ada"), life.waiting("Ben")];
  await life.rest();
  life.box.rig.request = (page, method) => void (page === fay.line && method === "groupCommit" && page.down());
  life.admit(fay, "Ada");
  await life.rest();
  life.box.rig = {};
  life.admit(gil, "Ben");
  await life.rest();
  fay.line.connect();
  await life.later();
  life.together(fay, gil, ada, ben);
});

test("a founding and a return whose answers were lost are settled on the next line", async () => {
  const life = new Life();
  life.box.remembers = false;
  life.box.person("Fay", "facilitator");
  const fay = life.page("Fay");
  fay.line.losesAnswerTo = "groupFound";
  await life.rest();
  assert.equal(fay.facts.phase, "asking");
  fay.line.connect();
  await life.rest();
  life.together(fay);
  const [ada] = await life.bring(fay, "Ada");
  const again = life.reload(fay);
  again.line.losesAnswerTo = "groupCommit";
  await life.rest();
  again.line.connect();
  await life.rest();
  life.together(again, ada!);
  assert.equal(life.box.group!.commits.length, 2);
});

test("sixteen hold the same keys, also after half of them have gone and others have come", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const first = await life.bring(fay, ...Array.from({ length: 15 }, (_, at) => `P${at}`));
  life.together(fay, ...first);
  for (const page of first.slice(0, 7)) life.box.stand(page.person.member, "removed");
  await life.rest();
  const second = await life.bring(fay, ...Array.from({ length: 7 }, (_, at) => `Q${at}`));
  life.together(fay, ...first.slice(7), ...second);
  assert.ok(Math.max(...fay.facts.holders.map((one) => one.leaf)) < 16); // leaves are used again
});

test("in a group that is founded anew everybody is let in again by their own key", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  life.box.group!.groupInfo = "AAAA";
  await fay.keeper.rejoin();
  await life.rest();
  life.together(fay, ada!);
  assert.equal(ada!.silences, 1);
});

test("the words' language is that of the facilitator with the lowest leaf", async () => {
  const life = new Life();
  const fay = life.facilitator("Fay", "es");
  const [ada] = await life.bring(fay, "Ada");
  const gil = life.facilitator("Gil", "en");
  await life.rest();
  for (const page of [fay, ada!, gil]) assert.equal(page.facts.language, "es");
});

test("a comparison is told to the box with the epoch that was compared", async () => {
  const life = new Life();
  const fay = life.facilitator();
  await life.bring(fay, "Ada");
  await fay.keeper.compared(fay.facts.code!);
  assert.deepEqual(life.box.comparisons, [{ group: life.box.group!.id, epoch: 1, member: "Fay" }]);
});

test("a page that forgets has no keys, no ticket and no timers, and asks nothing more", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  assert.equal(ada!.tab.length, 2);
  ada!.keeper.forget();
  assert.deepEqual([ada!.tab.length, ada!.timers.length, ada!.sealing], [0, 0, false]);
  life.box.asked.length = 0;
  await life.bring(fay, "Ben");
  await life.rest();
  assert.deepEqual(life.box.asked.filter((one) => one.member === "Ada"), []);
  await assert.rejects(ada!.keeper.say("x"));
});
