"""Which copies stay, when the next one is due, when people are told; and what a manifest may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.copies import manifest, rules
from appliance.faults import Fault

BOX, OTHER = "1dc691062b84b97a511070749fd3f866", "00000000000000000000000000000000"
NAME = "hearth-backup-1dc69106-000012-20310304"
HOUR = 3600

boxes = st.sampled_from([BOX, OTHER])
numbers = st.integers(1, rules.MOST)
names = st.builds(lambda box, number: str(rules.name_for(box, number, "2031-03-04T14:05:00Z")), boxes, numbers)
anything = st.one_of(names, st.text(max_size=50), names.map(lambda name: f"{name}.part"))


def test_a_name_tells_box_number_and_day() -> None:
    assert str(rules.name_for(BOX, 12, "2031-03-04T14:05:00Z")) == NAME
    assert rules.parse_name(NAME) == rules.Name("1dc69106", 12, "20310304")


@pytest.mark.parametrize("name", [f"{NAME}.part", f"x{NAME}", NAME[:-1], NAME.upper(), "hearth-backup-", f"{NAME}\n"])
def test_what_is_not_exactly_a_name_is_no_copy(name: str) -> None:
    assert rules.parse_name(name) is None


def test_what_was_cut_short_is_known_by_its_box() -> None:
    assert rules.is_left_over(f"{NAME}.part", BOX)
    assert not rules.is_left_over(f"{NAME}.part", OTHER)
    assert not rules.is_left_over(NAME, BOX)


@given(st.lists(anything, max_size=20), st.integers(0, 1000))
def test_the_next_number_is_above_all_of_this_box(there: list[str], last: int) -> None:
    number = rules.next_number(last, there, BOX)
    mine = [found.number for found in map(rules.parse_name, there) if found and found.box == BOX[:8]]
    assert number == max([last, 0, *mine]) + 1


@given(st.lists(anything, max_size=20, unique=True), st.integers(0, 25))
def test_the_newest_copies_stay_and_those_of_others_are_not_touched(there: list[str], keep: int) -> None:
    gone = rules.superfluous(there, BOX, keep)
    left = [name for name in there if name not in gone]
    mine = sorted(found.number for name in there if (found := rules.parse_name(name)) and found.box == BOX[:8])
    staying = sorted(found.number for name in left if (found := rules.parse_name(name)) and found.box == BOX[:8])
    last = [number for number in mine if number == rules.MOST]
    assert staying == (max(mine[-keep:], last, key=len) if keep else mine)
    assert {found.box for found in map(rules.parse_name, gone) if found} <= {BOX[:8]}
    assert all(rules.parse_name(name) for name in gone)


@given(st.lists(names, min_size=1, max_size=20, unique=True), st.integers(1, 25))
@example([f"hearth-backup-{BOX[:8]}-999999-20310304"], 1)  # a number that no new one can be above
def test_the_newest_copy_never_goes(there: list[str], keep: int) -> None:
    newest = str(rules.name_for(BOX, rules.next_number(0, there, BOX), "2000-01-01T00:00:00Z"))
    assert newest not in rules.superfluous([newest, *there], BOX, keep)


@pytest.mark.parametrize(
    ("last", "tried", "now", "every", "is_due"),
    [
        (None, None, 0, 24, True),
        (None, None, 0, 0, False),  # by hand only
        (0, None, 24 * HOUR - 1, 24, False),
        (0, None, 24 * HOUR, 24, True),
        (0, 30 * HOUR, 30 * HOUR + rules.AGAIN_SECONDS - 1, 24, False),  # it failed a moment ago
        (0, 30 * HOUR, 30 * HOUR + rules.AGAIN_SECONDS, 24, True),
        (0, 99 * HOUR, 30 * HOUR, 24, True),  # the try is in the future: the clock was set back
        (HOUR, None, 0, 24, False),  # a little in the future
        (30 * HOUR, None, 0, 24, True),  # far in the future: one copy too many harms nobody
    ],
)
def test_a_copy_is_due(last: float | None, tried: float | None, now: float, every: int, is_due: bool) -> None:
    assert rules.due(last, tried, now, every) is is_due


@pytest.mark.parametrize(
    ("last", "hours_later", "every", "state"),
    [
        (None, 0, 24, "none"),
        (0, 47, 24, "fine"),
        (0, 48, 24, "old"),
        (0, 23, 1, "fine"),  # a box is switched off over night
        (0, 24, 1, "old"),
        (0, 7 * 24 - 1, 0, "fine"),
        (0, 7 * 24, 0, "old"),
        (0, -25, 24, "old"),  # a day in the future: nobody knows how old it is
    ],
)
def test_people_are_told_of_no_copy_and_of_an_old_one(
    last: float | None, hours_later: int, every: int, state: str
) -> None:
    assert rules.state(last, hours_later * HOUR, every) == state


def told(**changes: Any) -> dict[str, Any]:
    files = [{"name": name, "size": 1, "sha256": "00" * 32} for name in sorted(manifest.NEEDED)]
    good = {
        "format": 1,
        "box": BOX,
        "number": 12,
        "at": "2031-03-04T14:05:00Z",
        "version": "0.5.0",
        "schema": 9,
        "entries": 35,
        "root": "00" * 32,
        "public": "11" * 32,
        "files": files,
    }
    return good | changes


def parse(**changes: Any) -> manifest.Manifest:
    return manifest.parse(json.dumps(told(**changes)).encode())


def test_a_manifest_comes_back_as_it_was_written() -> None:
    found = parse()
    assert manifest.parse(manifest.serialise(found)) == found
    assert found.size() == len(manifest.NEEDED)


FILE = {"name": "hearth.db", "size": 1, "sha256": "00" * 32}


@pytest.mark.parametrize(
    "changes",
    [
        {"box": "not hex"},
        {"box": BOX[:-2]},
        {"public": "11" * 31},
        {"root": "zz"},
        {"number": 0},
        {"number": "12"},
        {"schema": 0},
        {"entries": -1},
        {"at": "x" * 65},
        {"surplus": 1},
        {"files": [FILE]},
        {"files": [FILE] * 3},
        {"files": [*told()["files"], {"name": "../../etc/passwd", "size": 1, "sha256": "00" * 32}]},
        {"files": [*told()["files"], {"name": "manifest.json", "size": 1, "sha256": "00" * 32}]},
        {"files": [*told()["files"], {"name": "more", "size": -1, "sha256": "00" * 32}]},
        {"files": [*told()["files"], {"name": "more", "size": 1, "sha256": "00"}]},
        {"files": [*told()["files"], *({"name": f"f{n}", "size": 1, "sha256": "00" * 32} for n in range(20))]},
    ],
)
def test_a_manifest_beyond_its_limits_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="backup_damaged"):
        parse(**changes)


def test_a_later_format_is_told_apart() -> None:
    with pytest.raises(Fault, match="store_newer"):
        parse(format=2, surplus=1)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_a_manifest_or_the_parsers_own_fault(content: bytes) -> None:
    try:
        assert isinstance(manifest.parse(content), manifest.Manifest)
    except Fault as fault:
        assert fault.code in ("backup_damaged", "store_newer")


@given(st.integers(0, 1000), st.integers(0, 255))
def test_a_changed_byte_of_a_manifest_is_no_crash(place: int, value: int) -> None:
    content = bytearray(manifest.serialise(parse()))
    content[place % len(content)] = value
    try:
        manifest.parse(bytes(content))
    except Fault as fault:
        assert fault.code in ("backup_damaged", "store_newer")


def test_an_endless_manifest_is_not_read() -> None:
    with pytest.raises(Fault, match="backup_damaged"):
        manifest.parse(b"[" * (manifest.MAX_BYTES + 1))
    with pytest.raises(Fault, match="backup_damaged"):
        manifest.parse(b"[" * manifest.MAX_BYTES)
