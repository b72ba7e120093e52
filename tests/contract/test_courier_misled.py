"""The courier before an HQ that misbehaves although its certificate is right: it pays little for it, and tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sync import frames, receipt
from sync.checkpoint import EMPTY, extend_all
from sync.courier import run
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.outbox import RETRY_CAP
from sync.spool import Spool
from sync.suite import digest
from tests.fakes.parties import AT, SealingBox, enrolled_box, hand_over, make_hq, until_receipted
from tests.fakes.stream_hq import StreamHq, running
from tests.fakes.waiting import at_work, until

FAST = 60.0  # how much faster the courier's clock goes


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare("in")
    return made


@pytest.fixture
def bad(tmp_path: Path) -> StreamHq:
    make_hq(tmp_path / "hq")
    return StreamHq(tmp_path / "hq")


@pytest.fixture
def box(bad: StreamHq) -> SealingBox:
    return enrolled_box(bad.folder)


@pytest.fixture
def hasty(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Courier:
    """Its clock goes fast, and it shows the same time always: what it tells until when it waits is how long."""
    monkeypatch.setattr(run, "LOOK_SECONDS", 0.005)
    return Courier(spool, now=lambda: time.monotonic() * FAST, at=lambda: AT, jitter=lambda: 0.0)


def waits(spool: Spool) -> float:
    """Seconds that it waits now."""
    told = spool.status().waits_until
    return (datetime.fromisoformat(told) - datetime.fromisoformat(AT)).total_seconds() if told else 0.0


def for_another_box(bad: StreamHq) -> Callable[[bytes], bytes]:
    """Well signed, for a box that is not this one."""

    def forge(raw: bytes) -> bytes:
        signer = hq_folder.receipt_signing_key(bad.folder)
        return receipt.issue(bytes(16), digest(raw), extend_all(EMPTY, [digest(raw)]), 0, signer)

    return forge


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"hangs_up": True}, "hq_unreachable"),
        ({"mute": True}, "hq_unreachable"),
        ({"forge": for_another_box}, "receipt_other_box"),
        ({"refuse_always": {1: {"code": "fork"}}}, "fork"),
    ],
)
async def test_what_takes_and_gives_nothing_is_asked_ever_more_seldom_and_offered_little(
    how: dict[str, object], told: str, spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    box.spool(spool, 5)
    for name, value in how.items():
        setattr(bad, name, value(bad) if name == "forge" and callable(value) else value)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: waits(spool) > RETRY_CAP)
        assert spool.status().fault == told
    assert bad.heard.count(frames.SEGMENT) <= 3 * 5 + bad.streams


async def test_a_gap_that_never_closes_is_not_filled_for_ever(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    bad.refuse_always[4] = {"code": "gap", "next_wanted": 2}
    box.spool(spool, 4)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: waits(spool) > RETRY_CAP)
        assert spool.status().fault == "gap"


async def test_a_receipt_that_cannot_be_kept_is_no_reason_to_hurry(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(size: int, raw: bytes) -> None:
        raise OSError(28, "full")

    box.spool(spool, 5)
    monkeypatch.setattr(spool, "put_receipt", full)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: waits(spool) > RETRY_CAP)
        assert spool.status().fault == "spool_failed"
        monkeypatch.undo()
    assert bad.heard.count(frames.SEGMENT) <= 3 * 5 + bad.streams


async def test_one_that_closes_after_each_receipt_still_gets_everything(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    box.spool(spool, 6)
    async with running(bad) as facts, at_work(hasty.run()):
        for number in range(2, 7):
            bad.refuse[number] = {"code": "busy"}
        hand_over(spool, facts)
        await until_receipted(spool, 6)
    assert bad.held == box.sealed


async def test_what_only_boxes_say_is_not_taken_from_hq(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    bad.greets = frames.pack(frames.SEGMENT, bytes(1000)) + frames.pack(frames.PULSE)
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_failed")


async def test_a_flood_is_cut_off_and_told(spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier) -> None:
    bad.greets = frames.pack(frames.NEWS, b"{}") * 400_000
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_failed" or spool.receipts())


async def test_news_of_a_pack_that_is_not_there_does_not_make_it_ask_again_and_again(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    bad.greets = frames.pack(frames.NEWS, b'{"packs": 9}') * 50
    bad.pulse = 0.01
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until(lambda: bad.others)
        for _ in range(3):
            box.spool(spool, 1)
            await until_receipted(spool, len(box.sealed))
    assert len(bad.others) == 1


def held_open() -> tuple[int, int]:
    """Descriptors, and tasks without those of the listener, which lingers for what a box may still say."""
    tasks = [one for one in asyncio.all_tasks() if "RequestHandler" not in repr(one.get_coro())]
    return len(list(Path("/proc/self/fd").iterdir())), len(tasks)


async def test_thousands_of_lines_leave_no_descriptor_and_no_task(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    """Some dozens tell: each that stayed would be counted."""
    bad.hangs_up = True
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: bad.streams >= 3)
        before = held_open()
        await until(lambda: bad.streams >= 12)
        await until(lambda: spool.status().state == "waiting")
        after = held_open()
    assert after[0] <= before[0] + 4 and after[1] <= before[1] + 4
