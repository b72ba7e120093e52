"""The vectors of tests/vectors: each breaks one thing and names what a reader must come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync import envelope, receipt, suite
from sync.checkpoint import root
from sync.faults import SyncFault

VECTORS = Path(__file__).parents[2] / "vectors"


def read(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, raw = path.read_bytes().partition(b"\n\n")
    return dict(line.split(": ", 1) for line in head.decode("ascii").splitlines()), raw


def vectors(folder: str) -> list[Path]:
    return sorted((VECTORS / folder).glob("*.vector"))


@pytest.mark.parametrize("path", vectors("envelope"), ids=lambda path: path.stem)
def test_an_envelope_is_read_or_refused_as_its_vector_says(path: Path) -> None:
    facts, raw = read(path)
    try:
        parsed = envelope.parse(raw)
        envelope.verify(parsed, bytes.fromhex(facts["box_verify_key"]))
        records = envelope.open_records(parsed, suite.RecordKey(bytes.fromhex(facts["record_seed"])))
    except SyncFault as fault:
        assert fault.code == facts["expect"]
        return
    assert facts["expect"] == "records"
    assert [[r.number, r.record_class, r.at, r.body.hex()] for r in records] == json.loads(facts["records"])
    assert parsed.box.hex() == facts["box"]


@pytest.mark.parametrize("path", vectors("receipt"), ids=lambda path: path.stem)
def test_a_receipt_is_read_or_refused_as_its_vector_says(path: Path) -> None:
    facts, raw = read(path)
    try:
        parsed = receipt.parse(raw)
        receipt.verify(parsed, [bytes.fromhex(facts["hq_verify_key"])], bytes.fromhex(facts["box"]))
    except SyncFault as fault:
        assert fault.code == facts["expect"]
        return
    assert facts["expect"] == "receipt"
    assert (str(parsed.size), str(parsed.at)) == (facts["size"], facts["at"])
    assert root(parsed.checkpoint).hex() == facts["root"]


def test_there_are_vectors_of_every_class() -> None:
    expected = {read(path)[0]["expect"] for folder in ("envelope", "receipt") for path in vectors(folder)}
    assert {
        "records",
        "receipt",
        "malformed_envelope",
        "malformed_content",
        "malformed_receipt",
        "too_large",
    } <= expected
    assert {"unsupported_version", "bad_signature", "cannot_open", "unknown_recipient"} <= expected
    assert {"receipt_other_key", "receipt_other_box"} <= expected
