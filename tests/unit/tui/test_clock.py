"""Date and time as staff type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.clock import HALF, date_text, offset_text, read, time_text

NOW = datetime(2026, 11, 22, 14, 5, 40, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize("date", ["2027-03-04", "2027.3.4", " 2027/03/04 ", "2027 3 4"])
@pytest.mark.parametrize("time", ["14:05", "14.05", "2:05 pm", "2:05PM", "14:05:30", "2:05 p.m."])
def test_a_date_and_a_time_are_read_as_people_write_them(date: str, time: str) -> None:
    assert read(date, time, NOW) == datetime(2027, 3, 4, 14, 5, 30, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize("date", ["", "22.11.2026", "2026-13-01", "2026-02-30", "26-11-22", "yesterday"])
def test_what_is_no_date_is_not_guessed(date: str) -> None:
    assert read(date, "14:05", NOW) is None


@pytest.mark.parametrize("time", ["", "25:00", "14:60", "13:05 pm", "0:05 am", "noon"])
def test_what_is_no_time_is_not_guessed(time: str) -> None:
    assert read("2026-11-22", time, NOW) is None


def test_twelve_is_midnight_in_the_morning_and_noon_after_it() -> None:
    for text, hour in (("12:05 am", 0), ("12:05 pm", 12)):
        found = read("2026-11-22", text, NOW)
        assert found is not None and found.hour == hour


def test_the_present_minute_says_nothing_against_the_present_second() -> None:
    assert read("2026-11-22", "14:05", NOW) == NOW


def test_the_zone_is_shown() -> None:
    assert (offset_text(NOW), offset_text(NOW.astimezone(UTC))) == ("UTC+01:00", "UTC+00:00")


@given(there=st.integers(0, 10**9).map(lambda seconds: NOW.astimezone(UTC) + timedelta(seconds=seconds)))
def test_what_was_copied_from_a_right_clock_is_never_more_than_half_a_minute_off(there: datetime) -> None:
    found = read(date_text(there), time_text(there), NOW.astimezone(UTC))
    assert found is not None and abs(found - there) <= timedelta(seconds=HALF)


@given(date=st.text(max_size=12), time=st.text(max_size=12))
def test_nothing_that_is_typed_breaks_it(date: str, time: str) -> None:
    assert read(date, time, NOW) is None or date
