// The group as one member holds it. After every step all leaves carry credentials of this session, nobody twice, or it is a Doubt and
// the step is not taken. Knows no box and no page; keeps only the epoch before the present one, for what was said just before a Commit.

import type { ClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, createGroup } from "ts-mls/clientState.js";
import { createCommit, createGroupInfoWithExternalPubAndRatchetTree } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { mlsExporter } from "ts-mls/keySchedule.js";
import { defaultLifetimeConfig } from "ts-mls/lifetimeConfig.js";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { defaultPaddingConfig } from "ts-mls/paddingConfig.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { fromHex, fromText, same, toHex, toText, wipe } from "./bytes.ts";
import type { Trusting } from "./credential.ts";
import { Doubt, sure, trusted } from "./doubt.ts";
import { checkInfo, joinByWelcome, joinFromOutside } from "./join.ts";
import type { Offer, Own } from "./keypackage.ts";
import { look } from "./look.ts";
import { rosterBytes } from "./rostercode.ts";
import { refusal, type Step } from "./rules.ts";
import { pruned, retire } from "./secrets.ts";
import { open } from "./talk.ts";
import { leaves, type Seat, seatsOf } from "./tree.ts";
import { pack, unpack } from "./wire.ts";

/** RFC 9605 section 5.2. */
const SFRAME_LABEL = "SFrame 1.0 Base Key";
const BASE_KEY_BYTES = 16;
const NONE = new Uint8Array();
/** Our own, beside those of RFC 9420: nothing that MLS itself seals to a leaf opens as a whisper, nor the other way round. */
const WHISPER_LABEL = "hearth whisper 1";
/** Of X25519, RFC 9180 section 7.1. */
const ENC_BYTES = 32;
const MAX_WHISPER_BYTES = 2100;

/** A Commit that is made and not yet in force: the box decides whether it comes first. */
export interface Made {
  commit: string;
  groupInfo: string;
  welcome: string | null;
  next: Member;
}

export interface Said {
  from: Seat;
  /** The leaf that said it, and the epoch it was said in. */
  leaf: number;
  epoch: number;
  text: string;
}

function configFor(trust: Trusting): ClientConfig {
  return {
    // 1 is the least that works in ts-mls 1.6.4: with 0 it keeps every epoch.
    keyRetentionConfig: { retainKeysForGenerations: 10, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 200 },
    lifetimeConfig: defaultLifetimeConfig, // not looked at on receiving; keypackage.ts says why
    // Who somebody is decides, not which key they have: the rules see to it that nobody is there twice.
    keyPackageEqualityConfig: {
      compareKeyPackages: (a, b) => same(a.leafNode.signaturePublicKey, b.leafNode.signaturePublicKey),
      compareKeyPackageToLeafNode: () => false,
    },
    paddingConfig: defaultPaddingConfig, // up to 256 bytes: a short answer does not show by its length
    authService: { validateCredential: async (credential, key) => (await trust.check(credential, key)) !== null },
  };
}

export class Member {
  #state: ClientState;

  private constructor(
    private readonly trust: Trusting,
    state: ClientState,
    private seated: readonly Seat[],
  ) {
    this.#state = state;
  }

  static async #from(trust: Trusting, state: ClientState): Promise<Member> {
    return new Member(trust, state, await seatsOf(state.ratchetTree, trust));
  }

  // -- ways in

  /** A new group with oneself alone. */
  static async found(trust: Trusting, group: string, own: Own): Promise<{ groupInfo: string; next: Member }> {
    const state = await createGroup(fromHex(group), own.keyPackage, own.privateKeys, [], trust.suite, configFor(trust));
    wipe([own.privateKeys.initPrivateKey]);
    const next = await Member.#from(trust, state);
    return { groupInfo: await next.#groupInfo(), next };
  }

  static welcomed(trust: Trusting, group: string, epoch: number, welcome: string, own: Own): Promise<Member> {
    return trusted("welcome", async () => {
      const { welcome: read } = sure(unpack("mls_welcome", welcome), "welcome: form");
      const member = await Member.#from(trust, await joinByWelcome(read, own, trust, configFor(trust)));
      if (member.group !== group || member.epoch !== epoch) throw new Doubt("welcome: another group or epoch");
      return member;
    });
  }

  /** An external Commit into the group of this GroupInfo; null if nobody else is in it: then there is nothing to come back to. */
  static async comeBack(trust: Trusting, group: string, epoch: number, groupInfo: string, own: Own): Promise<Made | null> {
    const { groupInfo: info } = sure(unpack("mls_group_info", groupInfo), "group info: form");
    const { groupId, epoch: stated } = info.groupContext;
    if (toHex(groupId) !== group || stated !== BigInt(epoch)) throw new Doubt("group info: another group or epoch");
    const { tree, seats } = await checkInfo(info, trust);
    const { credential, signaturePublicKey } = own.keyPackage.leafNode;
    const me = sure(await trust.check(credential, signaturePublicKey), "own credential");
    const former = seats.find((seat) => seat.member === me.member);
    if (former && seats.length === 1) return null;
    const { state, commit } = await joinFromOutside(info, tree, own, former?.leaf ?? null, trust.suite, configFor(trust));
    const next = await Member.#from(trust, state);
    return { commit: pack({ wireformat: "mls_public_message", publicMessage: commit }), groupInfo: await next.#groupInfo(), welcome: null, next };
  }

  // -- what it says of itself

  get group(): string {
    return toHex(this.#state.groupContext.groupId);
  }
  get epoch(): number {
    return Number(this.#state.groupContext.epoch);
  }
  get leaf(): number {
    return this.#state.privatePath.leafIndex;
  }
  get seats(): readonly Seat[] {
    return this.seated;
  }
  /** Public keys of the leaves, base64url: whose KeyPackage is used up. */
  get leafKeys(): string[] {
    return leaves(this.#state.ratchetTree).map(([, node]) => toText(node.hpkePublicKey));
  }
  /** Those of the nodes above them. */
  get parentKeys(): string[] {
    return this.#state.ratchetTree.flatMap((node) => (node?.nodeType === "parent" ? [toText(node.parent.hpkePublicKey)] : []));
  }

  /** A new copy each time; the receiver overwrites it. */
  baseKey(): Promise<Uint8Array> {
    return mlsExporter(this.#state.keySchedule.exporterSecret, SFRAME_LABEL, NONE, BASE_KEY_BYTES, this.trust.suite);
  }

  code(): Promise<Uint8Array> {
    return this.trust.suite.hash.digest(rosterBytes(this.#state.keySchedule.epochAuthenticator, this.seated));
  }

  // -- Commits

  async commit(add: readonly Offer[], remove: readonly number[]): Promise<Made> {
    const steps: Step[] = [
      ...remove.map((leaf) => ({ kind: "remove" as const, leaf })),
      ...add.map(({ member }) => ({ kind: "add" as const, member, role: "participant" as const })),
    ];
    const refused = refusal({ kind: "leaf", leaf: this.leaf }, steps, this.seated);
    if (refused) throw new Error(`own commit: ${refused}`);
    const proposals: Proposal[] = [
      ...remove.map((removed) => ({ proposalType: "remove" as const, remove: { removed } })),
      ...add.map(({ keyPackage }) => ({ proposalType: "add" as const, add: { keyPackage } })),
    ];
    // Public, as external Commits must be: the rules can then look before any key is touched, and no ratchet step is used up
    // by a Commit that comes second. The box knows who comes and goes in any case.
    const options = { wireAsPublicMessage: true, extraProposals: proposals, ratchetTreeExtension: true };
    const { commit, newState, welcome } = await createCommit({ state: this.#state, cipherSuite: this.trust.suite, pskIndex: emptyPskIndex }, options);
    // `consumed` has this epoch's init secret, which is still needed if another Commit comes first: `supersede` overwrites it.
    const next = await Member.#from(this.trust, pruned(newState));
    return { commit: pack(commit), groupInfo: await next.#groupInfo(), welcome: welcome ? pack({ wireformat: "mls_welcome", welcome }) : null, next };
  }

  async #groupInfo(): Promise<string> {
    const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(this.#state, [], this.trust.suite);
    return pack({ wireformat: "mls_group_info", groupInfo });
  }

  /** Follows a Commit of somebody else into the next epoch. "removed": it takes one's own leaf; the keys are then void. */
  follow(commit: string): Promise<"on" | "removed"> {
    return trusted("commit", () => this.#follow(commit));
  }

  async #follow(commit: string): Promise<"on" | "removed"> {
    const { publicMessage } = sure(unpack("mls_public_message", commit), "commit: form");
    const { maker, steps } = await look(publicMessage, this.#state.groupContext, this.trust);
    const refused = refusal(maker, steps, this.seated);
    if (refused) throw new Doubt(`commit: ${refused}`);
    const { membershipKey } = this.#state.keySchedule;
    // ts-mls 1.6.4 takes somebody whose leaf is given on in the same Commit for somebody who stays.
    if (steps.some((step) => step.kind === "remove" && step.leaf === this.leaf)) {
      await unprotectPublicMessage(membershipKey, this.#state.groupContext, this.#state.ratchetTree, publicMessage, this.trust.suite);
      return "removed";
    }
    const { newState, consumed } = await processPublicMessage(this.#state, publicMessage, emptyPskIndex, this.trust.suite);
    const seats = await seatsOf(newState.ratchetTree, this.trust);
    // A path brings a new leaf node for its maker: with another key to seal to, never another person.
    if (maker.kind === "leaf" && !alike(seatOn(maker.leaf, this.seated), seatOn(maker.leaf, seats))) throw new Doubt("commit: maker is another");
    const state = pruned(newState);
    retire(this.#state, state);
    wipe(consumed);
    this.#state = state;
    this.seated = seats;
    return "on";
  }

  // -- what is said

  async say(text: string): Promise<string> {
    const { newState, privateMessage, consumed } = await createApplicationMessage(this.#state, new TextEncoder().encode(text), this.trust.suite);
    this.#state = newState;
    wipe(consumed);
    return pack({ wireformat: "mls_private_message", privateMessage });
  }

  /** null for what cannot be read, or was said by somebody who holds no keys any more; "later": its epoch is still to come. */
  async read(message: string): Promise<Said | "later" | null> {
    const opened = await open(this.#state, message, this.trust.suite);
    if (opened === "later" || opened === null) return opened;
    this.#state = opened.state;
    const from = this.seated.find((seat) => seat.key === opened.key);
    return from ? { from, leaf: opened.leaf, epoch: opened.epoch, text: opened.text } : null;
  }

  // -- what is whispered

  /** `text`, which only who holds the leaf's private key can open: EncryptWithLabel, RFC 9420 section 5.1.3. base64url. */
  async sealTo(leaf: number, id: string, text: string): Promise<string> {
    const node = leaves(this.#state.ratchetTree).find(([at]) => at === leaf)?.[1];
    if (!node) throw new Error("nobody is on that leaf");
    const { hpke } = this.trust.suite;
    const context = whisperContext(this.group, this.epoch, this.leaf, leaf, id);
    const { enc, ct } = await encryptWithLabel(await hpke.importPublicKey(node.hpkePublicKey), WHISPER_LABEL, context, new TextEncoder().encode(text), hpke);
    return toText(new Uint8Array([...enc, ...ct]));
  }

  /** What `said` has sealed to one's own leaf; null if it was sealed to another, by another, for another message, or to a key that is gone. */
  async openFrom(said: Pick<Said, "leaf" | "epoch">, id: string, sealed: string): Promise<string | null> {
    const bytes = fromText(sealed, MAX_WHISPER_BYTES);
    const key = this.#state.privatePath.privateKeys[leafToNodeIndex(toLeafIndex(this.leaf))];
    if (!bytes || !key || bytes.length <= ENC_BYTES) return null;
    const { hpke } = this.trust.suite;
    const context = whisperContext(this.group, said.epoch, said.leaf, this.leaf, id);
    const opened = decryptWithLabel(await hpke.importPrivateKey(key), WHISPER_LABEL, context, bytes.slice(0, ENC_BYTES), bytes.slice(ENC_BYTES), hpke);
    return opened.then((plain) => new TextDecoder().decode(plain)).catch(() => null);
  }

  // -- ends

  /** `next` is in force: what this epoch alone needed is overwritten. */
  supersede(next: Member): void {
    retire(this.#state, next.#state);
  }

  /** This one never came into force, or is over. `kept`: what goes on instead. */
  forget(kept: Member | null = null): void {
    retire(this.#state, kept ? kept.#state : null);
  }

  /** What was said in the epoch before can be read no longer. */
  dropFormer(): void {
    const state = { ...this.#state, historicalReceiverData: new Map() };
    retire(this.#state, state);
    this.#state = state;
  }
}

/** What a whisper is bound to, so that it opens nowhere else: in this group and epoch, from that leaf to this one, under that id. */
function whisperContext(group: string, epoch: number, from: number, to: number, id: string): Uint8Array {
  return new TextEncoder().encode(`${group} ${epoch} ${from} ${to} ${id}`);
}

function seatOn(leaf: number, seats: readonly Seat[]): Seat | undefined {
  return seats.find((seat) => seat.leaf === leaf);
}

function alike(before: Seat | undefined, after: Seat | undefined): boolean {
  return before?.member === after?.member && before?.name === after?.name && before?.role === after?.role && before?.key === after?.key;
}
