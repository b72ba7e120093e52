"""What console and status are told of the records on their way, when something has taken too long."""

from __future__ import annotations

import pytest

from appliance.outbox.lives.rows import Trouble
from appliance.outbox.rows import Standing
from appliance.outbox.telling import Seen, SyncFacts, facts_of
from sync.spool import CourierStatus

NOW = "2026-03-20T12:00:00Z"
LONG_AGO, LATELY = "2026-03-01T12:00:00Z", "2026-03-20T11:00:00Z"
THERE = CourierStatus(last_attempt_at=LATELY, last_success_at=LATELY)


def told(standing: Standing, courier: CourierStatus = THERE, **fields: object) -> SyncFacts:
    return facts_of(Seen(enrolled=True, standing=standing, courier=courier, at=NOW, **fields))  # type: ignore[arg-type]


def waits(*, sealed_at: str = LATELY, exported_at: str = "") -> Standing:
    return Standing(queued=1, unsettled=(1,), last_sealed=1, sealed_at=sealed_at, exported_at=exported_at)


@pytest.mark.parametrize(
    ("standing", "courier", "missing"),
    [
        (waits(exported_at=LONG_AGO), THERE, True),
        (waits(exported_at=LATELY), THERE, False),
        (waits(sealed_at=LONG_AGO), THERE, True),
        (waits(sealed_at=LONG_AGO), CourierStatus(), False),  # HQ was never reached: no wonder
        (waits(sealed_at=LONG_AGO), CourierStatus(last_success_at=LATELY, state="hours"), False),
        (Standing(), THERE, False),
    ],
)
def test_a_receipt_that_should_have_come_is_missed(standing: Standing, courier: CourierStatus, missing: bool) -> None:
    assert (told(standing, courier).fault == "receipt_missing") is missing


def test_a_fault_that_says_why_comes_before_the_receipt_that_is_missed() -> None:
    assert told(waits(exported_at=LONG_AGO), CourierStatus(fault="hq_unreachable")).fault == "hq_unreachable"


@pytest.mark.parametrize(("heard", "silent"), [(LONG_AGO, True), (LATELY, False), ("", False)])
def test_a_headquarters_that_says_nothing_for_two_weeks_is_told_of(heard: str, silent: bool) -> None:
    assert told(waits(), heard_at=heard).silent is silent
    assert told(Standing(), heard_at=heard).silent is False


def test_the_moment_since_when_hq_is_missed_is_the_couriers_which_outlives_a_restart() -> None:
    away = CourierStatus(fault="hq_unreachable", fault_since=LONG_AGO)
    assert told(waits(), away, unreachable_since=LATELY).unreachable_since == LONG_AGO
    assert told(waits(), CourierStatus(fault="courier_away")).unreachable_since == NOW


def test_what_a_person_must_decide_comes_before_what_the_box_does_by_itself() -> None:
    found = Trouble("receipt_other_bytes", b"", LONG_AGO)
    assert told(waits(), trouble=found, asking=True).trouble == "receipt_other_bytes"
    assert told(waits(), trouble=found).trouble_since == LONG_AGO
    assert told(waits(), asking=True).trouble == "restored"
    assert told(waits()).trouble == ""
