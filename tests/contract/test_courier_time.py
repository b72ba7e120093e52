"""A courier whose machine shows the wrong time reaches HQ all the same, and brings HQ's time back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync.courier import status
from sync.courier.run import Courier
from sync.hq import certificate
from sync.spool import CourierStatus, Spool, believable
from tests.fakes.parties import enrolled_box, hand_over, make_hq, running_hq, until_receipted
from tests.fakes.waiting import at_work, until

YEAR = 365 * 24 * 3600


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare("in")
    return made


def elapsed() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def hears(folder: Path, spool: Spool) -> float:
    """By how much what the courier heard of HQ's time is off the real one."""
    box = enrolled_box(folder)
    box.spool(spool, 1)
    async with running_hq(folder) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until_receipted(spool, 1)
        await until(lambda: spool.status().hq_heard > 0)
    heard = spool.status().hq_time(elapsed())
    assert heard is not None
    return heard - time.time()


@pytest.mark.parametrize("years", [-30, 30])
async def test_a_machine_that_is_decades_off_hears_what_time_it_is(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    make_hq(tmp_path / "hq")
    real = time.time
    known = {name: getattr(time, name) for name in ("clock_gettime", "CLOCK_BOOTTIME")}
    monkeypatch.setattr(status, "time", SimpleNamespace(time=lambda: real() + years * YEAR, **known))
    assert abs(await hears(tmp_path / "hq", spool)) < 5
    assert abs(spool.status().clock_off - years * YEAR) < 5


async def test_a_certificate_that_is_not_valid_yet_keeps_no_box_out(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every certificate of HQ looks to a machine that woke up decades ago: it is pinned, its days are not read."""
    real = certificate.self_signed
    later = datetime.now(UTC).replace(year=2090)
    monkeypatch.setattr(certificate, "self_signed", lambda host, now: real(host, later))
    make_hq(tmp_path / "hq")
    assert abs(await hears(tmp_path / "hq", spool)) < 5


def test_what_was_heard_counts_in_this_start_only() -> None:
    told = CourierStatus(hq_heard=1000.0, hq_ahead=1.8e9)
    assert told.hq_time(1060.0) == 1.8e9 + 1060
    assert told.hq_time(999.0) is None  # the machine has started anew since
    assert CourierStatus().hq_time(1060.0) is None


@pytest.mark.parametrize("off", [{"hq_heard": -1.0}, {"hq_ahead": -5.0}, {"hq_ahead": 1e300}])
def test_a_time_that_no_honest_courier_tells_is_not_believed(off: dict[str, float]) -> None:
    assert not believable(CourierStatus(**off))  # type: ignore[arg-type]


def test_a_new_courier_forgets_what_the_last_one_heard(spool: Spool) -> None:
    spool.put_status(CourierStatus(hq_heard=5.0, hq_ahead=1.8e9))
    assert Courier(spool)._desk.telling.status.hq_ahead == 0.0
