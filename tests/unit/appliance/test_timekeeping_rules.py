"""Whether a machine's clock is believed, and what the box goes by where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.timekeeping.headquarters import Heard
from appliance.timekeeping.rules import (
    BACK,
    DAY,
    EARLIEST,
    HQ_FRESH,
    HQ_SLACK,
    JUMP,
    LIFETIME,
    PAUSE,
    SLACK,
    STAND,
    Kept,
    Verdict,
    at_start,
    by_headquarters,
    by_receipt,
    steady_at_start,
    told,
    while_running,
)

YEAR = 365 * DAY
NOW = EARLIEST + YEAR
KEPT = Kept(0, NOW, boot="this")

moments = st.integers(0, EARLIEST + 3 * LIFETIME)
corrections = st.integers(-5 * YEAR, 5 * YEAR)
kepts = st.none() | st.builds(
    Kept, corrections, moments, moments, st.sampled_from(("", "this", "other")), st.booleans()
)


def start(
    machine: float, kept: Kept | None = KEPT, *, synchronised: bool = False, battery: bool = True, boot: str = "this"
) -> Verdict:
    return at_start(machine, kept, synchronised=synchronised, battery=battery, boot=boot)


def test_a_clock_that_fits_is_followed() -> None:
    assert start(NOW + DAY) == Verdict(0)


@pytest.mark.parametrize(
    ("off", "trouble"), [(-YEAR, "behind"), (YEAR, "ahead"), (-NOW, "behind"), (-SLACK - 1, "behind")]
)
def test_a_clock_that_does_not_fit_is_not_followed_but_the_last_time_seen(off: int, trouble: str) -> None:
    found = start(NOW + off)
    assert found.trouble == trouble and NOW + off + found.correction == NOW


def test_a_clinic_that_was_closed_for_six_weeks_is_asked_nothing() -> None:
    assert start(NOW + 42 * DAY) == Verdict(0)


def test_a_new_store_takes_every_time_that_its_program_can_have() -> None:
    assert start(EARLIEST, None) == Verdict(0)
    assert (
        start(EARLIEST - SLACK - 1, None).trouble == "behind"
        and start(EARLIEST + LIFETIME + 1, None).trouble == "ahead"
    )


@pytest.mark.parametrize("off", [-YEAR, YEAR])
def test_a_correction_stays_while_it_is_needed_and_goes_when_the_machine_was_set_right(off: int) -> None:
    kept = Kept(-off, NOW)
    assert start(NOW + off + DAY, kept) == Verdict(-off)
    assert start(NOW + DAY, kept) == Verdict(0)


def test_a_time_server_is_believed_unless_it_shows_a_day_before_the_program() -> None:
    assert start(NOW - YEAR // 2, synchronised=True) == Verdict(0)
    assert start(EARLIEST - 1, synchronised=True).trouble == "behind"


def test_a_machine_without_a_battery_is_unsure_until_somebody_said_the_time_in_this_start() -> None:
    assert start(NOW + DAY, battery=False) == Verdict(0)
    assert start(NOW + DAY, battery=False, boot="next").trouble == "unsure"
    assert start(NOW + DAY, boot="next") == Verdict(0)


@pytest.mark.parametrize(("late", "trouble"), [(3600, "unsure"), (3600 + 2 * SLACK, "behind")])
def test_a_clock_that_was_saved_within_the_hour_is_unsure_and_goes_on_from_the_last_time_seen(
    late: int, trouble: str
) -> None:
    """The power was cut between two times that systemd saves it; nothing is wrong with such a machine."""
    found = start(NOW - late, battery=False, boot="next")
    assert (found.trouble, found.correction) == (trouble, late)
    assert start(NOW - late).trouble == "behind"  # with a battery it is not saved, it runs


def test_a_restart_alone_does_not_make_a_doubted_clock_right() -> None:
    assert start(NOW + DAY, Kept(0, NOW, boot="this", doubt=True)).trouble == "unsure"


def test_a_step_under_a_running_box_is_not_followed() -> None:
    found = while_running(NOW + YEAR, NOW, Verdict(0), synchronised=False)
    assert found == Verdict(-YEAR, "jumped")


def test_a_machine_that_was_set_to_what_the_box_went_by_needs_no_correction_more() -> None:
    assert while_running(NOW + 1, NOW, Verdict(-YEAR), synchronised=False) == Verdict(0)
    assert while_running(NOW, NOW, Verdict(30), synchronised=False) == Verdict(0)  # late, by an errand
    assert while_running(NOW - 30, NOW, Verdict(30), synchronised=False) == Verdict(30)


def test_a_time_server_that_comes_late_ends_every_doubt() -> None:
    assert while_running(NOW + DAY, NOW, Verdict(5, "unsure"), synchronised=True) == Verdict(0)


@pytest.mark.parametrize("said", [0, EARLIEST - 1, EARLIEST + LIFETIME + 1])
def test_a_day_that_cannot_be_is_not_taken_from_staff(said: int) -> None:
    with pytest.raises(Fault, match="clock_wrong"):
        told(NOW, said)


@given(machine=moments, kept=kepts, battery=st.booleans(), boot=st.sampled_from(("", "this")))
def test_what_the_box_goes_by_is_never_before_the_last_time_seen_nor_long_after_it(
    machine: int, kept: Kept | None, battery: bool, boot: str
) -> None:
    found = start(machine, kept, battery=battery, boot=boot)
    last = max(EARLIEST, kept.seen_at) if kept else EARLIEST
    assert last - SLACK <= machine + found.correction <= last + (PAUSE if kept else LIFETIME)
    if found.trouble in ("behind", "ahead"):
        assert machine + found.correction == last


@given(machine=moments, expected=moments, correction=corrections, trouble=st.sampled_from(("", "behind", "unsure")))
def test_time_goes_evenly_whatever_happens_to_the_machines_clock(
    machine: int, expected: int, correction: int, trouble: str
) -> None:
    before = Verdict(correction, trouble)  # type: ignore[arg-type]
    found = while_running(machine, expected, before, synchronised=False)
    assert abs(machine + found.correction - expected) <= JUMP
    assert found.trouble or not before.trouble  # a doubt ends by people or by a time server only


@given(
    machine=moments,
    said=st.integers(EARLIEST, EARLIEST + LIFETIME),
    later=st.integers(0, PAUSE),
    slew=st.integers(0, 5),
)
def test_what_staff_said_holds_over_the_next_start_of_the_same_machine(
    machine: int, said: int, later: int, slew: int
) -> None:
    correction = told(machine, said).correction
    assert machine + correction == said
    found = start(machine + later, Kept(correction, said, boot="this"))
    assert found.trouble == "" and (found.correction == correction or machine + later >= said - SLACK)


@given(now=moments, kept=kepts)
def test_the_steady_clock_never_goes_back_and_counts_the_time_off(now: int, kept: Kept | None) -> None:
    steady = steady_at_start(now, kept)
    if kept is None or not kept.steady:
        assert steady == now
    else:
        assert steady - kept.steady == max(0, now - kept.seen_at)


# -- never back past the audit, and what headquarters says -------------------------------------------------------------

verdicts = st.builds(Verdict, corrections, st.sampled_from(("", "behind", "ahead", "jumped", "unsure", "contradicted")))


def hq(said: float, *, machine: float = NOW, expected: float = NOW, floor: float = 0.0, signed: float = 0.0) -> Verdict:
    return by_headquarters(machine, expected, said, Verdict(0, "unsure"), floor=floor, signed=signed)


@given(machine=moments, expected=moments, floor=moments, before=verdicts)
def test_no_time_server_takes_the_box_back_past_its_last_audit_entry(
    machine: int, expected: int, floor: int, before: Verdict
) -> None:
    for found in (
        while_running(machine, max(expected, floor), before, synchronised=True, floor=floor),
        at_start(machine, KEPT, synchronised=True, battery=True, boot="this", floor=floor),
    ):
        if machine >= EARLIEST:
            assert machine + found.correction >= floor
            assert found == Verdict(0) or machine < floor


@given(machine=moments, expected=moments, said=moments, floor=moments, signed=moments, before=verdicts)
def test_headquarters_takes_no_box_back_past_its_last_audit_entry_nor_far_beyond_what_is_known(
    machine: int, expected: int, said: int, floor: int, signed: int, before: Verdict
) -> None:
    expected = max(expected, floor)
    found = by_headquarters(machine, expected, said, before, floor=floor, signed=signed)
    if found != before:
        assert machine + found.correction >= floor - HQ_SLACK
        assert machine + found.correction <= max(expected, floor, signed) + PAUSE


@given(machine=moments, kept=kepts, floor=moments, battery=st.booleans())
def test_a_box_that_starts_is_never_before_its_last_audit_entry(
    machine: int, kept: Kept | None, floor: int, battery: bool
) -> None:
    if kept is not None:
        found = at_start(machine, kept, synchronised=False, battery=battery, boot="this", floor=floor)
        assert machine + found.correction >= floor - SLACK


@given(behind=st.integers(1, STAND))
def test_a_small_step_back_lets_the_clock_stand_until_the_time_has_caught_up(behind: int) -> None:
    found = while_running(NOW - behind, NOW, Verdict(0), synchronised=True, floor=NOW)
    assert found == Verdict(behind)
    assert while_running(NOW, NOW + behind, found, synchronised=True, floor=NOW) == Verdict(0)


def test_a_large_step_back_is_not_followed_and_said() -> None:
    found = while_running(NOW - STAND - 1, NOW + 5, Verdict(0), synchronised=True, floor=NOW)
    assert found == Verdict(STAND + 6, "contradicted")
    assert hq(NOW - DAY, floor=NOW).trouble == "contradicted"


def test_headquarters_ends_the_doubt_of_a_clock_that_agrees_and_sets_one_that_does_not() -> None:
    assert hq(NOW + HQ_SLACK) == Verdict(0)
    assert hq(NOW + 3 * DAY) == Verdict(3 * DAY)
    assert hq(NOW - DAY) == Verdict(-DAY)


def test_what_the_courier_says_is_bounded_until_headquarters_signs_for_it() -> None:
    """A courier that was taken over can end tickets 60 days early, and not all of them for ever."""
    assert hq(NOW + PAUSE + 1) == hq(EARLIEST - 1) == Verdict(0, "unsure")
    assert hq(NOW + PAUSE + DAY, signed=NOW + PAUSE) == Verdict(PAUSE + DAY)


def test_a_receipt_proves_that_it_is_not_earlier_and_nothing_else() -> None:
    before = Verdict(0, "unsure")
    assert by_receipt(NOW, NOW, NOW - DAY, before) == by_receipt(NOW, NOW, NOW + SLACK, before) == before
    assert by_receipt(NOW, NOW, NOW + DAY, before) == Verdict(DAY, "behind")
    assert by_receipt(NOW, NOW, NOW + PAUSE + 1, before) == before


def test_what_was_heard_of_headquarters_counts_from_the_machines_start_and_for_a_day() -> None:
    heard = Heard(ahead=float(NOW), at=100.0)
    assert heard.now(160.0) == NOW + 160
    assert heard.now(101.0 + HQ_FRESH) is None and heard.now(99.0) is None and Heard().now(5.0) is None


def test_staff_set_the_clock_back_by_a_day_and_an_hour_and_further_only_on_purpose() -> None:
    assert told(NOW, NOW - BACK, floor=NOW) == Verdict(-BACK)
    with pytest.raises(Fault, match="clock_before_audit"):
        told(NOW, NOW - BACK - 1, floor=NOW)
    assert told(NOW, NOW - YEAR // 2, floor=NOW, back=True) == Verdict(-YEAR // 2)
