from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import note, proof, tree
from appliance.audit.checking import Stored
from appliance.audit.rules import GENESIS, Entry, entry_hash, leaf_bytes
from sync import suite
from tests.unit.appliance.test_audit_tree import nodes_of

KEY = suite.SigningKey(bytes(range(32)))
AT = "2026-01-31T09:30:00Z"


def log(size: int) -> list[Stored]:
    """Entries of both forms."""
    rows, previous = [], GENESIS
    for number in range(1, size + 1):
        entry = Entry(number, AT, "p", "operator", "portal", "vouch", "s", f"m{number}", "done", form=1 + (number > 3))
        rows.append(Stored(entry, previous, entry_hash(previous, entry)))
        previous = rows[-1].hash
    return rows


def proved(size: int, sequence: int) -> dict[str, Any]:
    rows = log(size)
    nodes = nodes_of([tree.leaf_hash(leaf_bytes(row.previous, row.entry)) for row in rows])
    signed = note.Signed(bytes(16), size, tree.root_of(nodes, 0, size), 1, AT)
    return proof.write(rows[sequence - 1], tree.inclusion(nodes, sequence - 1, size), note.write(signed, KEY))


@pytest.mark.parametrize("sequence", range(1, 12))
def test_a_stranger_with_the_key_finds_the_entry_proved(sequence: int) -> None:
    entry, signed = proof.check(json.dumps(proved(11, sequence)).encode(), KEY.public)
    assert (entry.sequence, entry.subject, signed.size) == (sequence, f"m{sequence}", 11)


@pytest.mark.parametrize("field", sorted(Entry.__slots__))
def test_a_changed_field_of_the_entry_is_not_proved(field: str) -> None:
    made = proved(11, 7)
    value = made["entry"][field]
    made["entry"][field] = value + 1 if isinstance(value, int) else value + "x"
    with pytest.raises(ValueError, match=r"not in the log|no proof"):
        proof.check(json.dumps(made).encode(), KEY.public)


@pytest.mark.parametrize(
    "change",
    [
        {"path": []},
        {"previous": "AA=="},
        {"previous": "é"},
        {"format": "hearth audit proof 2"},
        {"checkpoint": ""},
        {"entry": {}},
        {"entry": None},
    ],
)
def test_a_changed_file_is_not_proved(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        proof.check(json.dumps({**proved(11, 7), **change}).encode(), KEY.public)


def test_a_proof_of_another_key_is_none() -> None:
    with pytest.raises(ValueError, match="key"):
        proof.check(json.dumps(proved(11, 7)).encode(), suite.SigningKey(bytes(32)).public)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_proof_or_a_clear_no(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no proof"):
        proof.check(raw, KEY.public)


def test_a_proof_is_small() -> None:
    hashes = len(tree.inclusion(lambda level, index: bytes(32), 999_999, 2**20))
    assert hashes * suite.HASH_SIZE == 640  # bytes for a million entries
    assert len(proof.exported(proved(11, 7))) < 1500
