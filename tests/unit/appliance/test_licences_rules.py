"""When a licence keeps its holder from opening a session."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from appliance.faults import Fault
from appliance.licences.rules import SOON_DAYS, Licence, bars, licence, state

TODAY = date(2026, 11, 22)


def ending(days: int | None) -> Licence:
    return Licence("l", "p", "licence", "Counsellor", "" if days is None else str(TODAY + timedelta(days)))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(None, "holds"), (SOON_DAYS + 1, "holds"), (SOON_DAYS, "soon"), (0, "soon"), (-1, "expired")],
)
def test_a_licence_holds_until_the_end_of_its_last_day(days: int | None, expected: str) -> None:
    assert state(ending(days), TODAY) == expected


def test_one_that_has_run_out_bars_and_nothing_noted_bars_nobody() -> None:
    assert bars([ending(10), ending(-1)], TODAY)
    assert not bars([], TODAY)
    assert not bars([ending(None), ending(0)], TODAY)


@pytest.mark.parametrize(
    ("kind", "name", "ends_on", "field"),
    [
        ("degree", "Counsellor", "", "kind"),
        ("licence", " ", "", "name"),
        ("licence", "Counsellor", "2026-13-01", "ends_on"),
        ("licence", "Counsellor", "next year", "ends_on"),
    ],
)
def test_a_licence_that_cannot_be_is_refused_by_its_field(kind: str, name: str, ends_on: str, field: str) -> None:
    with pytest.raises(Fault) as caught:
        licence("l", "p", kind, name, ends_on)
    assert caught.value.detail == field
