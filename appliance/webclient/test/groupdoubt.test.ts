// What a box that was taken over, or a member who breaks the rules, achieves: silence, or another code on every page; never keys unseen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { generateKeyPackageWithKey } from "ts-mls/keyPackage.js";
import { fromText, toText } from "../src/group/bytes.ts";
import { Trust } from "../src/group/credential.ts";
import { MAX_TRIES } from "../src/group/keeper.ts";
import { makeOwn, readOffer } from "../src/group/keypackage.ts";
import type { Data } from "../src/protocol.ts";
import { RequestFault } from "../src/signalling.ts";
import type { Page } from "./box.ts";
import { Life, type Open } from "./life.ts";
import { unpack } from "../src/group/wire.ts";
import { adding, credentialOf, keysOf, packed, removing, Rogue, suite } from "./rogue.ts";

/** Flips a bit in the last third of what base64url says: inside signatures and ciphertexts. */
function altered(text: string): string {
  const bytes = fromText(text, 1 << 20)!;
  bytes[Math.floor(bytes.length * 0.8)]! ^= 4;
  return toText(bytes);
}

/** Flips the last bit: the end of a signature. */
function withLastBit(text: string): string {
  const bytes = fromText(text, 1 << 20)!;
  bytes[bytes.length - 1]! ^= 1;
  return toText(bytes);
}

function silent(...pages: Open[]): void {
  for (const page of pages) {
    assert.equal(page.facts.phase, "broken", page.person.member);
    assert.deepEqual([page.sealing, page.code, page.names.length, page.silences], [false, null, 0, 1]);
  }
}

/** Ada, who is a rogue, with two others by the book. */
async function withRogue(): Promise<{ life: Life; fay: Open; ben: Open; rogue: Rogue }> {
  const life = new Life();
  const fay = life.facilitator();
  const [ben] = await life.bring(fay, "Ben");
  life.box.person("Ada", "participant");
  const own = await keysOf(life.box, { member: "Ada" });
  life.box.offers.set("Ada", packed(own));
  life.admit(fay, "Ada");
  await life.rest();
  assert.deepEqual([...fay.names].sort(), ["Ada", "Ben", "Fay"]);
  return { life, fay, ben: ben!, rogue: await Rogue.welcomed(life.box, "Ada", own) };
}

// -- Commits that the rules refuse

test("a patient's Commit that removes another ends in silence for all, and is not followed", async () => {
  const { life, fay, ben, rogue } = await withRogue();
  const leaf = fay.facts.holders.find((one) => one.member === "Ben")!.leaf;
  await rogue.commit(removing(leaf));
  await life.later();
  silent(fay, ben);
});

test("a patient's Commit that adds an accomplice ends in silence for all", async () => {
  const { life, fay, ben, rogue } = await withRogue();
  await rogue.commit(adding((await keysOf(life.box, { member: "Eve" })).keyPackage));
  await life.later();
  silent(fay, ben);
});

test("a patient's Commit that only renews keys is refused too", async () => {
  const { life, fay, ben, rogue } = await withRogue();
  await rogue.commit();
  await life.later();
  silent(fay, ben);
});

test("after a patient's Commit the facilitator's way back is another group, in which the others are again", async () => {
  const { life, fay, ben, rogue } = await withRogue();
  await rogue.commit();
  await life.later();
  life.box.stand("Ada", "removed");
  await fay.keeper.rejoin();
  await life.rest();
  await ben.keeper.rejoin();
  await life.rest();
  life.together(fay, ben);
});

test("a proposal on its own is refused", async () => {
  const { life, fay, ben, rogue } = await withRogue();
  await rogue.propose(removing(1));
  await life.later();
  silent(fay, ben);
});

test("a patient's credential cannot come in from outside, neither anew nor over the own leaf", async () => {
  for (const member of ["Eve", "Ben"]) {
    const { life, fay, ben } = await withRogue();
    const over = fay.facts.holders.find((one) => one.member === member)?.leaf ?? null;
    await Rogue.fromOutside(life.box, await keysOf(life.box, { member }), over);
    await life.later();
    silent(fay, ben);
  }
});

test("a facilitator's credential cannot come in over somebody else's leaf", async () => {
  const { life, fay, ben } = await withRogue();
  await Rogue.fromOutside(life.box, await keysOf(life.box, { member: "Gil", role: "facilitator" }), fay.facts.holders.find((one) => one.member === "Fay")!.leaf);
  await life.later();
  silent(fay, ben);
});

test("a facilitator's Commit cannot add a facilitator, somebody twice, or a credential that does not hold", async () => {
  const bad: [string, (life: Life) => ReturnType<typeof keysOf>][] = [
    ["a facilitator", (life) => keysOf(life.box, { member: "Hal", role: "facilitator" })],
    ["somebody who is there", (life) => keysOf(life.box, { member: "Ben" })],
    ["another session", (life) => keysOf(life.box, { member: "Cat", session: "session-8" })],
    ["another key", (life) => keysOf(life.box, { member: "Cat", key: toText(ed25519.keygen().publicKey) })],
    ["no signature", (life) => keysOf(life.box, { member: "Cat" }, (identity) => identity.replace(/\.(.)/, (_, first: string) => `.${first === "A" ? "B" : "A"}`))],
  ];
  for (const [what, make] of bad) {
    const { life, fay, ben } = await withRogue();
    life.box.person("Gil", "facilitator");
    const gil = await Rogue.fromOutside(life.box, await keysOf(life.box, { member: "Gil", role: "facilitator" }));
    await life.rest();
    assert.ok(fay.names.includes("Gil"), what);
    await gil.commit(adding((await make(life)).keyPackage));
    await life.later();
    silent(fay, ben);
  }
});

test("whoever commits stays who they are, whatever else the box would vouch for", async () => {
  const { life, fay, ben } = await withRogue();
  life.box.person("Gil", "facilitator");
  const own = await keysOf(life.box, { member: "Gil", role: "facilitator" });
  const gil = await Rogue.fromOutside(life.box, own);
  await life.rest();
  const leaf = gil.state.ratchetTree[2 * gil.state.privatePath.leafIndex]!;
  assert.ok(leaf.nodeType === "leaf");
  const key = toText(own.keyPackage.leafNode.signaturePublicKey);
  const claims = { session: life.box.session, member: "Gil", role: "facilitator", name: "Somebody else", language: "en", key };
  leaf.leaf.credential = { credentialType: "basic", identity: new TextEncoder().encode(life.box.vouch(claims)) };
  await gil.commit(removing(fay.facts.holders.find((one) => one.member === "Ada")!.leaf));
  await life.later();
  silent(fay, ben);
});

test("one signature key cannot sit on two leaves", async () => {
  const { life, fay, ben } = await withRogue();
  life.box.person("Gil", "facilitator");
  life.box.person("Gus", "facilitator");
  const own = await keysOf(life.box, { member: "Gil", role: "facilitator" });
  await Rogue.fromOutside(life.box, own);
  await life.rest();
  const keys = { signKey: own.privateKeys.signaturePrivateKey, publicKey: own.keyPackage.leafNode.signaturePublicKey };
  const gus = new TextEncoder().encode(life.box.vouch({ session: life.box.session, member: "Gus", role: "facilitator", name: "Gus", language: "en", key: toText(keys.publicKey) }));
  await Rogue.fromOutside(life.box, await makeOwn(gus, keys, suite));
  await life.later();
  silent(fay, ben);
});

// -- a box that was taken over

test("a ghost with a facilitator's credential by the box stands among everybody's holders, and every code has changed", async () => {
  const { life, fay, ben } = await withRogue();
  const [before, other] = [fay.code, ben.code];
  life.box.person("Ghost", "facilitator");
  await Rogue.fromOutside(life.box, await keysOf(life.box, { member: "Ghost", role: "facilitator" }));
  await life.later();
  for (const page of [fay, ben]) {
    assert.equal(page.facts.phase, "in");
    assert.ok(page.names.includes("Ghost"));
    assert.ok(page.code !== before && page.code !== other);
  }
  assert.equal(fay.code, ben.code);
});

test("a ghost that the box keeps off its own list is thrown out by the facilitator's page", async () => {
  const { life, fay, ben } = await withRogue();
  const ghost = await Rogue.fromOutside(life.box, await keysOf(life.box, { member: "Ghost", role: "facilitator" }));
  await life.later();
  for (const page of [fay, ben]) assert.ok(page.facts.phase === "in" && !page.names.includes("Ghost"));
  assert.ok(fay.facts.epoch > ghost.state.groupContext.epoch);
});

test("a box that swaps a waiting person's KeyPackage leaves that person without keys and code", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ben] = await life.bring(fay, "Ben");
  const swapped = packed(await keysOf(life.box, { member: "Ada" }));
  life.box.rig.event = (_, event, data) => (event === "offers" ? { offers: (data["offers"] as Data[]).map((one) => ({ ...one, keyPackage: swapped })) } : data);
  const ada = life.waiting("Ada");
  await life.rest();
  life.admit(fay, "Ada");
  await life.later();
  assert.equal(fay.code, ben!.code);
  assert.ok(fay.names.includes("Ada"));
  assert.deepEqual([ada.facts.phase, ada.code, ada.keys.length], ["asking", null, 0]);
});

test("two groups of the same people on the same leaves have different codes", async () => {
  const codes = new Set<string>();
  for (let world = 0; world < 2; world++) {
    const life = new Life();
    const fay = life.facilitator();
    const [ada] = await life.bring(fay, "Ada");
    assert.equal(ada!.code, fay.code);
    codes.add(fay.code!);
  }
  assert.equal(codes.size, 2);
});

test("a KeyPackage that says another member than the box does is never added, nor pending, and spoils nothing", async () => {
  const life = new Life();
  const fay = life.facilitator();
  life.box.person("Ada", "participant");
  const [own, elsewhere] = [await keysOf(life.box, { member: "Eve" }), await keysOf(life.box, { member: "Ada", session: "session-8" })];
  for (const offered of [own, elsewhere]) {
    life.box.offers.set("Ada", packed(offered));
    life.admit(fay, "Ada");
    await life.later();
    assert.deepEqual([fay.names, fay.facts.pending], [["Fay"], []]);
  }
  await life.bring(fay, "Ben");
});

test("a KeyPackage is used once, also if the box goes on offering it", async () => {
  const life = new Life();
  const fay = life.facilitator();
  let first: unknown = null;
  life.box.rig.event = (_, event, data) => {
    if (event !== "offers") return data;
    first ??= (data["offers"] as Data[]).find((one) => one["member"] === "Ada");
    return first ? { offers: [first] } : data;
  };
  const [ada] = await life.bring(fay, "Ada");
  await ada!.keeper.rejoin();
  await life.later();
  assert.equal(life.box.group!.epoch, 1);
});

test("a KeyPackage to which nothing can be sealed is no offer", async () => {
  const life = new Life();
  const trust = new Trust(life.box.session, life.box.credentialKey, suite);
  const good = await keysOf(life.box, { member: "Ada" });
  assert.ok(await readOffer("Ada", packed(good), trust));
  assert.equal(await readOffer("Ben", packed(good), trust), null);
  const { keyPackage } = good;
  const worse = [
    { ...keyPackage, initKey: keyPackage.leafNode.hpkePublicKey },
    { ...keyPackage, initKey: new Uint8Array(32) },
    { ...keyPackage, initKey: (await keysOf(life.box, { member: "Ada" })).keyPackage.initKey },
    { ...keyPackage, initKey: new Uint8Array(31) },
    { ...keyPackage, leafNode: { ...keyPackage.leafNode, lifetime: { notBefore: 0n, notAfter: 1n } } },
    { ...keyPackage, leafNode: { ...keyPackage.leafNode, credential: credentialOf(await keysOf(life.box, { member: "Ada" })) } },
  ];
  for (const one of worse) assert.equal(await readOffer("Ada", packed({ ...good, keyPackage: one }), trust), null);
  // Properly signed, but with a lifetime: the adder's own clock would decide whether the Commit can be made.
  const { capabilities, credential, signaturePublicKey } = keyPackage.leafNode;
  const keys = { signKey: good.privateKeys.signaturePrivateKey, publicKey: signaturePublicKey };
  const short = await generateKeyPackageWithKey(credential, capabilities, { notBefore: 0n, notAfter: 1n }, [], keys, suite);
  assert.equal(await readOffer("Ada", packed({ keyPackage: short.publicPackage, privateKeys: short.privatePackage }), trust), null);
  for (const text of ["", "AAAA", packed(good).slice(0, -2), `${packed(good)}AAAA`, altered(packed(good)), 7, null]) assert.equal(await readOffer("Ada", text, trust), null);
});

test("a Commit that was altered on the way ends in silence on that page alone", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  life.box.rig.event = (page, event, data) =>
    event === "group" && page.person.member === "Ben" && data["commit"] ? { ...data, commit: altered(String(data["commit"])) } : data;
  const [cat] = await life.bring(fay, "Cat");
  silent(ben!);
  assert.deepEqual([fay.key, fay.code], [ada!.key, ada!.code]);
  assert.equal(cat!.key, fay.key);
});

test("a Commit for another epoch than the box says ends in silence", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  const old = life.box.group!.commits[0]!.commit;
  life.box.rig.event = (page, event, data) => (event === "group" && page.person.member === "Ada" ? { ...data, commit: old } : data);
  await life.bring(fay, "Cat");
  silent(ada!);
});

test("a page whose Commits are kept back stays in its epoch, with another code than the rest", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  life.box.rig.event = (page, event, data) => (event === "group" && page.person.member === "Ada" ? null : data);
  await life.bring(fay, "Cat");
  assert.notEqual(ada!.code, fay.code);
  assert.notEqual(ada!.key, fay.key);
});

test("a box that tells of an epoch and keeps the way there back is asked a bounded number of times; then there is silence", async () => {
  for (const answer of [{ commits: [] }, { commits: [{ epoch: 9, commit: "AAAA" }] }, { commits: "x" }, {}]) {
    const life = new Life();
    const fay = life.facilitator();
    const [ada] = await life.bring(fay, "Ada");
    life.box.rig.event = (page, event, data) => (event === "group" && page.person.member === "Ada" ? { ...data, commit: null } : data);
    life.box.rig.answer = (page, method, given) => (page.person.member === "Ada" && method === "groupCommits" ? answer : given);
    life.box.asked.length = 0;
    await life.bring(fay, "Cat");
    await life.later(40);
    silent(ada!);
    assert.ok(life.box.asked.filter((one) => one.member === "Ada").length <= MAX_TRIES + 2);
  }
});

test("a Welcome that was altered ends in silence; one for other keys is not looked at", async () => {
  for (const change of [altered, (text: string) => text.slice(0, 16) + (text[16] === "A" ? "B" : "A") + text.slice(17)]) {
    const life = new Life();
    const fay = life.facilitator();
    const ada = life.waiting("Ada");
    await life.rest();
    life.box.rig.event = (_, event, data) => (event === "welcome" ? { ...data, welcome: change(String(data["welcome"])) } : data);
    life.admit(fay, "Ada");
    await life.later();
    assert.deepEqual([ada.keys.length, ada.sealing], [0, false]);
    assert.ok(ada.facts.phase === "broken" || ada.facts.phase === "asking");
  }
});

test("a Welcome into another group or epoch than the box says is refused", async () => {
  for (const lie of [{ epoch: 7 }, { group: "0".repeat(32) }]) {
    const life = new Life();
    const fay = life.facilitator();
    const ada = life.waiting("Ada");
    await life.rest();
    life.box.rig.event = (_, event, data) => (event === "welcome" ? { ...data, ...lie } : data);
    life.admit(fay, "Ada");
    await life.later();
    assert.deepEqual([ada.keys.length, ada.facts.phase], [0, "broken"]);
  }
});

test("an older epoch is not passed off as the present one after a facilitator's reload", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  const older = structuredClone(life.box.group!);
  life.box.stand("Ben", "removed");
  await life.rest();
  life.box.group = older;
  const again = life.reload(fay);
  await life.rest();
  assert.notEqual(life.box.group!.id, older.id);
  assert.deepEqual(again.names, ["Fay"]);
  assert.equal(ben!.sealing, false);
  assert.deepEqual(again.facts.pending, ["Ada"]);
  again.keeper.approve("Ada");
  await life.rest();
  life.together(again, ada!);
});

test("a group info that a patient signed, or whose signature does not hold, is given up for another group with the same people", async () => {
  for (const forge of [(rogue: Rogue) => rogue.groupInfo(), async ({ box }: Rogue) => withLastBit(box.group!.groupInfo)]) {
    const { life, fay, ben, rogue } = await withRogue();
    const { id } = life.box.group!;
    life.box.group!.groupInfo = await forge(rogue);
    await fay.keeper.rejoin();
    await life.rest();
    assert.notEqual(life.box.group!.id, id);
    life.together(fay, ben); // let in by his key; the rogue has not asked
  }
});

test("a Welcome that a patient made is refused", async () => {
  const { life, fay, rogue } = await withRogue();
  const cat = life.waiting("Cat");
  await life.rest();
  const offered = unpack("mls_key_package", life.box.offers.get("Cat"))!.keyPackage;
  life.box.people.get("Cat")!.standing = "admitted";
  fay.line.down();
  const welcome = await rogue.commit(adding(offered));
  life.box.welcomes.set("Cat", { group: life.box.group!.id, epoch: life.box.group!.epoch, welcome: welcome! });
  life.box.tell();
  await life.later();
  assert.deepEqual([cat.keys.length, cat.facts.phase], [0, "broken"]);
});

test("a credential for somebody else, for another key or unsigned is never used", async () => {
  const lies: ((life: Life, key: string) => string)[] = [
    (life, key) => life.box.vouch({ ...life.box.claims(life.box.people.get("Ada")!, key), member: "Eve" }),
    (life, key) => life.box.vouch({ ...life.box.claims(life.box.people.get("Ada")!, key), role: "facilitator" }),
    (life) => life.box.vouch(life.box.claims(life.box.people.get("Ada")!, toText(ed25519.keygen().publicKey))),
    (life, key) => life.box.vouch(life.box.claims(life.box.people.get("Ada")!, key)).replace(/\.(.)/, (_, first: string) => `.${first === "A" ? "B" : "A"}`),
    () => "x",
  ];
  for (const lie of lies) {
    const life = new Life();
    life.box.rig.answer = (_, method, answer) =>
      method === "groupCredential" ? { credential: lie(life, String(life.box.asked.at(-1)!.data["key"])) } : answer;
    const ada = life.waiting("Ada");
    await life.later(40);
    assert.deepEqual([life.box.offers.size, ada.keys.length, ada.facts.phase], [0, 0, "broken"]);
    assert.ok(life.box.asked.length <= MAX_TRIES + 1);
  }
});

test("what was said is heard from its sender or not at all", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  life.box.rig.event = (page, event, data) => (event === "groupSaid" && page === ben!.line ? { ...data, message: altered(String(data["message"])) } : data);
  await ada!.keeper.say("hello");
  await life.rest();
  assert.deepEqual([fay.heard.map((one) => one.from.member), ben!.heard], [["Ada"], []]);
  assert.equal(ben!.facts.phase, "in"); // a line that cannot be read is no doubt about the keys
});

test("who was removed is not heard even with the keys of the epoch before", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada, ben] = await life.bring(fay, "Ada", "Ben");
  let late: Data = {};
  life.box.rig.event = (page, event, data) => {
    if (event === "groupSaid" && page === fay.line) late = data;
    return event === "groupSaid" ? null : data;
  };
  await ben!.keeper.say("still here");
  life.box.stand("Ben", "removed");
  await life.rest();
  for (const page of [fay, ada!]) page.keeper.handle("groupSaid", late);
  await life.rest();
  assert.deepEqual([fay.heard, ada!.heard], [[], []]);
});

test("a list without the facilitator's own page takes nobody's keys away", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  for (const list of [[], [{ member: "Eve", name: "Eve", facilitator: false, you: false }]]) fay.keeper.handle("roster", { members: list });
  await life.later();
  life.together(fay, ada!);
});

// -- nothing spins

test("whatever the box answers, a page asks a bounded number of times", async () => {
  for (const code of ["stale_epoch", "refused", "wrong_state", "bad_request", "too_many_tries", "machine"]) {
    for (const method of ["groupCredential", "groupOffer", "groupLook", "groupFound", "groupCommit"]) {
      const life = new Life();
      life.box.rig.request = (_: Page, asked: string) => {
        if (asked === method) throw new RequestFault(code, "");
      };
      let count = 0;
      const [request] = [life.box.rig.request];
      life.box.rig.request = (page, asked, data) => {
        count++;
        return request(page, asked, data);
      };
      const fay = life.facilitator();
      life.waiting("Ada");
      await life.rest();
      life.admit(fay, "Ada");
      await life.later(100);
      assert.ok(count < 20 * MAX_TRIES, `${code} to ${method}: ${count}`);
    }
  }
});

test("events without proper form are dropped", async () => {
  const life = new Life();
  const fay = life.facilitator();
  const [ada] = await life.bring(fay, "Ada");
  const junk: unknown[] = [undefined, null, 7, "x", [], [null], [{}], {}, -1, 1.5, "0".repeat(32), Number.MAX_VALUE];
  for (const page of [fay, ada!])
    for (const event of ["group", "offers", "welcome", "groupSaid"])
      for (const value of junk)
        for (const field of ["group", "epoch", "commit", "offers", "welcome", "message"]) page.keeper.handle(event, { [field]: value });
  await life.rest();
  life.together(fay, ada!);
});
