"""The courier before an HQ that misbehaves although its certificate is right: it pays little for it, and tells."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sync import frames, receipt
from sync.checkpoint import EMPTY, extend_all
from sync.courier import errands, mailman, run, talk
from sync.courier.purse import Purse
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.outbox import RETRY_CAP
from sync.spool import Spool, write_whole
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
        await until(lambda: waits(spool) > RETRY_CAP and spool.status().fault == told)
    assert bad.heard.count(frames.SEGMENT) <= 3 * 5 + bad.streams


async def test_a_gap_that_never_closes_is_not_filled_for_ever(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier
) -> None:
    bad.refuse_always[4] = {"code": "gap", "next_wanted": 2}
    box.spool(spool, 4)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: waits(spool) > RETRY_CAP and spool.status().fault == "gap")


async def test_a_receipt_that_cannot_be_kept_is_no_reason_to_hurry(
    spool: Spool, box: SealingBox, bad: StreamHq, hasty: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(size: int, raw: bytes) -> None:
        raise OSError(28, "full")

    box.spool(spool, 5)
    monkeypatch.setattr(spool, "put_receipt", full)
    async with running(bad) as facts, at_work(hasty.run()):
        hand_over(spool, facts)
        await until(lambda: waits(spool) > RETRY_CAP and spool.status().fault == "spool_failed")
        monkeypatch.undo()
    assert bad.heard.count(frames.SEGMENT) <= 3 * 5 + bad.streams


@pytest.mark.parametrize(("jitter", "least"), [(0.0, 3600), (0.9, 4200)])
async def test_nobody_is_sent_away_for_more_than_an_hour_and_not_all_for_the_same_time(
    jitter: float, least: int, spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    bad.answer = (503, {"Retry-After": "3155760000"}, '{"code": "busy"}')
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(Courier(spool, at=lambda: AT, jitter=lambda: jitter).run()):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "busy")
        assert least <= waits(spool) <= 3600 * 1.25


async def test_a_damaged_hq_file_does_not_stand_in_the_way_of_an_enrolment(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    (spool.root / "hq.json").write_text("{")
    (spool.root / "ask").mkdir()
    async with running(bad) as facts, at_work(Courier(spool).run()):
        asked = {"path": "/v1/enrolments", "url": facts.url, "body": "aGVsbG8=", "trust": "any"}
        (spool.root / "ask" / "e1.request").write_text(json.dumps(asked))
        await until((spool.root / "ask" / "e1.answer").exists)
    assert bad.others == ["/v1/enrolments"]


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
    bad.greets, bad.repeats, bad.pulse = frames.pack(frames.NEWS, b'{"packs": 9}'), True, 0.02
    purse = Purse(spool.root)
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(Courier(spool, purse=purse).run()):
        hand_over(spool, facts)
        await until(lambda: bad.others)
        before = purse.bytes_today
        await until(lambda: purse.bytes_today > before + 4_000)  # the news themselves
    assert len(bad.others) == 1


async def test_an_answer_that_the_disk_does_not_take_is_not_asked_for_again(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def full(root: Path, name: str, fields: dict[str, object]) -> None:
        tries.append(name)
        if len(tries) < 3:
            raise OSError(28, "full")
        write(root, name, fields)

    write = mailman.answer
    monkeypatch.setattr(mailman, "answer", full)
    monkeypatch.setattr(errands, "LOOK_SECONDS", 0.01)
    purse = Purse(spool.root)
    async with running(bad) as facts, at_work(Courier(spool, purse=purse).run()):
        (spool.root / "ask").mkdir()
        asked = {"path": "/v1/enrolments", "url": facts.url, "body": "aGVsbG8=", "trust": "any"}
        (spool.root / "ask" / "e1.request").write_text(json.dumps(asked))
        await until((spool.root / "ask" / "e1.answer").exists)
    assert bad.others == ["/v1/enrolments"] and tries == ["e1"] * 3
    assert purse.bytes_today > 1_000  # a handshake at least: questions are paid for too


async def test_a_person_who_asks_to_try_now_makes_an_idle_box_call(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "SHORT_IDLE_SECONDS", 0.1)
    async with running(bad) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until(lambda: bad.streams == 1 and bad.open == 0 and spool.status().state == "idle")
        write_whole(spool.root / "now", b"", durable=False)
        await until(lambda: bad.streams == 2)


async def test_an_idle_line_that_dies_is_no_fault_and_gets_no_rival(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(talk, "DEAD_LINE_SECONDS", 0.6)
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(Courier(spool).run()):
        bad.pulse = 60.0
        hand_over(spool, facts)
        await until_receipted(spool, 1)
        await until(lambda: bad.open == 0)
        await until(lambda: spool.status().state == "idle")
        assert spool.status().fault == "" and bad.streams == 1


async def test_a_call_that_nobody_answers_is_a_fault(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "SHORT_IDLE_SECONDS", 0.1)
    monkeypatch.setattr("sync.courier.line.CLOSE_SECONDS", 0.1)
    bad.mute = True
    async with running(bad) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_unreachable")


async def test_a_damaged_receipt_is_not_handed_to_hq(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    bad.held = [box.seal() for _ in range(2)]
    spool.put_receipt(2, b"\0" * 90)
    box.spool(spool, 1)
    async with running(bad) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until_receipted(spool, 3)
    assert bad.handed == []


async def test_an_envelope_under_another_number_is_told_and_not_sent_for_ever(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    spool.put_segment(5, box.seal())
    async with running(bad) as facts, at_work(Courier(spool).run()):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "malformed_envelope")
    assert frames.SEGMENT not in bad.heard


async def test_what_hq_lost_is_all_there_until_it_has_it_again(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    """The box takes away what is receipted: not while HQ still wants what follows."""
    bad.refuse[4] = {"code": "gap", "next_wanted": 1}
    async with running(bad) as facts, at_work(Courier(spool, jitter=lambda: 0.0).run()):
        box.spool(spool, 3)
        hand_over(spool, facts)
        await until_receipted(spool, 3)
        del bad.held[:]
        bad.refuse_always[3] = {"code": "busy", "retry_after": 3600}
        box.spool(spool, 1)
        await until(lambda: spool.status().fault == "busy")
    assert spool.status().next_wanted == 3


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
