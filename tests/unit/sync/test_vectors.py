"""The vectors of tests/vectors: each breaks one thing and names what a reader must come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync.faults import SENTENCES, SyncFault
from tests.vectors.reading import READERS, read, vectors

ALL = vectors()
# Classes of failure that FORMAT.md gives to bytes; the others are of machines, files and people.
CLASSES = {
    *("malformed_envelope", "malformed_content", "malformed_receipt", "malformed_pack", "malformed_carriage"),
    *("malformed_facts", "malformed_bundle", "malformed_enrolment", "unsupported_version", "too_large"),
    *("bad_signature", "cannot_open", "unknown_recipient", "receipt_other_key", "receipt_other_box"),
    *("receipt_other_bytes", "set_back", "gap", "fork", "pack_other_key", "pack_other_box", "bundle_damaged"),
    *("bundle_other_box", "code_wrong", "not_hq", "answer_forged", "facts_other_key", "facts_unrelated"),
}


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_vector_holds_is_read_or_refused_as_it_says(path: Path) -> None:
    given, raw = read(path)
    try:
        result = READERS[path.parent.name](given, raw)
    except SyncFault as fault:
        assert fault.code == given["expect"]
        return
    assert given["expect"] == "read"
    assert result == json.loads(given["result"])


def test_there_are_vectors_of_every_class() -> None:
    assert {read(path)[0]["expect"] for path in ALL} == CLASSES | {"read"}
    assert set(SENTENCES) >= CLASSES


def test_every_kind_of_thing_has_one_that_is_good() -> None:
    good = {path.parent.name for path in ALL if read(path)[0]["expect"] == "read"}
    assert good == set(READERS)
