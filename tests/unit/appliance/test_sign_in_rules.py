"""What signing in asks for and how long one who was wrong waits: arithmetic, without a clock."""

from __future__ import annotations

import itertools

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.factors import rules as factors
from appliance.identity.rules import (
    PACES,
    PROVED_SECONDS,
    Bucket,
    Demand,
    Kind,
    Pace,
    given_back,
    level,
    limits,
    stage_after,
    taken,
    unfit,
    wait,
)

YEAR = 365 * 24 * 3600.0
KINDS = st.sampled_from(sorted(PACES))
BOOLS = (False, True)


# -- steps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "proven", "must", "demand"), list(itertools.product(BOOLS, BOOLS, BOOLS, ("required", "optional")))
)
def test_nobody_is_in_before_every_step_is_done(has: bool, proven: bool, must: bool, demand: Demand) -> None:
    stage = stage_after(has_factor=has, proven=proven, must_change=must, demand=demand)
    if has and not proven:
        assert stage == "second"  # before a new password: a stolen one must not set another
    elif must:
        assert stage == "new_password"
    elif not has and demand == "required":
        assert stage == "set_up"
    else:
        assert stage == "full"


def test_a_device_of_others_is_signed_out_sooner_in_both_ways() -> None:
    own, shared = limits("portal", shared=False), limits("portal", shared=True)
    assert (shared.idle, shared.absolute) == (300, 3600)
    assert shared.idle < own.idle <= own.absolute
    assert shared.absolute < own.absolute
    assert shared.idle >= PROVED_SECONDS


# -- waits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(PACES))
def test_the_first_wrong_tries_cost_no_wait_then_it_doubles_to_the_cap(kind: Kind) -> None:
    pace, bucket, waits = PACES[kind], Bucket(), []
    now = 0.0
    for _ in range(pace.most + 2):
        now += wait(pace, bucket, now)
        bucket = taken(pace, bucket, now)
        waits.append(wait(pace, bucket, now))
    assert waits[: pace.free - 1] == [0.0] * (pace.free - 1)
    assert waits[pace.free - 1] == pace.first
    assert all(b == min(2 * a, pace.cap) for a, b in itertools.pairwise(waits[pace.free - 1 :]))
    assert waits[-1] == pace.cap


@pytest.mark.parametrize("kind", sorted(PACES))
def test_waiting_never_pays(kind: Kind) -> None:
    """Were a wrong try forgotten sooner than the cap is over, one who waits a little would guess faster for ever."""
    assert PACES[kind].forget >= PACES[kind].cap > PACES[kind].first > 0


@given(kind=KINDS, pauses=st.lists(st.floats(0, 3 * 3600), min_size=1, max_size=60))
def test_no_rhythm_gives_more_guesses_than_the_cap_allows(kind: Kind, pauses: list[float]) -> None:
    """In any time t there are at most `most` + t/cap tries, whenever they are made."""
    pace, bucket, now, tries = PACES[kind], Bucket(), 0.0, 0
    for pause in pauses:
        now += pause
        if wait(pace, bucket, now) <= 0:
            bucket, tries = taken(pace, bucket, now), tries + 1
    assert tries <= pace.most + now / pace.cap + 1


@given(
    kind=KINDS,
    tries=st.integers(0, 10**6),
    at=st.floats(-YEAR, YEAR, allow_nan=False),
    now=st.floats(-YEAR, YEAR, allow_nan=False),
)
def test_whatever_the_numbers_nobody_waits_longer_than_the_cap(kind: Kind, tries: int, at: float, now: float) -> None:
    pace = PACES[kind]
    assert 0 <= wait(pace, Bucket(tries, at), now) <= pace.cap
    assert 0 <= level(pace, Bucket(tries, at), now) <= pace.most


@given(kind=KINDS, others=st.integers(0, 40))
def test_a_good_try_counts_for_nothing_and_frees_nobody_else(kind: Kind, others: int) -> None:
    pace, bucket = PACES[kind], Bucket()
    for _ in range(others):
        bucket = taken(pace, bucket, 0.0)
    before = level(pace, bucket, 0.0)
    after = level(pace, given_back(pace, taken(pace, bucket, 0.0), 0.0), 0.0)
    assert after in (before, pace.most - 1)
    assert after <= before


@given(kind=KINDS, tries=st.integers(0, 30))
def test_all_is_forgotten_in_the_end(kind: Kind, tries: int) -> None:
    pace = PACES[kind]
    assert wait(pace, Bucket(tries, 0.0), pace.forget * pace.most) == 0
    assert level(pace, Bucket(tries, 0.0), pace.forget * pace.most) == 0


def a_year_of(pace: Pace) -> float:
    """Guesses that somebody gets who does nothing else."""
    return pace.most + YEAR / pace.cap


def test_the_arithmetic_of_the_readme() -> None:
    assert round(a_year_of(PACES["account"])) == 105_133
    assert round(a_year_of(PACES["code"])) == 8_775
    three_codes = 3 / 10**6
    assert a_year_of(PACES["code"]) * three_codes < 0.027
    assert a_year_of(PACES["code_device"]) * three_codes < 0.11
    assert a_year_of(PACES["sheet"]) * 10 / 30**10 < 1e-8


# -- passwords ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "short"),
        ("nine char", "short"),
        ("x" * 257, "long"),
        ("1234567890", "common"),
        ("0987654321", "common"),
        ("4815162342", "common"),
        ("aaaaaaaaaaaa", "common"),
        ("ababababab", "common"),
        ("qwertyuiop", "common"),
        ("1q2w3e4r5t", "common"),
        ("q1w2e3r4t5", "common"),
        ("12345qwert", "common"),
        ("123456789q", "common"),
        ("1234554321", "common"),
        ("usuckballz1", "common"),
        ("Password123!", "common"),
        ("p4ssw0rd2026", "common"),
        ("contraseña1", "common"),
        ("bienvenido2026", "common"),
        ("Hearth-2026!", "common"),
        ("i am lindqvist!", "name"),
        ("MARA is here 7", "name"),
        ("violet harbour tortoise", ""),
        ("kestrel9mosaic", ""),
        ("дом у синего моря", ""),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, why: str) -> None:
    assert unfit(password, ("mara", "Mara", "Lindqvist")) == why


@given(st.text(max_size=300))
def test_any_text_can_be_judged(password: str) -> None:
    assert unfit(password, ("mara",)) in ("", "short", "long", "common", "name")


# -- codes -------------------------------------------------------------------------------------------------------------

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B: "12345678901234567890"


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    assert factors.matching_step(SECRET, code, at, 0) == at // 30


@given(now=st.integers(10**6, 4 * 10**9), off=st.integers(-5, 5))
def test_a_code_is_good_one_step_before_and_after_its_own(now: int, off: int) -> None:
    code = pyotp.TOTP(SECRET).at(now + 30 * off)
    found = factors.matching_step(SECRET, code, now, 0)
    if abs(off) <= factors.WINDOW:
        assert found is not None
    elif found is not None:  # two steps may show the same digits by chance
        assert pyotp.TOTP(SECRET).generate_otp(found) == code


@given(now=st.integers(10**6, 4 * 10**9))
def test_a_step_is_used_once_and_none_before_it_afterwards(now: int) -> None:
    used = factors.matching_step(SECRET, pyotp.TOTP(SECRET).at(now), now, 0)
    assert used is not None
    for off in (-1, 0):
        again = factors.matching_step(SECRET, pyotp.TOTP(SECRET).at(now + 30 * off), now, used)
        assert again is None or again > used


def test_a_step_used_under_a_clock_a_year_ahead_keeps_nobody_out() -> None:
    now = 2_000_000_000
    assert factors.matching_step(SECRET, "279037", now, (now + int(YEAR)) // 30) == now // 30


@given(st.text(max_size=60))
def test_any_text_can_be_typed_as_a_code(typed: str) -> None:
    factors.matching_step(SECRET, typed, 2_000_000_000, 0)
    assert len(factors.code_digest("person", typed)) == 32


@given(st.lists(st.sampled_from("23456789ABCDEFGHJKMNPQRSTVWXYZ"), min_size=10, max_size=10))
def test_a_printed_code_may_be_typed_in_small_letters_with_any_gaps(letters: list[str]) -> None:
    code = "".join(letters)
    same = factors.code_digest("p", code)
    for typed in (factors.shown_code(code), code.lower(), " ".join(code), f" {code[:3]} {code[3:]} "):
        assert factors.code_digest("p", typed) == same
    assert factors.code_digest("q", code) != same
