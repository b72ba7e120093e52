// Somebody who holds keys by the book and then breaks it: bare ts-mls, without our rules.

import type { Credential } from "ts-mls/credential.js";
import { type ClientState, joinGroup } from "ts-mls/clientState.js";
import { createCommit, createGroupInfoWithExternalPubAndRatchetTree } from "ts-mls/createCommit.js";
import { createProposal } from "ts-mls/createMessage.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { toText } from "../src/group/bytes.ts";
import { Trust } from "../src/group/credential.ts";
import { checkInfo, joinFromOutside } from "../src/group/join.ts";
import { makeOwn, type Own } from "../src/group/keypackage.ts";
import { makeSuite, type Suite } from "../src/group/suite.ts";
import { pack, unpack } from "../src/group/wire.ts";
import type { Box, Claims } from "./box.ts";

export const suite = await makeSuite("native");

/** Somebody's KeyPackage; `change` alters what the box vouches for, `spoil` the credential afterwards. */
export async function keysOf(box: Box, claims: Partial<Claims> & { member: string }, spoil = (identity: string): string => identity): Promise<Own> {
  const keys = await suite.signature.keygen();
  const all = { session: box.session, role: "participant", name: `Name of ${claims.member}`, language: "en", key: toText(keys.publicKey), ...claims };
  return makeOwn(new TextEncoder().encode(spoil(box.vouch(all))), keys, suite);
}

export class Rogue {
  constructor(
    readonly box: Box,
    public state: ClientState,
    readonly suite: Suite,
  ) {}

  /** In by the Welcome that the box has for `member`. */
  static async welcomed(box: Box, member: string, own: Own): Promise<Rogue> {
    const { welcome } = unpack("mls_welcome", box.welcomes.get(member)!.welcome)!;
    return new Rogue(box, await joinGroup(welcome, own.keyPackage, own.privateKeys, emptyPskIndex, suite), suite);
  }

  /** In by an external Commit, which the box puts first. `over`: the leaf that is removed with it. */
  static async fromOutside(box: Box, own: Own, over: number | null = null): Promise<Rogue> {
    const trust = new Trust(box.session, box.credentialKey, suite);
    const info = unpack("mls_group_info", box.group!.groupInfo)!.groupInfo;
    const { tree } = await checkInfo(info, trust);
    const { state, commit } = await joinFromOutside(info, tree, own, over, suite, defaultClientConfig);
    const rogue = new Rogue(box, state, suite);
    box.put(pack({ wireformat: "mls_public_message", publicMessage: commit }), await rogue.groupInfo(), "rogue");
    box.tell();
    return rogue;
  }

  /** A Commit of these proposals, which the box puts first; gives the Welcome for whom it adds. */
  async commit(...proposals: Proposal[]): Promise<string | null> {
    const options = { wireAsPublicMessage: true, extraProposals: proposals, ratchetTreeExtension: true };
    const { commit, newState, welcome } = await createCommit({ state: this.state, cipherSuite: suite }, options);
    this.state = newState;
    this.box.put(pack(commit), await this.groupInfo(), "rogue");
    this.box.tell();
    return welcome ? pack({ wireformat: "mls_welcome", welcome }) : null;
  }

  /** A proposal on its own, where a Commit should be. */
  async propose(proposal: Proposal): Promise<void> {
    const { message } = await createProposal(this.state, true, proposal, suite);
    this.box.put(pack(message), null, "rogue");
    this.box.tell();
  }

  async groupInfo(): Promise<string> {
    return pack({ wireformat: "mls_group_info", groupInfo: await createGroupInfoWithExternalPubAndRatchetTree(this.state, [], suite) });
  }
}

export const adding = (keyPackage: KeyPackage): Proposal => ({ proposalType: "add", add: { keyPackage } });
export const removing = (removed: number): Proposal => ({ proposalType: "remove", remove: { removed } });
export const credentialOf = (own: Own): Credential => own.keyPackage.leafNode.credential;
export const packed = (own: Own): string => pack({ wireformat: "mls_key_package", keyPackage: own.keyPackage });
