"""SLOTS.md read by hand: the vectors opened with nothing of the box's own code, and HQ's side held to the same page."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.keys import recovery
from appliance.store import sheet, slotfile, slots
from sync import suite
from sync.faults import SyncFault
from sync.hq import slot as hq_slot

HERE = Path(__file__).parent.parent / "vectors" / "slots"
SECRETS: dict[str, Any] = json.loads((HERE / "secrets.json").read_text(encoding="utf-8"))
FILE: dict[str, Any] = json.loads((HERE / "slots.json").read_bytes())
REQUEST = (HERE / "request.json").read_bytes()
HQ = suite.RecordKey(base64.b64decode(SECRETS["hq_seed"]))


def private(seed: bytes) -> MLKEM768X25519PrivateKey:
    expanded = hashlib.shake_256(seed).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    return MLKEM768X25519PrivateKey(lattice, X25519PrivateKey.from_private_bytes(expanded[64:]))


def opened(sealed: str, seed: bytes, info: str) -> str:
    hpke = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    raw = hpke.decrypt(base64.b64decode(sealed), private(seed), info=info.encode())
    return base64.b64encode(raw).decode()


def seed_of(slot: dict[str, Any]) -> bytes:
    kdf = slot["kdf"]
    if slot["kind"] in ("hq", "machine"):
        return base64.b64decode(SECRETS[f"{slot['kind']}_seed"])
    salt = base64.b64decode(kdf["salt"])
    if slot["kind"] == "sheet":
        entropy = bytes(range(16))
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"hearth recovery sheet 2").derive(entropy)
    text = unicodedata.normalize("NFKC", SECRETS["passphrase"]).encode()
    cost = {"iterations": kdf["iterations"], "lanes": kdf["lanes"], "memory_cost": kdf["memory"]}
    return Argon2id(salt=salt, length=32, **cost).derive(text)


def kdf_line(kdf: dict[str, Any] | None) -> str:
    if kdf is None:
        return "none"
    salt = base64.b64decode(kdf["salt"]).hex()
    if kdf["name"] == "hkdf-sha256":
        return f"hkdf-sha256 {salt}"
    return f"argon2id {kdf['memory']} {kdf['iterations']} {kdf['lanes']} {salt}"


@pytest.mark.parametrize("slot", FILE["slots"], ids=lambda slot: slot["kind"])
def test_a_stranger_opens_every_kind_of_slot_by_the_page(slot: dict[str, Any]) -> None:
    public = base64.b64decode(slot["public"]).hex()
    header = ["hearth key slot 2", slot["id"], slot["kind"], slot["label"], slot["made_at"], kdf_line(slot["kdf"])]
    for seal in slot["seals"]:
        info = "\n".join([*header, public, f"key {seal['key']}"])
        assert opened(seal["sealed"], seed_of(slot), info) == SECRETS["keys"][str(seal["key"])]


def test_the_checksum_is_that_of_the_compact_file() -> None:
    body = json.dumps({**FILE, "checksum": ""}, ensure_ascii=False, separators=(",", ":"))
    assert FILE["checksum"] == hashlib.sha256(body.encode()).hexdigest()


def test_the_box_reads_the_vectors_too() -> None:
    file = slotfile.parse((HERE / "slots.json").read_bytes())
    assert isinstance(file, slotfile.Slots)
    assert file.keys() == (1, 2)
    for language in ("sheet_en", "sheet_es"):
        assert sheet.entropy(SECRETS[language]) == bytes(range(16))


# ── recovery by HQ


def test_the_answer_opens_with_the_one_time_key() -> None:
    answer = json.loads((HERE / "answer.json").read_bytes())
    assert answer["request"] == hashlib.sha256(REQUEST).hexdigest()
    for seal in answer["seals"]:
        info = f"hearth slot answer 1\n{answer['request']}\nkey {seal['key']}"
        seed = base64.b64decode(SECRETS["one_time_seed"])
        assert opened(seal["sealed"], seed, info) == SECRETS["keys"][str(seal["key"])]


def test_hq_answers_what_the_box_then_opens() -> None:
    answer = slotfile.parse_answer(hq_slot.open_slot(REQUEST, HQ))
    found = slots.answered(base64.b64decode(SECRETS["one_time_seed"]), answer)
    assert {str(one.number): base64.b64encode(one.key.raw()).decode() for one in found} == SECRETS["keys"]
    assert slots.answered(bytes(32), answer) == ()


def test_both_sides_read_the_same_check_code_and_another_request_has_another() -> None:
    assert hq_slot.check_code(REQUEST) == recovery.check_code(REQUEST) == SECRETS["check_code"]
    assert hq_slot.check_code(REQUEST + b"\n") != SECRETS["check_code"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 2}, "unsupported_version"),
        ({"what": "hearth slot answer"}, "malformed_facts"),
        ({"public": "AAAA"}, "malformed_facts"),
        ({"slot": []}, "malformed_facts"),
        ({"slot.kind": "machine"}, "malformed_facts"),
        ({"slot.label": "two\nlines"}, "malformed_facts"),
        ({"slot.id": "../../x"}, "malformed_facts"),
        ({"slot.seals": []}, "malformed_facts"),
        ({"slot.seals": [{"key": True, "sealed": ""}]}, "malformed_facts"),
        ({"slot.id": "0123456789abcdef"}, "cannot_open"),
        ({"slot.label": "another"}, "cannot_open"),
    ],
)
def test_hq_opens_nothing_that_was_changed(change: dict[str, Any], code: str) -> None:
    asked = json.loads(REQUEST)
    for name, value in change.items():
        where, _, field = name.rpartition(".")
        (asked[where] if where else asked)[field] = value
    with pytest.raises(SyncFault, match=code):
        hq_slot.open_slot(json.dumps(asked).encode(), HQ)


def test_hq_opens_no_slot_of_another_hq() -> None:
    with pytest.raises(SyncFault, match="unknown_recipient"):
        hq_slot.open_slot(REQUEST, suite.RecordKey(bytes(32)))


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 9999, b"{}", b'{"what":"hearth slot request","version":1}']))
def test_any_bytes_are_a_request_or_the_parsers_own_fault(content: bytes) -> None:
    with pytest.raises(SyncFault):
        hq_slot.open_slot(content, HQ)


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 9999, b"{}"]))
def test_any_bytes_are_an_answer_or_its_fault(content: bytes) -> None:
    with pytest.raises(Fault, match="wrong_answer"):
        slotfile.parse_answer(content)
