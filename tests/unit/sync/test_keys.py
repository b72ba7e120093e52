"""Public facts as files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import keys, suite
from sync.faults import SyncFault
from sync.keys import BoxFacts, HqFacts

RECORD_KEY = suite.RecordKey(b"r" * 32).public
HQ = HqFacts("https://127.0.0.1:8444", (RECORD_KEY,), (b"v" * 32,), (b"certificate",), (b"p" * 32,))
BOX = BoxFacts(b"B" * 16, b"v" * 32)


def test_facts_come_back_as_they_went() -> None:
    assert keys.hq_from_json(keys.hq_to_json(HQ)) == HQ
    assert keys.box_from_json(keys.box_to_json(BOX)) == BOX


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_any_bytes_give_facts_or_a_fault(raw: bytes) -> None:
    for read in (keys.hq_from_json, keys.box_from_json):
        with pytest.raises(SyncFault, match=r"malformed_facts|unsupported_version"):
            read(raw)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1"},
        {"url": "https://user:pw@127.0.0.1"},
        {"url": "https://[::1"},
        {"url": "https://host/path"},
        {"url": 7},
        {"record_key": "AAAA"},
        {"receipt_key": "AAAA"},
        {"receipt_key": "not base64"},
        {"tls_certificate": ""},
    ],
)
def test_facts_that_cannot_be_used_are_refused(change: dict[str, object]) -> None:
    fields = json.loads(keys.hq_to_json(HQ)) | change
    with pytest.raises(SyncFault, match="malformed_facts"):
        keys.hq_from_json(json.dumps(fields).encode())


def test_facts_of_a_newer_version_are_told_apart_from_damaged_ones() -> None:
    with pytest.raises(SyncFault, match="unsupported_version"):
        keys.box_from_json(keys.box_to_json(BOX).replace(b'"version": 1', b'"version": 2'))


def test_a_box_id_has_one_spelling() -> None:
    assert keys.box_from_text("0f" * 16) == b"\x0f" * 16
    for text in ("0F" * 16, "0f" * 15, "0f" * 17, "../" * 10 + "00", "०" * 32):
        assert keys.box_from_text(text) is None
