// Ways into a group: by Welcome (RFC 9420 section 12.4.3.1), and by an external Commit (12.4.3.2). As ts-mls 1.6.4 does both, except for
// the check of the tree (see tree.ts) and for what a room never uses: PSKs, other suites, group extensions.

import type { ClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, exportSecret, nextEpochContext } from "ts-mls/clientState.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import { type GroupInfo, ratchetTreeFromExtension, verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { deriveKeySchedule, initializeEpoch, type KeySchedule } from "ts-mls/keySchedule.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { getCommitSecret, pathToPathSecrets, pathToRoot } from "ts-mls/pathSecrets.js";
import { mergePrivateKeyPaths, type PrivateKeyPath, toPrivateKeyPath, updateLeafKey } from "ts-mls/privateKeyPath.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import { addLeafNode, findLeafIndex, type RatchetTree, removeLeafNode } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { leafToNodeIndex, leafWidth, nodeToLeafIndex, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { createUpdatePath, firstCommonAncestor } from "ts-mls/updatePath.js";
import { decryptGroupInfo, decryptGroupSecrets, type Welcome } from "ts-mls/welcome.js";
import { same, wipe } from "./bytes.ts";
import type { Trusting } from "./credential.ts";
import { Doubt, sure } from "./doubt.ts";
import type { Own } from "./keypackage.ts";
import { type Suite, SUITE_NAME } from "./suite.ts";
import { checkTree, leaves, type Seat } from "./tree.ts";

type GroupContext = GroupInfo["groupContext"];
const NONE = new Uint8Array();

/** Whether this Welcome was made for this KeyPackage. */
export async function isFor(welcome: Welcome, own: Own, suite: Suite): Promise<boolean> {
  const ref = await makeKeyPackageRef(own.keyPackage, suite.hash);
  return welcome.secrets.some((secret) => same(secret.newMember, ref));
}

export async function joinByWelcome(welcome: Welcome, own: Own, trust: Trusting, config: ClientConfig): Promise<ClientState> {
  const { suite } = trust;
  const ref = await makeKeyPackageRef(own.keyPackage, suite.hash);
  const init = await suite.hpke.importPrivateKey(own.privateKeys.initPrivateKey);
  const { joinerSecret, pathSecret, psks } = sure(await decryptGroupSecrets(init, ref, welcome, suite.hpke), "welcome: secrets");
  if (psks.length > 0) throw new Doubt("welcome: pre-shared keys");
  const noPsk = new Uint8Array(suite.kdf.size);
  const info = sure(await decryptGroupInfo(welcome, joinerSecret, noPsk, suite), "welcome: group info");
  const { tree } = await checkInfo(info, trust);
  if (!(await verifyGroupInfoConfirmationTag(info, joinerSecret, noPsk, suite))) throw new Doubt("welcome: confirmation tag");
  const leaf = sure(findLeafIndex(tree, own.keyPackage.leafNode), "welcome: no leaf of one's own");
  const privatePath = await joinersPath(tree, leaf, info.signer, pathSecret, own, suite);
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(joinerSecret, noPsk, info.groupContext, suite.kdf);
  const secretTree = await createSecretTree(leafWidth(tree.length), encryptionSecret, suite.kdf);
  wipe([joinerSecret, encryptionSecret, ...(pathSecret ? [pathSecret] : []), own.privateKeys.initPrivateKey]);
  return makeState(info.groupContext, tree, privatePath, own, keySchedule, secretTree, info.confirmationTag, config);
}

async function joinersPath(tree: RatchetTree, leaf: number, signer: number, pathSecret: Uint8Array | undefined, own: Own, suite: Suite): Promise<PrivateKeyPath> {
  const index = toLeafIndex(leaf);
  const only: PrivateKeyPath = { leafIndex: leaf, privateKeys: { [leafToNodeIndex(index)]: own.privateKeys.hpkePrivateKey } };
  if (!pathSecret) return only;
  const ancestor = firstCommonAncestor(tree, index, toLeafIndex(signer));
  const secrets = await pathToRoot(tree, toNodeIndex(ancestor), pathSecret, suite.kdf);
  const path = await toPrivateKeyPath(secrets, leaf, suite);
  await checkPath(tree, path, suite);
  wipe(Object.values(secrets));
  return mergePrivateKeyPaths(path, only);
}

/** RFC 9420 section 12.4.3.1: the private keys along the path must be those of the tree's public keys. */
async function checkPath(tree: RatchetTree, path: PrivateKeyPath, suite: Suite): Promise<void> {
  const probe = suite.rng.randomBytes(16);
  for (const [at, key] of Object.entries(path.privateKeys)) {
    const node = tree[Number(at)];
    if (node?.nodeType !== "parent") throw new Doubt("welcome: path beside the tree");
    const { ct, enc } = await suite.hpke.seal(await suite.hpke.importPublicKey(node.parent.hpkePublicKey), probe, NONE);
    const opened = await suite.hpke.open(await suite.hpke.importPrivateKey(key), enc, ct, NONE).catch(() => NONE);
    if (!same(opened, probe)) throw new Doubt("welcome: path of other keys");
  }
}

/** RFC 9420 section 12.4.3: a GroupInfo, its tree, and its signer, who must be a facilitator. */
export async function checkInfo(info: GroupInfo, trust: Trusting): Promise<{ tree: RatchetTree; seats: Seat[] }> {
  const { groupContext: context } = info;
  if (context.version !== "mls10" || context.cipherSuite !== SUITE_NAME || context.extensions.length > 0) throw new Doubt("group info: another kind of group");
  const tree = sure(ratchetTreeFromExtension(info), "group info: no tree");
  const seats = await checkTree(tree, context, trust);
  if (seats.find((seat) => seat.leaf === info.signer)?.role !== "facilitator") throw new Doubt("group info: not of a facilitator");
  const signer = sure(leaves(tree).find(([leaf]) => leaf === info.signer), "group info: signer")[1];
  if (!(await verifyGroupInfoSignature(info, signer.signaturePublicKey, trust.suite.signature))) throw new Doubt("group info: signature");
  return { tree, seats };
}

/** An external Commit that puts `own` into the group of a checked GroupInfo, in place of the leaf `former` if there is one. */
export async function joinFromOutside(
  info: GroupInfo,
  whole: RatchetTree,
  own: Own,
  former: number | null,
  suite: Suite,
  config: ClientConfig,
): Promise<{ state: ClientState; commit: PublicMessage }> {
  const external = sure(info.extensions.find((one) => one.extensionType === "external_pub"), "group info: no external key");
  const { enc, secret: initSecret } = await exportSecret(external.extensionData, suite);
  const removed = former === null ? whole : removeLeafNode(whole, toLeafIndex(former));
  const [seated, node] = addLeafNode(removed, own.keyPackage.leafNode);
  const leaf = nodeToLeafIndex(node);
  const [tree, path, secrets, leafKey] = await createUpdatePath(seated, leaf, info.groupContext, own.privateKeys.signaturePrivateKey, suite);
  const byNode = pathToPathSecrets(secrets);
  const privatePath = updateLeafKey(await toPrivateKeyPath(byNode, leaf, suite), await suite.hpke.exportPrivateKey(sure(leafKey, "path: no key")));
  const lowest = sure(secrets.at(-1), "path: alone"); // never alone: see Member.comeBack
  const commitSecret = await getCommitSecret(tree, toNodeIndex(lowest.nodeIndex), lowest.secret, suite.kdf);
  const proposals = [
    ...(former === null ? [] : [{ proposalType: "remove" as const, remove: { removed: former } }]),
    { proposalType: "external_init" as const, externalInit: { kemOutput: enc } },
  ].map((proposal) => ({ proposalOrRefType: "proposal" as const, proposal }));
  const { framedContent, signature } = await createContentCommitSignature(
    info.groupContext, "mls_public_message", { proposals, path }, { senderType: "new_member_commit" }, NONE, own.privateKeys.signaturePrivateKey, suite.signature,
  );
  const treeHash = await treeHashRoot(tree, suite.hash);
  const context = await nextEpochContext(info.groupContext, "mls_public_message", framedContent, signature, treeHash, info.confirmationTag, suite.hash);
  const epoch = await initializeEpoch(initSecret, commitSecret, context, new Uint8Array(suite.kdf.size), suite.kdf);
  const confirmationTag = await createConfirmationTag(epoch.keySchedule.confirmationKey, context.confirmedTranscriptHash, suite.hash);
  const secretTree = await createSecretTree(leafWidth(tree.length), epoch.encryptionSecret, suite.kdf);
  const content = { wireformat: "mls_public_message" as const, content: framedContent, auth: { signature, confirmationTag, contentType: "commit" as const } };
  const commit = await protectPublicMessage(epoch.keySchedule.membershipKey, context, content, suite);
  wipe([initSecret, commitSecret, epoch.joinerSecret, epoch.encryptionSecret, epoch.welcomeSecret, ...secrets.map((one) => one.secret)]);
  wipe([own.privateKeys.initPrivateKey, own.privateKeys.hpkePrivateKey]); // the leaf has a new key by its path
  return { state: makeState(context, tree, privatePath, own, epoch.keySchedule, secretTree, confirmationTag, config), commit };
}

function makeState(
  groupContext: GroupContext,
  ratchetTree: RatchetTree,
  privatePath: PrivateKeyPath,
  own: Own,
  keySchedule: KeySchedule,
  secretTree: ClientState["secretTree"],
  confirmationTag: Uint8Array,
  clientConfig: ClientConfig,
): ClientState {
  return {
    groupContext, ratchetTree, privatePath, keySchedule, secretTree, confirmationTag, clientConfig,
    signaturePrivateKey: own.privateKeys.signaturePrivateKey,
    unappliedProposals: {},
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
  };
}
