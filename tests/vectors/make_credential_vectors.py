"""Makes tests/vectors/credential anew: `.venv/bin/python tests/vectors/make_credential_vectors.py`.

Each file is one JSON object. A reader is handed `identity`, the box's public `credential_key`, the `session` that it is
in and the signature key of the leaf (`leaf_key`), and must come to `expect`: `accepted`, with the fields of `payload`,
else the class of failure: `malformed` (form, base64url, JSON, version, a field), `bad_signature`, `other_session`,
`other_key`. A signature is looked at before what it covers is believed. `seed` is the box's: nobody else has it.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from appliance.groups import credential, rules  # noqa: E402
from appliance.groups.rules import b64url  # noqa: E402

SEED, OTHER_SEED = bytes(range(32)), bytes(range(32, 64))
LEAF_KEY, OTHER_LEAF_KEY = bytes(range(64, 96)), bytes(range(96, 128))
SESSION, OTHER_SESSION = "c2Vzc2lvbi0wMDAwMDAwMQ", "c2Vzc2lvbi0wMDAwMDAwMg"
ADA = {"member": "bWVtYmVyLTAwMDAwMDAwMQ", "role": "participant", "name": "Ada", "language": "en"}
INES = {"member": "bWVtYmVyLTAwMDAwMDAwMg", "role": "facilitator", "name": "Inés Ñuñez 🌼", "language": "es"}


def payload(**fields: Any) -> dict[str, Any]:
    return {"v": 1, "session": SESSION, **ADA, "key": b64url(LEAF_KEY), **fields}


def text(what: object, *, seed: bytes = SEED, domain: bytes = rules.CREDENTIAL_DOMAIN) -> str:
    """An identity over any bytes or JSON, signed as the box signs."""
    raw = what if isinstance(what, bytes) else json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode()
    said = b64url(raw)
    return f"{said}.{b64url(Ed25519PrivateKey.from_private_bytes(seed).sign(domain + said.encode()))}"


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in payload().items() if name != field}


GOOD = text(payload())
SAID, SIGNATURE = GOOD.split(".")
CHANGED = b64url(json.dumps(payload(role="facilitator"), separators=(",", ":")).encode())
PADDED_SIGNATURE = f"{SIGNATURE}=="
HIGH = payload(name="ÿ¿ÿ¿ÿ¿")  # its base64 holds characters that base64url spells otherwise
HIGH_STANDARD = b64encode(json.dumps(HIGH, ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")

VECTORS: dict[str, tuple[str, str]] = {
    "participant": ("accepted", GOOD),
    "facilitator": ("accepted", text(payload(**INES))),
    "more_fields": ("accepted", text(payload(later="a newer box says more"))),
    "signature_flipped": ("bad_signature", f"{SAID}.{'B' if SIGNATURE[0] == 'A' else 'A'}{SIGNATURE[1:]}"),
    "payload_changed": ("bad_signature", f"{CHANGED}.{SIGNATURE}"),
    "another_box": ("bad_signature", text(payload(), seed=OTHER_SEED)),
    "without_domain": ("bad_signature", text(payload(), domain=b"")),
    "another_domain": ("bad_signature", text(payload(), domain=b"hearth leaf credential 2\n")),
    "another_session": ("other_session", text(payload(session=OTHER_SESSION))),
    "another_key": ("other_key", text(payload(key=b64url(OTHER_LEAF_KEY)))),
    "version": ("malformed", text(payload(v=2))),
    "role_unknown": ("malformed", text(payload(role="administrator"))),
    "role_missing": ("malformed", text(without("role"))),
    "name_missing": ("malformed", text(without("name"))),
    "name_is_a_number": ("malformed", text(payload(name=7))),
    "key_short": ("malformed", text(payload(key=b64url(LEAF_KEY[:31])))),
    "not_an_object": ("malformed", text(["participant"])),
    "not_json": ("malformed", text(b"participant")),
    "not_utf8": ("malformed", text(b'{"v":1,"name":"\xff"}')),
    "no_signature": ("malformed", SAID),
    "signature_empty": ("malformed", f"{SAID}."),
    "signature_short": ("malformed", f"{SAID}.{b64url(bytes(63))}"),
    "padded": ("malformed", f"{SAID}.{PADDED_SIGNATURE}"),
    "standard_base64": ("malformed", f"{HIGH_STANDARD}.{text(HIGH).split('.')[1]}"),
    "three_parts": ("malformed", f"{GOOD}.{SIGNATURE}"),
    "line_feed": ("malformed", f"{GOOD}\n"),
    "empty": ("malformed", ""),
}


def vector(expect: str, identity: str, said: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "expect": expect,
        "seed": SEED.hex(),
        "credential_key": b64url(credential.public_key(SEED)),
        "session": SESSION,
        "leaf_key": b64url(LEAF_KEY),
        "payload": said,
        "identity": identity,
    }


def main() -> None:
    folder = HERE / "credential"
    folder.mkdir(exist_ok=True)
    said = {"participant": payload(), "facilitator": payload(**INES), "more_fields": payload()}
    assert text(HIGH).split(".")[0] != HIGH_STANDARD
    for name, (expect, identity) in VECTORS.items():
        content = json.dumps(vector(expect, identity, said.get(name)), ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(content + "\n")


if __name__ == "__main__":
    main()
