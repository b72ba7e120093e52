// The published passive-client vectors (tests/vectors/mls), once with the browser's own curves and once with those in plain script.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { type ClientState, joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { acceptAll } from "ts-mls/incomingMessageAction.js";
import { decodeMlsMessage, type MLSMessage } from "ts-mls/message.js";
import { processMessage } from "ts-mls/processMessages.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";
import { bytesToBase64 } from "ts-mls/util/byteArray.js";
import { fromHex, toHex, toText } from "../src/group/bytes.ts";
import type { Trusting } from "../src/group/credential.ts";
import { joinByWelcome } from "../src/group/join.ts";
import { makeSuite, proves, type Suite, suite } from "../src/group/suite.ts";

interface Vector {
  external_psks: { psk_id: string; psk: string }[];
  key_package: string;
  signature_priv: string;
  encryption_priv: string;
  init_priv: string;
  welcome: string;
  ratchet_tree: string | null;
  initial_epoch_authenticator: string;
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[];
}

const FOLDER = path.resolve("../../tests/vectors/mls");
const read = (name: string): Vector[] => JSON.parse(readFileSync(path.join(FOLDER, name), "utf8")) as Vector[];

function message<K extends MLSMessage["wireformat"]>(hex: string, kind: K): Extract<MLSMessage, { wireformat: K }> {
  const found = decodeMlsMessage(fromHex(hex), 0)![0];
  assert.equal(found.wireformat, kind);
  return found as Extract<MLSMessage, { wireformat: K }>;
}

const own = (vector: Vector) => ({
  keyPackage: message(vector.key_package, "mls_key_package").keyPackage,
  privateKeys: {
    initPrivateKey: fromHex(vector.init_priv),
    hpkePrivateKey: fromHex(vector.encryption_priv),
    signaturePrivateKey: fromHex(vector.signature_priv),
  },
});

const authenticator = (state: ClientState): string => toHex(state.keySchedule.epochAuthenticator);

async function follow(vector: Vector, chosen: Suite): Promise<void> {
  const { keyPackage, privateKeys } = own(vector);
  const psks = Object.fromEntries(vector.external_psks.map((one) => [bytesToBase64(fromHex(one.psk_id)), fromHex(one.psk)]));
  const tree = vector.ratchet_tree === null ? undefined : decodeRatchetTree(fromHex(vector.ratchet_tree), 0)![0];
  const { welcome } = message(vector.welcome, "mls_welcome");
  let state = await joinGroup(welcome, keyPackage, privateKeys, makePskIndex(undefined, psks), chosen, tree, undefined, defaultClientConfig);
  assert.equal(authenticator(state), vector.initial_epoch_authenticator);
  for (const epoch of vector.epochs) {
    for (const hex of [...epoch.proposals, epoch.commit]) {
      const next = decodeMlsMessage(fromHex(hex), 0)![0];
      assert.ok(next.wireformat === "mls_public_message" || next.wireformat === "mls_private_message");
      state = (await processMessage(next, state, makePskIndex(state, psks), acceptAll, chosen)).newState;
    }
    assert.equal(authenticator(state), epoch.epoch_authenticator);
  }
}

/** Lets everybody in, as a facilitator: the vectors' people have no credentials of a box. */
const trusting = (chosen: Suite): Trusting => ({
  suite: chosen,
  check: async (_, key) => ({ session: "s", member: toText(key), role: "facilitator", name: "n", language: "en", key: toText(key) }),
});

for (const curves of ["native", "pure"] as const) {
  for (const name of ["passive-client-welcome.json", "passive-client-handling-commit.json"]) {
    test(`${name} is followed with ${curves} curves`, async () => {
      const chosen = await makeSuite(curves);
      for (const vector of read(name)) await follow(vector, chosen);
    });
  }

  test(`our own way in by Welcome agrees with the vectors without pre-shared keys, with ${curves} curves`, async () => {
    const chosen = await makeSuite(curves);
    const fitting = read("passive-client-welcome.json").filter((one) => one.external_psks.length === 0 && one.ratchet_tree === null);
    assert.equal(fitting.length, 2);
    for (const vector of fitting) {
      const { welcome } = message(vector.welcome, "mls_welcome");
      const state = await joinByWelcome(welcome, own(vector), trusting(chosen), defaultClientConfig);
      assert.equal(authenticator(state), vector.initial_epoch_authenticator);
    }
  });

  test(`${curves} curves do all that a room needs`, async () => assert.ok(await proves(await makeSuite(curves))));
}

test("what one kind of curves signs and seals, the other verifies and opens", async () => {
  const [native, pure] = [await makeSuite("native"), await makeSuite("pure")];
  for (const [a, b] of [[native, pure], [pure, native]] as const) {
    const { signKey, publicKey } = await a.signature.keygen();
    const text = Uint8Array.of(9);
    assert.ok(await b.signature.verify(publicKey, text, await a.signature.sign(signKey, text)));
    assert.deepEqual(await b.signature.sign(signKey, text), await a.signature.sign(signKey, text));
    const pair = await a.hpke.generateKeyPair();
    const { ct, enc } = await b.hpke.seal(await b.hpke.importPublicKey(await a.hpke.exportPublicKey(pair.publicKey)), text, text);
    assert.deepEqual(await b.hpke.open(await b.hpke.importPrivateKey(await a.hpke.exportPrivateKey(pair.privateKey)), enc, ct, text), text);
  }
});

test("a browser without native curves gets those in plain script", async () => {
  const { subtle } = crypto;
  const without = new Proxy(subtle, {
    get(target, name) {
      const found = target[name as keyof SubtleCrypto] as unknown;
      if (typeof found !== "function") return found;
      return (...all: unknown[]) => (/"(X|Ed)25519"/.test(JSON.stringify(all)) ? Promise.reject(new Error("unknown curve")) : (found.apply(target, all) as unknown));
    },
  });
  Object.defineProperty(crypto, "subtle", { value: without, configurable: true });
  try {
    assert.equal(await proves(await makeSuite("native")), false);
    assert.equal(await proves(await suite()), true);
  } finally {
    delete (crypto as unknown as Record<string, unknown>)["subtle"];
  }
});
