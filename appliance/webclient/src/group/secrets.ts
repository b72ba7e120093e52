// Every secret that a state of ts-mls holds, so that what is no longer needed can be overwritten. ts-mls hands back only some of
// them as `consumed`: 1.6.4 forgets those of epochs that it drops, and all of the key schedule but one.

import type { ClientState } from "ts-mls/clientState.js";
import type { SecretTree } from "ts-mls/secretTree.js";
import { wipe } from "./bytes.ts";

function* ofTree(tree: SecretTree): Generator<Uint8Array> {
  for (const node of tree) {
    for (const ratchet of [node.application, node.handshake]) {
      yield ratchet.secret;
      yield* Object.values(ratchet.unusedGenerations);
    }
  }
}

/** All but the signature key, which outlives epochs. */
export function* secretsOf(state: ClientState): Generator<Uint8Array> {
  yield* Object.values(state.keySchedule);
  yield* ofTree(state.secretTree);
  yield* Object.values(state.privatePath.privateKeys);
  for (const former of state.historicalReceiverData.values()) {
    yield former.senderDataSecret;
    yield former.resumptionPsk;
    yield* ofTree(former.secretTree);
  }
}

/** Overwrites what `dropped` holds and `kept` does not. */
export function retire(dropped: ClientState, kept: ClientState | null): void {
  const still = new Set(kept ? secretsOf(kept) : []);
  wipe([...secretsOf(dropped)].filter((secret) => !still.has(secret)));
}

/** Without the private keys of nodes that are blank by now: ts-mls keeps them, and nothing is ever sealed to them again. */
export function pruned(state: ClientState): ClientState {
  const keys = Object.entries(state.privatePath.privateKeys).filter(([node]) => state.ratchetTree[Number(node)] !== undefined);
  return { ...state, privatePath: { ...state.privatePath, privateKeys: Object.fromEntries(keys) } };
}
