"""Public facts as files."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import keys, suite
from sync.faults import SyncFault
from sync.keys import BoxFacts, HqFacts

RECORD_KEY, LATER_KEY = suite.RecordKey(b"r" * 32).public, suite.RecordKey(b"s" * 32).public
HQ = HqFacts("https://127.0.0.1:8444", (RECORD_KEY,), (b"v" * 32,), (b"certificate",), (b"p" * 32,))
BOX = BoxFacts(b"B" * 16, b"v" * 32, LATER_KEY)
AS_OF_1 = {
    "version": 1,
    "url": HQ.url,
    "record_key": base64.b64encode(RECORD_KEY).decode(),
    "receipt_key": base64.b64encode(b"v" * 32).decode(),
    "tls_certificate": base64.b64encode(b"certificate").decode(),
}


def test_facts_come_back_as_they_went() -> None:
    rolling = replace(HQ, record_keys=(LATER_KEY, RECORD_KEY), tls_certificates=(b"new", b"old"), serial=7)
    for facts in (HQ, rolling):
        assert keys.hq_from_json(keys.hq_to_json(facts)) == facts
    assert keys.box_from_json(keys.box_to_json(BOX)) == BOX


def test_the_first_of_a_list_is_in_use() -> None:
    rolling = replace(HQ, record_keys=(LATER_KEY, RECORD_KEY))
    assert rolling.record_key == LATER_KEY


def test_facts_of_version_1_are_read_as_lists_of_one_without_packs() -> None:
    assert keys.hq_from_json(json.dumps(AS_OF_1).encode()) == replace(HQ, pack_keys=())
    box = {"version": 1, "box": "42" * 16, "verify_key": base64.b64encode(b"v" * 32).decode()}
    assert keys.box_from_json(json.dumps(box).encode()) == replace(BOX, inbox_key=b"")


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
        {"serial": 0},
        {"serial": True},
        {"serial": "1"},
        {"serial": 2**53},
        {"record_keys": ["AAAA"]},
        {"record_keys": []},
        {"record_keys": "AAAA"},
        {"receipt_keys": ["AAAA"]},
        {"receipt_keys": ["not base64"]},
        {"receipt_keys": [7]},
        {"pack_keys": ["AAAA"]},
        {"pack_keys": None},
        {"tls_certificates": [""]},
        {"tls_certificates": ["AAAA"] * (keys.MAX_LISTED + 1)},
    ],
)
def test_facts_that_cannot_be_used_are_refused(change: dict[str, object]) -> None:
    fields = json.loads(keys.hq_to_json(HQ)) | change
    with pytest.raises(SyncFault, match="malformed_facts"):
        keys.hq_from_json(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "change",
    [{"url": 7}, {"record_key": "AAAA"}, {"receipt_key": "AAAA"}, {"receipt_key": ""}, {"tls_certificate": ""}],
)
def test_old_facts_that_cannot_be_used_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SyncFault, match="malformed_facts"):
        keys.hq_from_json(json.dumps(AS_OF_1 | change).encode())


@pytest.mark.parametrize("change", [{"inbox_key": 7}, {"inbox_key": "AAAA"}, {"verify_key": "AAAA"}, {"box": "42"}])
def test_a_box_s_facts_that_cannot_be_used_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SyncFault, match="malformed_facts"):
        keys.box_from_json(json.dumps(json.loads(keys.box_to_json(BOX)) | change).encode())


@pytest.mark.parametrize("version", [3, 0, "1", None, 2.5, []])
def test_facts_of_a_newer_version_are_told_apart_from_damaged_ones(version: object) -> None:
    for raw, read in ((keys.hq_to_json(HQ), keys.hq_from_json), (keys.box_to_json(BOX), keys.box_from_json)):
        with pytest.raises(SyncFault, match="unsupported_version"):
            read(json.dumps(json.loads(raw) | {"version": version}).encode())


def test_a_box_id_has_one_spelling() -> None:
    assert keys.box_from_text("0f" * 16) == b"\x0f" * 16
    for text in ("0F" * 16, "0f" * 15, "0f" * 17, "../" * 10 + "00", "०" * 32):
        assert keys.box_from_text(text) is None
