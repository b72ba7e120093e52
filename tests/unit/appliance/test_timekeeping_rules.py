"""Whether a machine's clock is believed, and what the box goes by where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.timekeeping.rules import (
    DAY,
    EARLIEST,
    JUMP,
    LIFETIME,
    PAUSE,
    SLACK,
    Kept,
    Verdict,
    at_start,
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


def test_a_restart_alone_does_not_make_a_doubted_clock_right() -> None:
    assert start(NOW + DAY, Kept(0, NOW, boot="this", doubt=True)).trouble == "unsure"


def test_a_step_under_a_running_box_is_not_followed() -> None:
    found = while_running(NOW + YEAR, NOW, Verdict(0), synchronised=False)
    assert found == Verdict(-YEAR, "jumped")


def test_a_machine_that_was_set_to_what_the_box_went_by_needs_no_correction_more() -> None:
    assert while_running(NOW + 1, NOW, Verdict(-YEAR), synchronised=False) == Verdict(0)


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
