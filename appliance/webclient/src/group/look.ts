// What a Commit would do, read before any key is touched. Says nothing about whether it may: rules.ts does.

import type { GroupContext } from "ts-mls/groupContext.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import type { Sender } from "ts-mls/sender.js";
import { same } from "./bytes.ts";
import type { LeafCredential, Trusting } from "./credential.ts";
import { Doubt } from "./doubt.ts";
import type { Maker, Step } from "./rules.ts";

/** Doubt unless it is a Commit of this group in this epoch. Its signature is not looked at here. */
export async function look({ content }: PublicMessage, context: GroupContext, trust: Trusting): Promise<{ maker: Maker; steps: Step[] }> {
  if (content.contentType !== "commit") throw new Doubt("commit: none");
  if (!same(content.groupId, context.groupId) || content.epoch !== context.epoch) throw new Doubt("commit: another group or epoch");
  const { proposals, path } = content.commit;
  const steps = proposals.map(async (one): Promise<Step> => (one.proposalOrRefType === "proposal" ? step(one.proposal, trust) : { kind: "other" }));
  return { maker: await maker(content.sender, path?.leafNode, trust), steps: await Promise.all(steps) };
}

async function maker(sender: Sender, leafNode: LeafNode | undefined, trust: Trusting): Promise<Maker> {
  if (sender.senderType === "member") return { kind: "leaf", leaf: sender.leafIndex };
  const said = sender.senderType === "new_member_commit" && leafNode ? await credentialOf(leafNode, trust) : null;
  return said ? { kind: "newcomer", member: said.member, role: said.role } : { kind: "other" };
}

async function step(proposal: Proposal, trust: Trusting): Promise<Step> {
  if ("remove" in proposal) return { kind: "remove", leaf: proposal.remove.removed };
  if ("externalInit" in proposal) return { kind: "externalInit" };
  const said = "add" in proposal ? await credentialOf(proposal.add.keyPackage.leafNode, trust) : null;
  return said ? { kind: "add", member: said.member, role: said.role } : { kind: "other" };
}

function credentialOf({ credential, signaturePublicKey }: LeafNode, trust: Trusting): Promise<LeafCredential | null> {
  return trust.check(credential, signaturePublicKey);
}
