"""PROTOCOL.md names every request, field, word of the policy and limit: no more and no less than the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from appliance import groups
from appliance.groups import rules
from appliance.groups.requests import REQUESTS
from appliance.portal import bodies
from appliance.sessions.rules import MAX_MEMBERS

TEXT = (Path(groups.__path__[0]) / "PROTOCOL.md").read_text()


def section(number: int) -> str:
    return TEXT.split(f"\n## {number}. ")[1].split("\n## ")[0]


def cells(number: int) -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in section(number).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_each_request_stands_there_with_its_fields_and_its_word_of_the_policy() -> None:
    written = {words(row[0])[0]: (words(row[1])[0], set(words(row[3]))) for row in cells(1)}
    meant = {
        method: (kind.ACTION, {field.encode_name for field in msgspec.structs.fields(kind)})
        for method, kind in REQUESTS.items()
    }
    assert written == meant


def test_each_request_but_the_bare_look_is_explained() -> None:
    assert set(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)) == set(REQUESTS) - {"groupLook"}


def test_the_limits_are_the_codes() -> None:
    numbers = [[int(number) for number in re.findall(r"\d+", row[1])] for row in cells(4)]
    assert numbers == [
        [rules.MAX_KEY_PACKAGE],
        [rules.MAX_HANDSHAKE],
        [rules.MAX_SAID],
        [MAX_MEMBERS],
        [rules.KEPT_COMMITS],
        [rules.MAX_ANSWERED],
        [rules.SAYS_PER_SECOND, rules.SAYS_AT_ONCE],
        [rules.OFFERS_PER_SECOND, rules.OFFERS_AT_ONCE],
        [rules.ASKS_PER_SECOND, rules.ASKS_AT_ONCE],
    ]
    assert f"at most {bodies.MAX_FRAME // 1024} KiB" in TEXT


def test_the_credentials_fields_and_domain_are_the_codes() -> None:
    said = re.search(r"payload   = UTF-8 JSON \{(.+)\}", TEXT)
    assert said is not None
    fields = [field.name for field in msgspec.structs.fields(rules.Credential)]
    assert re.findall(r'"(\w+)"', said[1]) == fields
    assert rules.CREDENTIAL_DOMAIN.decode().rstrip("\n") in TEXT
