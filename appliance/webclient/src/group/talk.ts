// Chat: MLS application messages. ts-mls's processPrivateMessage opens them without saying who sent them; this opens them with the leaf.

import type { ClientState } from "ts-mls/clientState.js";
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import { same, toText, wipe } from "./bytes.ts";
import type { Suite } from "./suite.ts";
import { leaves } from "./tree.ts";
import { unpack } from "./wire.ts";

export interface Opened {
  state: ClientState;
  /** Signature key of the sender's leaf, base64url. */
  key: string;
  /** Of the sender, and in which epoch it was said. */
  leaf: number;
  epoch: number;
  text: string;
}

/** null for what cannot be opened with the keys of this epoch or the one before; "later": its epoch is still to come. */
export async function open(state: ClientState, message: string, suite: Suite): Promise<Opened | "later" | null> {
  const sealed = unpack("mls_private_message", message)?.privateMessage;
  if (!sealed || sealed.contentType !== "application" || !same(sealed.groupId, state.groupContext.groupId)) return null;
  if (sealed.epoch > state.groupContext.epoch) return "later";
  return openSealed(state, sealed, suite).catch(() => null); // the state has not changed
}

async function openSealed(state: ClientState, sealed: PrivateMessage, suite: Suite): Promise<Opened | null> {
  const former = state.historicalReceiverData.get(sealed.epoch);
  if (!former && sealed.epoch !== state.groupContext.epoch) return null;
  const { senderDataSecret, secretTree, ratchetTree, groupContext } = former ?? { ...state, senderDataSecret: state.keySchedule.senderDataSecret };
  const { keyRetentionConfig } = state.clientConfig;
  const { content: authenticated, tree, consumed } = await unprotectPrivateMessage(senderDataSecret, sealed, secretTree, ratchetTree, groupContext, keyRetentionConfig, suite);
  wipe(consumed);
  const { content } = authenticated;
  if (content.contentType !== "application" || content.sender.senderType !== "member") return null;
  const { leafIndex } = content.sender;
  const sender = leaves(ratchetTree).find(([leaf]) => leaf === leafIndex)?.[1];
  if (!sender) return null;
  const next = former ? { ...state, historicalReceiverData: new Map([[sealed.epoch, { ...former, secretTree: tree }]]) } : { ...state, secretTree: tree };
  return { state: next, key: toText(sender.signaturePublicKey), leaf: leafIndex, epoch: Number(sealed.epoch), text: new TextDecoder().decode(content.applicationData) };
}
