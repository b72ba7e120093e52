"""What a metered line may carry, by a clock that may be wrong."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sync import limits
from sync.limits import DAY_SECONDS, RESET_SECONDS, RESETS_SAVED, Limits, Spent, Wall, held, run_on, spend

BUDGET = Limits(bytes_per_day=1_000)
NIGHTS = Limits(hours="22:00-06:00")
NOON, MIDNIGHT = Wall("2026-01-02", 720), Wall("2026-01-02", 0)

days = some.dates().map(str)
walls = some.builds(Wall, days, some.integers(0, 1439))


@pytest.mark.parametrize(
    ("hours", "minute", "inside"),
    [
        ("", 720, True),
        ("22:00-06:00", 22 * 60, True),
        ("22:00-06:00", 0, True),
        ("22:00-06:00", 6 * 60 - 1, True),
        ("22:00-06:00", 6 * 60, False),
        ("22:00-06:00", 22 * 60 - 1, False),
        ("08:30-09:00", 8 * 60 + 30, True),
        ("08:30-09:00", 9 * 60, False),
    ],
)
def test_hours_begin_and_end_to_the_minute_and_may_span_midnight(hours: str, minute: int, inside: bool) -> None:
    assert limits.in_hours(Limits(hours=hours), minute) is inside


@pytest.mark.parametrize("text", ["8:00-9:00", "24:00-01:00", "08:00-08:00", "always", "08:00", "08:00-09:60"])
def test_hours_that_are_none_are_not_usable(text: str) -> None:
    assert not limits.usable_hours(text)


def test_a_spent_budget_holds_all_but_what_is_urgent() -> None:
    spent = spend(Spent(day="2026-01-02"), 950)
    assert held(BUDGET, spent, NOON, 50, urgent=False) == ""
    assert held(BUDGET, spent, NOON, 51, urgent=False) == "budget"
    assert held(BUDGET, spent, NOON, 51, urgent=True) == ""
    strict = msgspec.structs.replace(BUDGET, urgent_always=False)
    assert held(strict, spent, NOON, 51, urgent=True) == "budget"


def test_what_is_urgent_passes_a_budget_up_to_a_second_one_and_no_further() -> None:
    spent = spend(Spent(day="2026-01-02"), 1_950)
    assert held(BUDGET, spent, NOON, 50, urgent=True) == ""
    assert held(BUDGET, spent, NOON, 51, urgent=True) == "budget"
    assert held(NIGHTS, spent, NOON, 10**9, urgent=True) == ""


@given(some.lists(some.tuples(some.integers(0, 700), some.booleans()), max_size=40))
def test_no_day_costs_more_than_two_budgets(wishes: list[tuple[int, bool]]) -> None:
    spent = Spent(day="2026-01-02")
    for size, urgent in wishes:
        if held(BUDGET, spent, NOON, size, urgent=urgent) == "":
            spent = spend(spent, size)
    assert spent.bytes <= limits.URGENT_DAYS * BUDGET.bytes_per_day


def test_the_wrong_hour_holds_all_but_what_is_urgent() -> None:
    assert held(NIGHTS, Spent(), NOON, 1, urgent=False) == "hours"
    assert held(NIGHTS, Spent(), NOON, 1, urgent=True) == ""
    assert held(NIGHTS, Spent(), MIDNIGHT, 1, urgent=False) == ""


def test_a_new_day_begins_a_new_budget() -> None:
    spent = spend(run_on(Spent(), BUDGET, Wall("2026-01-02", 1439), 0), 1_000)
    assert run_on(spent, BUDGET, Wall("2026-01-02", 1439), 30).bytes == 1_000
    assert run_on(spent, BUDGET, Wall("2026-01-03", 0), 60).bytes == 0


def test_a_clock_set_back_begins_no_new_budget_until_a_day_of_running_is_over() -> None:
    spent = spend(run_on(Spent(), BUDGET, Wall("2099-01-01", 0), 0), 1_000)
    early = run_on(spent, BUDGET, NOON, DAY_SECONDS - 1)
    assert early.bytes == 1_000
    late = run_on(early, BUDGET, NOON, 1)
    assert (late.bytes, late.day) == (0, NOON.day)


@given(some.lists(some.tuples(walls, some.floats(0, 2 * RESET_SECONDS)), max_size=60))
def test_no_clock_begins_more_budgets_than_were_saved_and_run_for(steps: list[tuple[Wall, float]]) -> None:
    spent, begun, ran = Spent(), 0, 0.0
    for wall, seconds in steps:
        before = spend(spent, 1)
        spent, ran = run_on(before, BUDGET, wall, seconds), ran + seconds
        begun += spent.bytes == 0
    assert begun <= RESETS_SAVED + ran / RESET_SECONDS + ran / DAY_SECONDS + 1e-6


@given(walls, walls, some.floats(0, RESETS_SAVED))
def test_no_clock_holds_a_budget_for_longer_than_a_day_of_running(first: Wall, then: Wall, resets: float) -> None:
    spent = run_on(Spent(day=first.day, bytes=1_000, resets=resets), BUDGET, then, DAY_SECONDS)
    assert spent.bytes == 0 or then.day == first.day


@given(some.integers(6 * 60, 22 * 60 - 1))
def test_a_clock_that_stands_outside_the_hours_does_not_hold_for_ever(minute: int) -> None:
    wall = Wall("2026-01-02", minute)
    spent = run_on(Spent(), NIGHTS, wall, DAY_SECONDS)
    assert held(NIGHTS, spent, wall, 1, urgent=False) == ""
    assert held(NIGHTS, run_on(spent, NIGHTS, wall, 8 * 3600), wall, 1, urgent=False) == "hours"


@given(some.binary(max_size=200))
def test_files_that_cannot_be_read_are_no_limit_and_nothing_spent(raw: bytes) -> None:
    assert isinstance(limits.limits_from_json(raw), Limits)
    assert isinstance(limits.spent_from_json(raw), Spent)


def test_what_was_written_is_read_again() -> None:
    some_limits = Limits(bytes_per_day=5, hours="22:00-06:00", urgent_always=False)
    assert limits.limits_from_json(msgspec.json.encode(some_limits)) == some_limits
    spent = Spent(day="2026-01-02", bytes=7, resets=1.5, ran=3.0, closed=2.0)
    assert limits.spent_from_json(msgspec.json.encode(spent)) == spent
    assert limits.limits_from_json(b'{"hours": "never"}') == Limits()
    assert limits.spent_from_json(b'{"resets": 99}') == Spent()
