"""HOUR.md names, for each row of the hour, files that are there and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
APPLIANCE = ROOT / "appliance"
HELD = ((4, 14), (17, 31), (33, 33), (35, 42), (47, 49), (51, 51), (59, 59), (70, 83))
# A file of the product may be named from any of these.
BASES = (
    ROOT,
    *(
        APPLIANCE / place
        for place in (".", "portal", "portal/templates", "portal/static", "webclient/src", "consent/agreements")
    ),
)
_FILE = re.compile(r"[\w./*-]+(?:\.(?:py|ts|html|css|txt)|/)")


def rows() -> dict[str, list[str]]:
    lines = (APPLIANCE / "portal" / "HOUR.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| C")]
    return {row[0]: row for row in cells}


def test_every_row_of_the_hour_stands_there_once_in_order() -> None:
    lines = (APPLIANCE / "portal" / "HOUR.md").read_text().splitlines()
    written = [line.split("|")[1].strip() for line in lines if line.startswith("| C")]
    assert written == [f"C{number}" for first, last in HELD for number in range(first, last + 1)]
    assert all(len(row) == 5 and row[1] and row[2] and row[3] for row in rows().values())


@pytest.mark.parametrize("row", rows().values(), ids=rows())
def test_what_a_row_names_is_there(row: list[str]) -> None:
    for named in re.findall(r"`([^`]+)`", row[2]):
        if not named.startswith("/") and _FILE.fullmatch(named):
            assert any(next(base.glob(named.rstrip("/")), None) for base in BASES), named
    for named in re.findall(r"`([^`]+)`", row[3]):
        name, _, rule = named.partition("::")
        script = name.endswith(".test.ts")
        text = ((APPLIANCE / "webclient" / "test" if script else ROOT / "tests") / name).read_text()
        assert not rule or (f'test("{rule}' if script else f"def {rule}(") in text, named
