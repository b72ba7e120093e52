import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, base64url, bytes, options } from "../src/passkeyjson.ts";

type Json = { [name: string]: unknown };

test("bytes go through base64url and back, every value of them", () => {
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.match(base64url(all.buffer), /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(new Uint8Array(bytes(base64url(all.buffer))), all);
});

test("what the browser wants as bytes are bytes, the rest is as the box said", () => {
  const found = options({ challenge: "AQI", rpId: "hearth.local", allowCredentials: [{ type: "public-key", id: "Aw" }] }) as Json;
  assert.equal(found["rpId"], "hearth.local");
  assert.deepEqual([...new Uint8Array(found["challenge"] as ArrayBuffer)], [1, 2]);
  const [first] = found["allowCredentials"] as [{ id: ArrayBuffer; type: string }];
  assert.deepEqual([[...new Uint8Array(first.id)], first.type], [[3], "public-key"]);
});

test("the person's handle is bytes too, and what is not asked for is not made up", () => {
  const found = options({ challenge: "AQ", user: { id: "Ag", name: "mara" }, excludeCredentials: [] }) as Json;
  assert.deepEqual([...new Uint8Array((found["user"] as { id: ArrayBuffer }).id)], [2]);
  assert.equal("allowCredentials" in found, false);
});

test("the answer holds what its kind has and nothing else", () => {
  const one = Uint8Array.of(255, 254).buffer;
  const made = { id: "__4", rawId: one, type: "public-key", response: { clientDataJSON: one, signature: one, userHandle: null } };
  assert.deepEqual(answer(made as unknown as PublicKeyCredential), {
    id: "__4",
    rawId: "__4",
    type: "public-key",
    response: { clientDataJSON: "__4", signature: "__4" },
    clientExtensionResults: {},
  });
});
