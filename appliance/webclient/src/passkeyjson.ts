// Passkey options and answers between JSON and what the browser's functions take and give. Older browsers lack the built-in
// `parseCreationOptionsFromJSON` and `toJSON` (W3C Web Authentication level 3, sections 5.1.8 and 5.1.9).

type Json = { [name: string]: unknown };

export function bytes(text: string): ArrayBuffer {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0)).buffer;
}

export function base64url(buffer: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function descriptors(list: unknown): unknown {
  return Array.isArray(list) ? list.map((one: Json) => ({ ...one, id: bytes(one["id"] as string) })) : [];
}

/** The options with bytes where the browser wants bytes. */
export function options(given: unknown): unknown {
  const found = { ...(given as Json) };
  found["challenge"] = bytes(found["challenge"] as string);
  const user = found["user"] as Json | undefined;
  if (user) found["user"] = { ...user, id: bytes(user["id"] as string) };
  for (const name of ["excludeCredentials", "allowCredentials"]) if (name in found) found[name] = descriptors(found[name]);
  return found;
}

/** The browser's answer as the box reads it. */
export function answer(made: PublicKeyCredential): Json {
  const response: Json = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    const part = (made.response as unknown as Json)[name];
    if (part instanceof ArrayBuffer) response[name] = base64url(part);
  }
  return { id: made.id, rawId: base64url(made.rawId), type: made.type, response, clientExtensionResults: {} };
}
