"""What a session's record of a lost box tells, whichever version wrote it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.disclosures.rules import NOTICE
from appliance.returned.rules import Session, Visit, session
from appliance.sessions.record import Attendee, SessionEnded, encode

BOX = "4c" * 16
TEN, LATER = "2026-01-05T10:00:00Z", "2026-01-05T10:52:30Z"


def test_what_this_version_sends_is_read_back() -> None:
    who = Attendee(person="03af91" + 26 * "0", facilitator=True, removed=False, present=[(TEN, LATER)], agreement=1)
    sent = SessionEnded(
        session="s",
        starts_at=TEN,
        opened_at=TEN,
        ended_at=LATER,
        expected=8,
        attendees=[who],
        withheld=2,
        notice=NOTICE,
    )
    assert session(BOX, encode(sent)) == Session(BOX, TEN, LATER, 8, 2, (Visit("03af91", True, 53),), whole=True)


def test_version_one_which_withheld_nothing_is_read_too() -> None:
    body = {"starts_at": TEN, "ended_at": LATER, "expected": 3, "attendees": [{"person": "99bc01", "present": []}]}
    assert session(BOX, json.dumps(body).encode()).visits == (Visit("99bc01", False, 0),)


@given(
    body=st.one_of(
        st.binary(max_size=200), st.builds(lambda at: json.dumps({"starts_at": at, "ended_at": at}).encode(), st.text())
    )
)
def test_what_cannot_be_read_is_said_to_be_there_and_nothing_more(body: bytes) -> None:
    found = session(BOX, body)
    assert found == Session(BOX) or found.whole


def test_times_that_run_backwards_give_no_negative_minutes() -> None:
    body = {"starts_at": TEN, "ended_at": TEN, "attendees": [{"person": "99bc01", "present": [[LATER, TEN]]}]}
    assert session(BOX, json.dumps(body).encode()).visits == (Visit("99bc01", False, 0),)


@pytest.mark.parametrize("at", ["2026-01-05T10:00:00+05:30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_no_page_could_show_is_no_session(at: str) -> None:
    assert session(BOX, json.dumps({"starts_at": at, "ended_at": at}).encode()) == Session(BOX)
