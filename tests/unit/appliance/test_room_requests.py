"""What a page may send about the room, field by field; PROTOCOL.md names all of it, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from appliance import room
from appliance.faults import Fault
from appliance.groups import rules as groups
from appliance.guidelines.rules import Kind
from appliance.policy import TABLE, TAP_ACTIONS
from appliance.room import requests, rules
from appliance.room.requests import REQUESTS, parse

TEXT = (Path(room.__path__[0]) / "PROTOCOL.md").read_text()
WHOLE: dict[str, dict[str, Any]] = {
    "roomHand": {"up": True},
    "roomAcknowledge": {"card": "c"},
    "roomConcern": {"kind": "distress"},
    "roomPhrase": {"text": "blue lamp"},
}
MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("room", {}),
    ("roomNothing", {}),
    ("groupSay", {}),
    *((method, {}) for method in WHOLE),
    ("roomHand", {"up": 1}),
    ("roomHand", {"up": "yes"}),
    ("roomAcknowledge", {"card": ""}),
    ("roomAcknowledge", {"card": "x" * 65}),
    ("roomAcknowledge", {"card": None}),
    ("roomConcern", {"kind": "shared"}),  # in words only, on its own page
    ("roomConcern", {"kind": ["distress"]}),
    ("roomPhrase", {"text": ""}),
    ("roomPhrase", {"text": "x" * (requests.MAX_PHRASE + 1)}),
]


def cells(number: int) -> list[list[str]]:
    section = TEXT.split(f"\n## {number}. ")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize(("method", "data"), WHOLE.items())
def test_a_whole_request_is_taken_and_what_is_unknown_in_it_ignored(method: str, data: dict[str, Any]) -> None:
    assert parse(method, {**data, "colour": "blue"}) == parse(method, data)


@pytest.mark.parametrize(("method", "data"), MALFORMED)
def test_what_is_malformed_is_a_fault(method: str, data: dict[str, Any]) -> None:
    with pytest.raises(Fault) as caught:
        parse(method, data)
    assert caught.value.code == "bad_request"


def test_each_request_is_a_patients_own_in_the_policy_and_asked_for_by_the_line() -> None:
    assert {kind.ACTION for kind in REQUESTS.values()} == set(TAP_ACTIONS)
    assert all(TABLE[action] == {"patient": "own"} for action in TAP_ACTIONS)


def test_a_phrase_is_not_in_what_python_prints() -> None:
    assert "lamp" not in repr(parse("roomPhrase", WHOLE["roomPhrase"]))


def test_each_request_stands_in_the_document_with_its_fields_and_its_word_of_the_policy() -> None:
    written = {words(row[0])[0]: (words(row[1])[0], set(words(row[3]))) for row in cells(1)}
    meant = {
        method: (kind.ACTION, {field.encode_name for field in msgspec.structs.fields(kind)})
        for method, kind in REQUESTS.items()
    }
    assert written == meant
    assert set(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)) == set(REQUESTS)


def test_the_kinds_in_the_document_are_the_codes() -> None:
    assert all(f"`{kind}`" in TEXT for kind in (*get_args(rules.RoomTrouble), *get_args(Kind)))


def test_the_limits_are_the_codes() -> None:
    numbers = [[int(number) for number in re.findall(r"\d+", row[1])] for row in cells(4)]
    assert numbers == [
        [requests.MAX_PHRASE],
        [groups.TAPS_PER_SECOND, groups.TAPS_AT_ONCE],
        [rules.MAX_CARDS],
        [rules.AWAY_SECONDS],
        [rules.TWICE_SECONDS],
        [rules.MAX_OPEN_CONCERNS],
        [rules.MAX_WORDS],
        [rules.REMIND_MINUTES],
    ]
