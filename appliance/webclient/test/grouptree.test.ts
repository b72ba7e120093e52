// Trees, group infos and Welcomes by a facilitator who lies about them: signed as they should be, and still refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, createGroup } from "ts-mls/clientState.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { createCommit, createGroupInfo } from "ts-mls/createCommit.js";
import { extractWelcomeSecret, type GroupInfo, signGroupInfo } from "ts-mls/groupInfo.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { type RatchetTree, ratchetTreeEncoder } from "ts-mls/ratchetTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { decryptGroupInfo, decryptGroupSecrets, encryptGroupInfo, encryptGroupSecrets, type Welcome } from "ts-mls/welcome.js";
import { Trust } from "../src/group/credential.ts";
import { checkInfo, joinByWelcome } from "../src/group/join.ts";
import type { Own } from "../src/group/keypackage.ts";
import { Box } from "./box.ts";
import { adding, keysOf, removing, suite } from "./rogue.ts";

const box = new Box();
const trust = new Trust(box.session, box.credentialKey, suite);
const NO_PSK = new Uint8Array(32);

/** Fay, who lies, with five others over a tree in which all her nodes are filled; `last` comes by `welcome`, which has a path secret. */
async function liar(): Promise<{ fay: ClientState; welcome: Welcome; last: Own }> {
  const lead = await keysOf(box, { member: "Fay", role: "facilitator" });
  let fay = await createGroup(new TextEncoder().encode("g"), lead.keyPackage, lead.privateKeys, [], suite);
  const people = await Promise.all(["A", "B", "C", "D", "E"].map((member) => keysOf(box, { member })));
  const commit = async (...proposals: ReturnType<typeof adding>[]): Promise<Welcome | undefined> => {
    const made = await createCommit({ state: fay, cipherSuite: suite }, { wireAsPublicMessage: true, extraProposals: proposals, ratchetTreeExtension: true });
    fay = made.newState;
    return made.welcome;
  };
  await commit(...people.map((one) => adding(one.keyPackage)));
  const last = await keysOf(box, { member: "Last" });
  const welcome = await commit(removing(1), adding(last.keyPackage));
  await commit(adding((await keysOf(box, { member: "F" })).keyPackage)); // an unmerged leaf
  return { fay, welcome: welcome!, last };
}

async function infoOf(fay: ClientState, tree: RatchetTree, hash = true): Promise<GroupInfo> {
  const groupContext = hash ? { ...fay.groupContext, treeHash: await treeHashRoot(tree, suite.hash) } : fay.groupContext;
  const extensions = [{ extensionType: "ratchet_tree" as const, extensionData: encode(ratchetTreeEncoder)(tree) }];
  return createGroupInfo(groupContext, fay.confirmationTag, fay, extensions, suite);
}

const { fay, welcome, last } = await liar();

test("a group info of a facilitator who tells the truth is believed", async () => {
  const { seats } = await checkInfo(await infoOf(fay, fay.ratchetTree), trust);
  assert.deepEqual(seats.map((seat) => [seat.leaf, seat.member]), [[0, "Fay"], [1, "Last"], [2, "B"], [3, "C"], [4, "D"], [5, "E"], [6, "F"]]);
});

const LIES: [string, RegExp, (tree: RatchetTree) => void, boolean?][] = [
  ["a leaf that its owner has not signed", /leaf signature/, (tree) => {
    const node = tree[4]!;
    assert.ok(node.nodeType === "leaf");
    node.leaf.hpkePublicKey = suite.rng.randomBytes(32);
  }],
  ["a leaf that was left out", /tree hash|parent hash/, (tree) => (tree[6] = undefined)],
  ["a parent with another key", /parent hash/, (tree) => {
    const node = tree[7]!;
    assert.ok(node.nodeType === "parent");
    node.parent.hpkePublicKey = suite.rng.randomBytes(32);
  }],
  ["a parent of its own making", /parent hash/, (tree) => {
    tree[9] = { nodeType: "parent", parent: { hpkePublicKey: suite.rng.randomBytes(32), parentHash: new Uint8Array(), unmergedLeaves: [] } };
  }],
  ["an unmerged leaf that is not there", /unmerged/, (tree) => {
    const node = tree[7]!;
    assert.ok(node.nodeType === "parent");
    node.parent.unmergedLeaves = [...node.parent.unmergedLeaves, 7];
  }],
  ["an unmerged leaf beyond the tree", /unmerged/, (tree) => {
    const node = tree[7]!;
    assert.ok(node.nodeType === "parent");
    node.parent.unmergedLeaves = [4000];
  }],
  ["an unmerged leaf of another branch", /unmerged/, (tree) => {
    const node = tree[3]!;
    assert.ok(node.nodeType === "parent");
    node.parent.unmergedLeaves = [6];
  }],
  ["the same person on two leaves", /twice/, (tree) => (tree[12] = tree[10])],
  ["another tree than the group's", /tree hash/, () => undefined, false],
];

for (const [what, why, lie, rehash = true] of LIES) {
  test(`a group info with ${what} is refused`, async () => {
    const tree = structuredClone(fay.ratchetTree);
    lie(tree);
    const info = await infoOf(fay, tree, rehash);
    const told = rehash ? info : await signGroupInfo({ ...info, groupContext: { ...info.groupContext, treeHash: new Uint8Array(32) } }, fay.signaturePrivateKey, suite.signature);
    await assert.rejects(checkInfo(told, trust), why);
  });
}

test("a group info of another suite, version, or with extensions of the group is refused", async () => {
  const info = await infoOf(fay, fay.ratchetTree);
  const others = [{ cipherSuite: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256" as const }, { extensions: [{ extensionType: 5, extensionData: new Uint8Array() }] }];
  for (const other of others) {
    const told = await signGroupInfo({ ...info, groupContext: { ...info.groupContext, ...other } }, fay.signaturePrivateKey, suite.signature);
    await assert.rejects(checkInfo(told, trust), /another kind/);
  }
});

/** The Welcome of `last`, with another group info or another path secret inside, sealed and signed as it should be. */
async function rewritten(change: (info: GroupInfo) => GroupInfo, changePath = (path: Uint8Array): Uint8Array => path): Promise<Welcome> {
  const init = await suite.hpke.importPrivateKey(last.privateKeys.initPrivateKey.slice());
  const ref = await makeKeyPackageRef(last.keyPackage, suite.hash);
  const secrets = (await decryptGroupSecrets(init, ref, welcome, suite.hpke))!;
  const info = (await decryptGroupInfo(welcome, secrets.joinerSecret, NO_PSK, suite))!;
  const signed = await signGroupInfo(change(info), fay.signaturePrivateKey, suite.signature);
  const encryptedGroupInfo = await encryptGroupInfo(signed, await extractWelcomeSecret(secrets.joinerSecret, NO_PSK, suite.kdf), suite);
  const to = await suite.hpke.importPublicKey(last.keyPackage.initKey);
  const { ct, enc } = await encryptGroupSecrets(to, encryptedGroupInfo, { ...secrets, pathSecret: changePath(secrets.pathSecret!) }, suite.hpke);
  return { ...welcome, secrets: [{ newMember: ref, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } }], encryptedGroupInfo };
}

const join = (one: Welcome): Promise<ClientState> =>
  joinByWelcome(one, { ...last, privateKeys: { ...last.privateKeys, initPrivateKey: last.privateKeys.initPrivateKey.slice() } }, trust, defaultClientConfig);

test("a Welcome that was only sealed anew is taken", async () => assert.ok(await join(await rewritten((info) => info))));

test("a Welcome with another confirmation tag, or with secrets of another path, is refused", async () => {
  await assert.rejects(rewritten((info) => ({ ...info, confirmationTag: new Uint8Array(32) })).then(join), /confirmation tag/);
  await assert.rejects(rewritten((info) => info, () => new Uint8Array(32)).then(join), /path of other keys/);
  await assert.rejects(rewritten((info) => ({ ...info, signer: 2 })).then(join), /not of a facilitator/);
});
