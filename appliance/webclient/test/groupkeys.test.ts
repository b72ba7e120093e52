// Credentials, offers' form, bytes on the wire, the ticket in the tab, and secrets that must not stay.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientState, createGroup, joinGroup } from "ts-mls/clientState.js";
import { createCommit } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { fromText, toText } from "../src/group/bytes.ts";
import { MAX_IDENTITY, Trust } from "../src/group/credential.ts";
import { pruned, retire, secretsOf } from "../src/group/secrets.ts";
import { Ticket } from "../src/group/ticket.ts";
import { open } from "../src/group/talk.ts";
import { LIMITS, pack, unpack } from "../src/group/wire.ts";
import { Box } from "./box.ts";
import { Tab } from "./life.ts";
import { adding, keysOf, packed, removing, suite } from "./rogue.ts";

const box = new Box();
const trust = new Trust(box.session, box.credentialKey, suite);
const key = toText(new Uint8Array(32).fill(7));
const claims = { session: box.session, member: "Ada", role: "participant", name: "Ada Ω", language: "en", key };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const check = (identity: string, bytes = fromText(key, 32)!): Promise<unknown> => trust.check({ credentialType: "basic", identity: utf8(identity) }, bytes);

test("a credential by the box for this session and key is believed, word for word", async () => {
  assert.deepEqual(await check(box.vouch(claims)), { ...claims });
});

const good = box.vouch(claims);
const [payload, signature] = good.split(".") as [string, string];
const IDENTITIES: [string, string][] = [
  ["another session", box.vouch({ ...claims, session: "session-8" })],
  ["another key than the leaf's", box.vouch({ ...claims, key: toText(new Uint8Array(32)) })],
  ["a key that is too short", box.vouch({ ...claims, key: toText(new Uint8Array(31)) })],
  ["another role", box.vouch({ ...claims, role: "administrator" })],
  ["no name", box.vouch({ ...claims, name: "" })],
  ["no member", box.vouch({ ...claims, member: "" })],
  ["a name without end", box.vouch({ ...claims, name: "x".repeat(201) })],
  ["another version", box.vouch({ ...claims, v: 2 } as typeof claims)],
  ["another box", new Box().vouch(claims)],
  ["no signature", payload],
  ["an empty signature", `${payload}.`],
  ["a third part", `${good}.`],
  ["padding", `${payload}=.${signature}`],
  ["the signature of another credential", `${payload}.${box.vouch({ ...claims, name: "Eve" }).split(".")[1]}`],
  ["another payload under the signature", `${box.vouch({ ...claims, name: "Eve" }).split(".")[0]}.${signature}`],
  ["a byte order mark", `\ufeff${good}`],
  ["white space", ` ${good}`],
  ["nothing", ""],
  ["too much", "A".repeat(MAX_IDENTITY + 1)],
];
for (const [what, identity] of IDENTITIES) test(`a credential with ${what} is not believed`, async () => assert.equal(await check(identity), null));

test("a credential of another kind is not believed, nor a remembered one for another key", async () => {
  assert.ok(await check(good));
  assert.equal(await check(good, new Uint8Array(32)), null);
  assert.equal(await trust.check({ credentialType: "x509", certificates: [utf8(good)] }, fromText(key, 32)!), null);
});

test("bytes have one spelling, and a length that was agreed", () => {
  for (let length = 0; length < 8; length++) assert.deepEqual(fromText(toText(new Uint8Array(length).fill(255)), 8), new Uint8Array(length).fill(255));
  for (const bad of ["A", "AB", "AA==", "A+A/", "AAAA\n", " AAA", "é", 7, null, undefined, {}]) assert.equal(fromText(bad, 100), null, String(bad));
  assert.equal(fromText(toText(new Uint8Array(9)), 8), null);
});

test("a message of another kind, with something behind it, or too long is none", async () => {
  const text = packed(await keysOf(box, { member: "Ada" }));
  assert.ok(unpack("mls_key_package", text));
  assert.equal(unpack("mls_welcome", text), null);
  const bytes = fromText(text, LIMITS.mls_key_package)!;
  assert.equal(unpack("mls_key_package", toText(Uint8Array.of(...bytes, 0))), null);
  for (let cut = 0; cut < bytes.length; cut++) assert.equal(unpack("mls_key_package", toText(bytes.slice(0, cut))), null);
  assert.equal(unpack("mls_key_package", toText(new Uint8Array(LIMITS.mls_key_package + 1))), null);
});

test("messages that were damaged anywhere are read or refused, and nothing else happens", async () => {
  const { keyPackage } = await keysOf(box, { member: "Ada" });
  const bytes = fromText(pack({ wireformat: "mls_key_package", keyPackage }), LIMITS.mls_key_package)!;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 0x3f, 0x7f, 0x80, 0xbf, 0xc0, 0xff]) {
      const damaged = bytes.slice();
      damaged[at] = value;
      for (const kind of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) unpack(kind, toText(damaged));
    }
  }
});

// -- the tab

test("the next page of a tab has the same key; another tab, and a forgotten one, have others", async () => {
  const tab = new Tab();
  const ticket = new Ticket(tab, "s", "Ada");
  const first = toText((await ticket.keys(suite)).publicKey);
  assert.equal(toText((await new Ticket(tab, "s", "Ada").keys(suite)).publicKey), first);
  for (const other of [new Ticket(new Tab(), "s", "Ada"), new Ticket(tab, "s", "Ben"), new Ticket(tab, "t", "Ada")]) {
    assert.notEqual(toText((await other.keys(suite)).publicKey), first);
  }
  ticket.forget();
  assert.notEqual(toText((await new Ticket(tab, "s", "Ada").keys(suite)).publicKey), first);
});

test("a ticket whose halves do not belong together is thrown away", async () => {
  const [one, two] = [new Tab(), new Tab()];
  const [a, b] = [await new Ticket(one, "s", "Ada").keys(suite), await new Ticket(two, "s", "Ada").keys(suite)];
  one.setItem(one.key(0)!, `${toText(a.signKey)}.${toText(b.publicKey)}`);
  const { publicKey } = await new Ticket(one, "s", "Ada").keys(suite);
  assert.ok(![a, b].some((old) => toText(old.publicKey) === toText(publicKey)));
});

test("a browser that keeps nothing can still take part", async () => {
  const broken = new Proxy(new Tab(), { get: () => () => assert.fail("storage is off") });
  const ticket = new Ticket(broken, "s", "Ada");
  assert.equal((await ticket.keys(suite)).publicKey.length, 32);
  assert.equal(ticket.floor, null);
  ticket.floor = { group: "g", epoch: 1 };
  ticket.forget();
});

// -- secrets

const config = { ...defaultClientConfig, keyRetentionConfig: { ...defaultClientConfig.keyRetentionConfig, retainKeysForEpochs: 1 } };

async function pair(): Promise<{ fay: ClientState; ada: ClientState }> {
  const [lead, own] = [await keysOf(box, { member: "Fay", role: "facilitator" }), await keysOf(box, { member: "Ada" })];
  const founded = await createGroup(utf8("g"), lead.keyPackage, lead.privateKeys, [], suite, config);
  const made = await createCommit({ state: founded, cipherSuite: suite }, { wireAsPublicMessage: true, extraProposals: [adding(own.keyPackage)], ratchetTreeExtension: true });
  const ada = await joinGroup(made.welcome!, own.keyPackage, own.privateKeys, emptyPskIndex, suite, undefined, undefined, config);
  return { fay: made.newState, ada };
}

const isWiped = (secret: Uint8Array): boolean => secret.every((byte) => byte === 0);

test("after each epoch nothing of the one before the last remains, and nothing that is needed is lost", async () => {
  let { fay, ada } = await pair();
  const former: Uint8Array[][] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { commit, newState } = await createCommit({ state: fay, cipherSuite: suite }, { wireAsPublicMessage: true });
    assert.ok(commit.wireformat === "mls_public_message");
    former.push([...secretsOf(ada)]);
    const next = pruned((await processPublicMessage(ada, commit.publicMessage, emptyPskIndex, suite)).newState);
    retire(ada, next);
    [fay, ada] = [newState, next];
    assert.ok([...secretsOf(ada)].every((secret) => !isWiped(secret)));
    assert.deepEqual(ada.keySchedule.epochAuthenticator, fay.keySchedule.epochAuthenticator);
  }
  const still = new Set(secretsOf(ada));
  for (const secret of former.flat()) assert.ok(still.has(secret) || isWiped(secret));
  // Of two epochs ago nothing at all is left, but for the keys of nodes that are still there.
  const nodes = new Set(Object.values(ada.privatePath.privateKeys));
  for (const secret of former[1]!) assert.ok(isWiped(secret) || nodes.has(secret));
});

test("the key schedule of an epoch that is over is gone, but for what reads what was said in it", async () => {
  const { fay, ada } = await pair();
  const { commit } = await createCommit({ state: fay, cipherSuite: suite }, { wireAsPublicMessage: true });
  assert.ok(commit.wireformat === "mls_public_message");
  const { senderDataSecret, resumptionPsk, ...rest } = ada.keySchedule;
  retire(ada, (await processPublicMessage(ada, commit.publicMessage, emptyPskIndex, suite)).newState);
  for (const [name, secret] of Object.entries(rest)) assert.ok(isWiped(secret), name);
  for (const secret of [senderDataSecret, resumptionPsk]) assert.ok(!isWiped(secret));
});

test("the secret of what was read is gone", async () => {
  const { fay, ada } = await pair();
  const { privateMessage } = await createApplicationMessage(fay, utf8("x"), suite);
  const { secret } = ada.secretTree[0]!.application;
  const opened = await open(ada, pack({ wireformat: "mls_private_message", privateMessage }), suite);
  assert.ok(opened !== null && opened !== "later" && opened.text === "x");
  assert.ok(isWiped(secret));
  assert.ok([...secretsOf(opened.state)].every((one) => !isWiped(one)));
});

test("a Commit that came second takes nothing with it", async () => {
  const { fay, ada } = await pair();
  const { newState } = await createCommit({ state: fay, cipherSuite: suite }, { wireAsPublicMessage: true, extraProposals: [removing(1)] });
  retire(newState, fay);
  assert.ok([...secretsOf(fay)].every((secret) => !isWiped(secret)));
  const { commit } = await createCommit({ state: fay, cipherSuite: suite }, { wireAsPublicMessage: true });
  assert.ok(commit.wireformat === "mls_public_message");
  await processPublicMessage(ada, commit.publicMessage, emptyPskIndex, suite);
});
