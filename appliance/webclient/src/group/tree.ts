// What must hold of a ratchet tree: who sits on which leaf, and for a tree from outside everything else that RFC 9420 asks of it.
// The latter is written here and not taken from ts-mls 1.6.4: its validateRatchetTree wants every ancestor of an unmerged leaf to list
// the same unmerged leaves, which is not so as soon as two facilitators have committed, and refuses sound trees.

import type { GroupContext } from "ts-mls/groupContext.js";
import { type LeafNode, verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { verifyParentHashes } from "ts-mls/parentHash.js";
import type { ParentNode } from "ts-mls/parentNode.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { directPath, leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
import { same, toText } from "./bytes.ts";
import type { Trusting } from "./credential.ts";
import { Doubt, sure } from "./doubt.ts";
import { LAST_LEAF } from "../sealing/kid.ts";
import type { Holder } from "./types.ts";

export type Seat = Omit<Holder, "you">;

/** The leaf nodes of a tree with their leaf index. */
export function leaves(tree: RatchetTree): [number, LeafNode][] {
  return tree.flatMap((node, at): [number, LeafNode][] => {
    if (node === undefined) return [];
    if ((node.nodeType === "leaf") !== (at % 2 === 0)) throw new Doubt("tree: node in the wrong place");
    return node.nodeType === "leaf" ? [[at / 2, node.leaf]] : [];
  });
}

/** Who holds keys, by ascending leaf. Doubt if a credential does not hold, a member or a key is there twice, or the tree is too wide. */
export async function seatsOf(tree: RatchetTree, trust: Trusting): Promise<Seat[]> {
  const seats: Seat[] = [];
  const seen = new Set<string>();
  const once = (what: string): void => {
    if (seen.has(what)) throw new Doubt("tree: twice");
    seen.add(what);
  };
  for (const [leaf, node] of leaves(tree)) {
    if (leaf > LAST_LEAF) throw new Doubt("tree: too wide");
    const { member, name, role, language, key } = sure(await trust.check(node.credential, node.signaturePublicKey), "tree: credential");
    // ts-mls 1.6.4 looks for keys that are there twice among the older leaves only, never at a new one (RFC 9420 section 7.3).
    once(`member ${member}`);
    once(`signature ${key}`);
    once(`hpke ${toText(node.hpkePublicKey)}`);
    seats.push({ leaf, member, name, role, language, key });
  }
  for (const node of tree) if (node?.nodeType === "parent") once(`hpke ${toText(node.parent.hpkePublicKey)}`);
  return seats;
}

/** For a tree that came with a GroupInfo or a Welcome: RFC 9420 section 12.4.3.1, the points about the tree. */
export async function checkTree(tree: RatchetTree, context: GroupContext, trust: Trusting): Promise<Seat[]> {
  const seats = await seatsOf(tree, trust);
  for (const [leaf, node] of leaves(tree)) {
    if (!(await verifyLeafNodeSignature(node, context.groupId, leaf, trust.suite.signature))) throw new Doubt("tree: leaf signature");
    if (node.extensions.length > 0 || !node.capabilities.credentials.includes("basic")) throw new Doubt("tree: leaf with what no room uses");
  }
  tree.forEach((node, at) => node?.nodeType === "parent" && checkUnmerged(tree, at, node.parent));
  if (!(await verifyParentHashes(tree, trust.suite.hash))) throw new Doubt("tree: parent hash");
  if (!same(await treeHashRoot(tree, trust.suite.hash), context.treeHash)) throw new Doubt("tree: tree hash");
  return seats;
}

/** RFC 9420 section 12.4.3.1: an unmerged leaf is a leaf below, and all nodes that are there between the two list it too. */
function checkUnmerged(tree: RatchetTree, at: number, parent: ParentNode): void {
  for (const leaf of parent.unmergedLeaves) {
    const index = leafToNodeIndex(toLeafIndex(leaf));
    const path: number[] = index < tree.length ? directPath(index, leafWidth(tree.length)) : [];
    if (tree[index]?.nodeType !== "leaf" || !path.includes(at)) throw new Doubt("tree: unmerged leaf that is none");
    for (const between of path.slice(0, path.indexOf(at))) {
      const node = tree[between];
      if (node?.nodeType === "parent" && !node.parent.unmergedLeaves.includes(leaf)) throw new Doubt("tree: unmerged leaf that is merged below");
    }
  }
}
