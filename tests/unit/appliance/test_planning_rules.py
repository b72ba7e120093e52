"""What a plan may say: times by the wall's clock through changes of the clocks, limits, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import parse
from appliance.faults import Fault
from appliance.people import rules as people
from appliance.sessions import planning
from appliance.sessions.planning import Plan, Unfit
from appliance.sessions.rules import MAX_MEMBERS

NEW_YORK, MADRID = ZoneInfo("America/New_York"), ZoneInfo("Europe/Madrid")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def why(*arguments: object) -> str:
    with pytest.raises(Fault) as caught:
        planning.starts(*arguments)  # type: ignore[arg-type]
    assert caught.value.code == "bad_request"
    assert caught.value.detail in get_args(Unfit)
    return caught.value.detail


def test_a_time_on_the_wall_is_kept_in_utc() -> None:
    assert planning.starts("2026-03-05", "18:30", 1, NOW, NEW_YORK) == ["2026-03-05T23:30:00Z"]
    assert planning.starts("2026-03-05", "18:30:59", 1, NOW, MADRID) == ["2026-03-05T17:30:00Z"]


def test_weekly_sessions_keep_the_walls_time_when_the_clocks_change() -> None:
    found = planning.starts("2026-03-05", "18:30", 2, NOW, NEW_YORK)  # daylight time begins on 8 March
    assert found == ["2026-03-05T23:30:00Z", "2026-03-12T22:30:00Z"]


def test_a_time_that_the_clocks_jump_over_is_refused_in_any_week() -> None:
    assert why("2026-03-08", "02:30", 1, NOW, NEW_YORK) == "gap"
    assert why("2026-03-01", "02:30", 2, NOW - timedelta(hours=6), NEW_YORK) == "gap"
    assert why("2026-03-29", "02:00", 1, NOW, MADRID) == "gap"


def test_a_time_that_comes_twice_is_its_first() -> None:
    assert planning.starts("2026-11-01", "01:30", 1, NOW, NEW_YORK) == ["2026-11-01T05:30:00Z"]


@given(st.integers(1440, 900_000), st.integers(1, 5), st.sampled_from([NEW_YORK, MADRID]))
def test_what_was_typed_is_what_is_shown_again_each_week(minutes: int, times: int, zone: ZoneInfo) -> None:
    typed = NOW + timedelta(minutes=minutes)  # its figures count, whatever zone they are read in
    day, at = typed.strftime("%Y-%m-%d"), typed.strftime("%H:%M")
    try:
        found = planning.starts(day, at, times, NOW, zone)
    except Fault as fault:
        assert fault.detail == "gap"
        return
    assert [planning.wall(parse(one), zone)[1] for one in found] == [at] * times
    shown = [datetime.fromisoformat(planning.wall(parse(one), zone)[0]) for one in found]
    assert shown[0].strftime("%Y-%m-%d") == day
    assert all(later - one == timedelta(weeks=1) for one, later in pairwise(shown))


def test_what_is_going_on_may_be_planned_but_not_what_is_over_or_far_away() -> None:
    assert planning.starts("2026-03-01", "11:30", 1, NOW, UTC) == ["2026-03-01T11:30:00Z"]
    assert why("2026-03-01", "10:59", 1, NOW, UTC) == "past"
    assert why("2028-03-05", "10:00", 1, NOW, UTC) == "far"
    assert why("2028-02-25", "10:00", 2, NOW, UTC) == "far"


@pytest.mark.parametrize("times", [-1, 0, planning.MAX_TIMES + 1])
def test_at_most_half_a_year_of_weeks_is_planned_at_once(times: int) -> None:
    assert why("2026-03-05", "10:00", times, NOW, UTC) == "times"


@pytest.mark.parametrize(
    ("day", "at"),
    [
        ("", "10:00"),
        ("2026-03-05", ""),
        ("2026-02-30", "10:00"),
        ("2026-W10-4", "10:00"),
        ("2026-03-05", "1000"),
        ("2026-03-05", "24:00"),
        ("2026-03-05", "10:00+01:00"),
        ("0001-01-01", "00:00"),
        ("9999-12-31", "23:59"),
        ("٢٠٢٦-٠٣-٠٥", "10:00"),
    ],
)
def test_a_day_or_time_that_is_none_is_refused(day: str, at: str) -> None:
    assert why(day, at, 1, NOW, NEW_YORK) in ("when", "past", "far")


@given(st.text(max_size=12), st.text(max_size=9), st.integers(-3, 30))
def test_whatever_is_typed_gives_times_or_says_what_is_wrong(day: str, at: str, times: int) -> None:
    try:
        assert len(planning.starts(day, at, times, NOW, MADRID)) == times
    except Fault as fault:
        assert fault.detail in get_args(Unfit)


def plan(leaders: int, others: int) -> Plan:
    return Plan("T", [""], "", [(f"l{n}", "x") for n in range(leaders)], [f"p{n}" for n in range(others)])


def test_a_session_has_somebody_who_leads_and_no_more_than_a_room_holds() -> None:
    planning.crowd(plan(1, MAX_MEMBERS - 1))
    planning.crowd(plan(1, 0))
    for wrong, said in ((plan(0, 1), "leader"), (plan(2, MAX_MEMBERS - 1), "crowd")):
        with pytest.raises(Fault, match="bad_request") as caught:
            planning.crowd(wrong)
        assert caught.value.detail == said


def test_nobody_is_in_a_plan_twice() -> None:
    with pytest.raises(Fault) as caught:
        planning.crowd(Plan("T", [""], "", [("p1", "x")], ["p1"]))
    assert caught.value.detail == "person"


@pytest.mark.parametrize("text", ["", " \t\n", "x" * (planning.MAX_TITLE + 1), "\x00"])
def test_a_title_is_one_line_of_something(text: str) -> None:
    with pytest.raises(Fault) as caught:
        planning.title(text)
    assert caught.value.detail == "title"
    assert planning.title(" a\n b ") == "a b"


@pytest.mark.parametrize(
    ("query", "name", "found"),
    [
        ("", "Ada", True),
        ("rivera tomas", "Tomás Rivera", True),
        ("ÉLODIE", "elodie", True),
        ("ss", "Strauß", True),
        ("ada x", "Ada", False),
    ],
)
def test_names_are_found_by_any_of_their_parts_without_accents(query: str, name: str, found: bool) -> None:
    assert people.matches(query, name) == found


def test_a_page_that_is_not_there_is_the_nearest_one() -> None:
    assert [people.page_of(number, 120) for number in (-1, 0, 1, 3, 9)] == [(1, 3), (1, 3), (1, 3), (3, 3), (3, 3)]
    assert people.page_of(1, 0) == (1, 1)


@pytest.mark.parametrize("text", ["-1", "x", "", "1.0", "9" * 30, "٣", "99999"])
def test_a_number_from_outside_is_a_small_one_or_none(text: str) -> None:
    assert people.number(text) == 0
