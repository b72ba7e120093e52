"""Leaf credentials: the box writes what the vectors have, and a strict reader tells each mistake by its class."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.groups import credential
from appliance.groups.rules import Credential, b64url, signed_bytes
from tests.vectors import make_credential_vectors as maker

FOLDER = Path(__file__).parents[2] / "vectors" / "credential"
VECTORS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
ACCEPTED = [name for name, vector in VECTORS.items() if vector["expect"] == "accepted"]
IDENTITY = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(vector: dict[str, Any]) -> tuple[str, Credential | None]:
    """As a browser must read it: the class of the result, and what was said if it is accepted."""
    parts = IDENTITY.fullmatch(vector["identity"])
    if parts is None:
        return "malformed", None
    key = Ed25519PublicKey.from_public_bytes(bytes_of(vector["credential_key"]))
    try:
        key.verify(bytes_of(parts[2]), signed_bytes(parts[1]))
    except InvalidSignature:
        return "bad_signature", None
    try:
        said = msgspec.json.decode(bytes_of(parts[1]), type=Credential)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "malformed", None
    if said.v != 1 or len(bytes_of(said.key)) != 32:
        return "malformed", None
    if said.session != vector["session"]:
        return "other_session", None
    return ("accepted", said) if said.key == vector["leaf_key"] else ("other_key", None)


@pytest.mark.parametrize("name", VECTORS)
def test_each_vector_is_read_as_it_says(name: str) -> None:
    assert read(VECTORS[name])[0] == VECTORS[name]["expect"]


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_accepted_says_what_was_signed(name: str) -> None:
    vector = VECTORS[name]
    assert msgspec.to_builtins(read(vector)[1]) == vector["payload"]


@pytest.mark.parametrize("name", ["participant", "facilitator"])
def test_the_box_writes_the_very_bytes_of_the_vector(name: str) -> None:
    """Ed25519 draws nothing (RFC 8032): the same words by the same key are the same text."""
    vector = VECTORS[name]
    said = msgspec.convert(vector["payload"], Credential)
    seed = bytes.fromhex(vector["seed"])
    assert credential.identity(seed, said) == vector["identity"]
    assert b64url(credential.public_key(seed)) == vector["credential_key"]


def test_every_class_of_failure_has_a_vector() -> None:
    wanted = {"accepted", "malformed", "bad_signature", "other_session", "other_key"}
    assert {vector["expect"] for vector in VECTORS.values()} == wanted


def test_the_files_are_what_their_maker_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "HERE", tmp_path)
    maker.main()
    made = {path.name: path.read_text() for path in (tmp_path / "credential").iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.iterdir()}
