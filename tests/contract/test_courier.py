"""The courier against a real HQ on the loopback, and against one that fails as it is told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sync import frames, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.courier import line, own_key, talk
from sync.courier.purse import Purse
from sync.courier.run import Courier
from sync.courier.talk import check
from sync.envelope import parse
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.keys import HqFacts
from sync.limits import Wall
from sync.spool import Spool
from tests.fakes.parties import (
    AT,
    SealingBox,
    enrol,
    enrolled_box,
    hand_over,
    make_hq,
    objects,
    running_hq,
    until_receipted,
)
from tests.fakes.stream_hq import StreamHq, running
from tests.fakes.waiting import at_work, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare("in")
    return made


@pytest.fixture
def box(folder: Path) -> SealingBox:
    return enrolled_box(folder)


@pytest.fixture
def bad(folder: Path) -> StreamHq:
    """An HQ that does what the test tells it."""
    return StreamHq(folder)


def carrying(running: Courier) -> AbstractAsyncContextManager[None]:
    return at_work(running.run())


def at_once(spool: Spool) -> Courier:
    """One that waits as little as it may."""
    return Courier(spool, jitter=lambda: 0.0)


@asynccontextmanager
async def meeting(kind: str, folder: Path, bad: StreamHq) -> AsyncIterator[HqFacts]:
    """The real HQ or the fake: both are held to the same life."""
    async with running_hq(folder) if kind == "real" else running(bad) as facts:
        yield facts


@pytest.mark.parametrize("kind", ["real", "fake"])
async def test_everything_in_the_spool_is_carried_in_order(
    kind: str, folder: Path, spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    box.spool(spool, 20)
    async with meeting(kind, folder, bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until_receipted(spool, 20)
        await until(lambda: spool.status().last_success_at != "")
        box.spool(spool, 1)  # on the line that is open
        await until_receipted(spool, 21)
    held = [path.read_bytes() for path in objects(folder)] if kind == "real" else bad.held
    assert held == box.sealed
    got = receipt.parse(spool.receipt(21) or b"")
    receipt.verify(got, facts.receipt_keys, box.facts.box)
    assert spool.status().fault == "" and bad.streams == (kind == "fake")


async def test_hq_hears_what_it_may_know_of_the_box_and_no_more(
    folder: Path, spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    box.spool(spool, 1)
    (spool.root / "packs.json").write_text('{"applied": 3}')
    (spool.root / "queue.json").write_text('{"records": 7, "oldest_at": "2026-01-02T03:04:05Z"}')
    async with running(bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until_receipted(spool, 1)
    (hello,) = bad.hellos
    assert set(hello) == {"version", "queued", "oldest_at", "applied", "certificate_ends"}
    assert (hello["queued"], hello["oldest_at"], hello["applied"]) == (7, "2026-01-02T03:04:05Z", 3)
    assert str(hello["certificate_ends"]).endswith("Z")


async def test_a_new_courier_goes_on_where_the_last_one_was(folder: Path, spool: Spool, box: SealingBox) -> None:
    async with running_hq(folder) as facts:
        hand_over(spool, facts)
        for upto in (2, 4):
            box.spool(spool, 2)
            async with carrying(Courier(spool)):
                await until_receipted(spool, upto)
    assert len(objects(folder)) == 4


async def test_what_hq_already_has_is_a_success(folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 3)
    async with running_hq(folder) as facts:
        hand_over(spool, facts)
        for _ in range(2):
            async with carrying(Courier(spool)):
                await until_receipted(spool, 3)
            for size in spool.receipts():
                spool.drop_receipt(size)  # every answer was lost on its way
    assert len(objects(folder)) == 3
    assert spool.status().fault == ""


async def test_when_hq_dies_in_the_middle_the_rest_goes_on_a_new_line(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    bad.die_after = 3
    box.spool(spool, 8)
    async with running(bad) as facts, carrying(at_once(spool)):
        hand_over(spool, facts)
        await until_receipted(spool, 8)
        await until(lambda: spool.status().fault == "")
    assert bad.held == box.sealed and bad.streams == 2


async def test_receipts_that_are_lost_come_again(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "NO_RECEIPT_SECONDS", 0.2)
    bad.lose_receipts = True
    box.spool(spool, 3)
    async with running(bad) as facts, carrying(at_once(spool)):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_failed")
        assert len(bad.held) == 3 and spool.receipts() == []
        bad.lose_receipts = False
        await until_receipted(spool, 3)
    assert bad.held == box.sealed and bad.duplicates >= 3


async def test_a_refusal_in_the_middle_keeps_what_was_receipted_and_is_told(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    bad.refuse[3] = {"code": "fork", "next_wanted": 0}
    box.spool(spool, 5)
    async with running(bad) as facts, carrying(Courier(spool, now=lambda: 0.0)):  # its clock stands: no wait ends
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "fork")
        assert spool.receipts() == [2] and bad.held == box.sealed[:2]
        assert spool.status().state == "waiting" and spool.status().fault_since


async def test_hq_that_asks_for_time_gets_it(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    bad.refuse[1] = {"code": "busy", "retry_after": 3600}
    box.spool(spool, 1)
    async with running(bad) as facts, carrying(Courier(spool, at=lambda: AT, jitter=lambda: 0.0)):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "busy")
        assert spool.status().waits_until == "2026-01-02T04:04:05Z"  # an hour after AT


async def test_what_hq_lost_is_sent_again_when_the_box_has_it_still(
    folder: Path, spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    bad.refuse[4] = {"code": "gap", "next_wanted": 2}
    box.spool(spool, 3)
    async with running(bad) as facts, carrying(at_once(spool)):
        hand_over(spool, facts)
        await until_receipted(spool, 3)
        del bad.held[1:]
        box.spool(spool, 1)
        await until_receipted(spool, 4)
    assert bad.held == box.sealed


async def test_a_peer_that_takes_all_and_says_nothing_is_left(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "DEAD_LINE_SECONDS", 0.3)
    monkeypatch.setattr(talk, "SILENT_SECONDS", 60.0)
    bad.mute = True
    box.spool(spool, 2)
    async with running(bad) as facts, carrying(at_once(spool)):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_unreachable")
        bad.mute = False
        await until_receipted(spool, 2)
        await until(lambda: spool.status().fault == "")


async def test_a_silent_line_gets_a_rival_that_goes_on(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "SILENT_SECONDS", 0.3)
    bad.mute = True
    box.spool(spool, 2)
    async with running(bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until(lambda: len(bad.held) == 2)  # both have come, and nothing is answered on this line
        bad.mute = False  # the old line stays dumb, the new one speaks
        bad.pulse = 0.1
        await until_receipted(spool, 2)
        assert spool.status().fault == ""
    assert bad.streams == 2


async def test_with_hq_down_it_says_so_and_carries_when_hq_is_back(folder: Path, spool: Spool, box: SealingBox) -> None:
    async with running_hq(folder) as facts:
        port = int(facts.url.rsplit(":", 1)[1])
    hand_over(spool, facts)
    box.spool(spool, 2)
    async with carrying(at_once(spool)):
        await until(lambda: spool.status().fault == "hq_unreachable")
        assert spool.status().last_attempt_at
        async with running_hq(folder, port):
            await until_receipted(spool, 2)
            await until(lambda: spool.status().fault == "")


async def test_a_new_envelope_ends_the_wait(folder: Path, spool: Spool, box: SealingBox) -> None:
    attempts = itertools.count()

    def at() -> str:
        return f"2026-01-02T03:{next(attempts) % 60:02d}:00Z"

    async with running_hq(folder) as facts:
        pass
    hand_over(spool, facts)
    box.spool(spool, 1)
    async with carrying(Courier(spool, now=lambda: 0.0, at=at)):  # its clock stands: no wait ends by itself
        await until(lambda: spool.status().fault == "hq_unreachable")
        before = spool.status().last_attempt_at
        box.spool(spool, 1)
        await until(lambda: spool.status().last_attempt_at != before)


async def test_another_certificate_gets_nothing(tmp_path: Path, spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    box.spool(spool, 1)
    pinned = make_hq(tmp_path / "other")
    async with running(bad) as facts:
        hand_over(spool, replace(facts, tls_certificates=pinned.tls_certificates))
        async with carrying(Courier(spool)):
            await until(lambda: spool.status().fault in ("wrong_certificate", "other_server"))
    assert bad.heard == [] and bad.streams == 0 and spool.receipts() == []


async def test_any_pinned_certificate_will_do(tmp_path: Path, spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    box.spool(spool, 1)
    before = make_hq(tmp_path / "other")
    async with running(bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)  # for the box's own certificate
        both = replace(facts, tls_certificates=(before.tls_certificate, facts.tls_certificate))
        hand_over(spool, both)
        await until_receipted(spool, 1)


async def test_another_hq_file_is_followed_while_a_line_is_open(
    tmp_path: Path, folder: Path, spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    moved = StreamHq(folder, held=bad.held)
    box.spool(spool, 1)
    async with running(bad) as facts, running(moved) as there, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until_receipted(spool, 1)
        hand_over(spool, there)
        await until(lambda: bad.open == 0)
        box.spool(spool, 1)
        await until_receipted(spool, 2)
    assert (bad.streams, moved.streams) == (1, 1)


async def plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a network does that wants somebody to sign in."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://sign.in.example/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_a_network_that_wants_a_sign_in_is_told_apart(folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 1)
    async with await asyncio.start_server(plain_http, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        hand_over(spool, replace(hq_folder.public(folder), url=url))
        async with carrying(Courier(spool)):
            await until(lambda: spool.status().fault == "captive_portal")


async def test_a_redirect_is_not_followed(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    bad.answer = (302, {"Location": "https://127.0.0.1:1/elsewhere"}, "")
    box.spool(spool, 1)
    async with running(bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "hq_failed")


async def test_a_name_that_nobody_knows_is_told_apart(folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 1)
    hand_over(spool, replace(hq_folder.public(folder), url="https://hq.invalid:8444"))
    async with carrying(Courier(spool)):
        await until(lambda: spool.status().fault == "name_unknown")


async def test_a_receipt_of_another_hq_is_refused_and_told(folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 1)
    async with running_hq(folder) as facts:
        hand_over(spool, replace(facts, receipt_keys=(suite.SigningKey(suite.new_seed()).public,)))
        async with carrying(Courier(spool)):
            await until(lambda: spool.status().fault == "receipt_other_key")
    assert spool.receipts() == []


async def test_what_hq_refuses_is_told_in_its_word(folder: Path, spool: Spool, box: SealingBox) -> None:
    stranger = SealingBox(box.hq, b"S" * 16)
    stranger.spool(spool, 1)
    async with running_hq(folder) as facts, carrying(at_once(spool)):
        hand_over(spool, facts, stranger.facts.box)
        await until(lambda: spool.status().fault == "unknown_box")
        enrol(folder, stranger.facts)
        await until_receipted(spool, 1)


async def test_a_damaged_hq_file_is_told_and_a_good_one_is_taken_up(
    folder: Path, spool: Spool, box: SealingBox
) -> None:
    (spool.root / "hq.json").write_text("{")
    box.spool(spool, 1)
    async with running_hq(folder) as facts, carrying(at_once(spool)):
        await until(lambda: spool.status().fault == "malformed_facts")
        hand_over(spool, facts)
        await until_receipted(spool, 1)


def limited(spool: Spool, wall: list[Wall], **fields: object) -> Courier:
    (spool.root / "limits.json").write_text(json.dumps(fields))
    return Courier(spool, jitter=lambda: 0.0, purse=Purse(spool.root, wall=lambda: wall[0]))


async def test_outside_the_hours_only_what_is_urgent_goes(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    wall = [Wall("2026-01-02", 12 * 60)]
    box.spool(spool, 2)
    async with running(bad) as facts, carrying(limited(spool, wall, hours="22:00-06:00")):
        hand_over(spool, facts)
        await until(lambda: spool.status().state == "hours")
        assert bad.streams == 0 and spool.status().waits_until
        spool.put_urgent([1])
        await until_receipted(spool, 1)
        assert bad.held == box.sealed[:1]
        wall[0] = Wall("2026-01-02", 22 * 60)
        await until_receipted(spool, 2)


async def test_a_spent_budget_holds_the_queue_until_the_next_day_and_over_a_restart(
    spool: Spool, box: SealingBox, bad: StreamHq
) -> None:
    wall = [Wall("2026-01-02", 60)]
    box.spool(spool, 60)
    async with running(bad) as facts:
        hand_over(spool, facts)
        for _ in range(2):
            async with carrying(limited(spool, wall, bytes_per_day=60_000)):
                await until(lambda: spool.status().state == "budget")
        spent = spool.status()
        assert 0 < len(bad.held) < 60 and spent.bytes_today <= 60_000 and 0 <= spent.budget_left < 60_000
        wall[0] = Wall("2026-01-03", 0)
        before = len(bad.held)
        async with carrying(limited(spool, wall, bytes_per_day=60_000)):
            await until(lambda: len(bad.held) > before)


async def test_packs_that_hq_tells_of_are_fetched_in_order(
    spool: Spool, box: SealingBox, bad: StreamHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.pack.parse", lambda raw: type("Pack", (), {"number": int(raw)}))
    monkeypatch.setattr("sync.pack.verify", lambda pack, keys, box: None)
    monkeypatch.setattr(talk, "IDLE_SECONDS", 0.1)
    bad.packs = {number: b"%d" % number for number in (1, 2, 3)}
    (spool.root / "packs.json").write_text('{"applied": 1}')
    box.spool(spool, 1)
    async with running(bad) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until(lambda: (spool.root / "down" / f"{3:016d}.pack").exists())
    assert sorted(path.name for path in (spool.root / "down").iterdir()) == [f"{n:016d}.pack" for n in (2, 3)]


def ask(spool: Spool, name: str, **fields: object) -> Path:
    (spool.root / "ask").mkdir(exist_ok=True)
    (spool.root / "ask" / f"{name}.request").write_text(json.dumps(fields))
    return spool.root / "ask" / f"{name}.answer"


async def test_a_question_is_posted_and_its_answer_laid_beside_it(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    async with running(bad) as facts, carrying(Courier(spool)):
        answer = ask(spool, "e1", path="/v1/enrolments", url=facts.url, body="aGVsbG8=", trust="any")
        await until(answer.exists)
        assert json.loads(answer.read_bytes()) == {"status": 200, "body": "d2VsY29tZSBoZWxsbw=="}
        broken = ask(spool, "e2", path="../../elsewhere", url=facts.url, body="", trust="any")
        await until(broken.exists)
        assert json.loads(broken.read_bytes()) == {"fault": "malformed_carriage"}
        unpinned = ask(spool, "e3", path="/v1/enrolments", body="", trust="pinned")
        await until(unpinned.exists)
        assert json.loads(unpinned.read_bytes()) == {"fault": "hq_unreachable"}


async def test_hq_s_newest_receipt_is_fetched_when_the_box_asks(spool: Spool, box: SealingBox, bad: StreamHq) -> None:
    bad.held = [box.seal() for _ in range(3)]
    async with running(bad) as facts:
        hand_over(spool, facts)
        answer = ask(spool, "head", box=box.facts.box.hex())
        async with carrying(Courier(spool)):
            await until(answer.exists)
        assert json.loads(answer.read_bytes())["status"] == 200
    assert spool.receipts() == [3]


def test_a_key_of_its_own_is_made_once_and_a_certificate_for_another_is_not_shown(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare("in")
    own_key.prepare(tmp_path / "tls")
    made = (tmp_path / "tls" / "courier.key").read_bytes()
    own_key.prepare(tmp_path / "tls")
    assert (tmp_path / "tls" / "courier.key").read_bytes() == made
    assert (tmp_path / "tls" / "courier.key").stat().st_mode & 0o777 == 0o600
    assert b"CERTIFICATE REQUEST" in (tmp_path / "tls" / "courier.csr").read_bytes()


def test_a_refusal_that_is_no_refusal_is_a_failure_of_hq() -> None:
    assert line.refused(b"<html>").code == "hq_failed"
    assert line.refused(b'{"code": "never heard of"}').code == "hq_failed"
    assert line.refused(b'{"code": "busy", "retry_after": 1e99}').retry_after == line.MAX_RETRY_AFTER
    assert line.refused(b'{"code": "gap", "next_wanted": -4}').next_wanted == 0
    assert frames.MAX_SMALL >= line.MAX_REFUSAL


@pytest.mark.parametrize("wrong", ["key", "box", "envelope", "bytes"])
def test_a_receipt_counts_only_for_the_bytes_that_were_sent(wrong: str, folder: Path, box: SealingBox) -> None:
    facts = hq_folder.public(folder)
    signer = hq_folder.receipt_signing_key(folder)
    for _ in range(2):
        box.seal()
    hashes = [suite.digest(raw) for raw in box.sealed]
    good = receipt.issue(box.facts.box, hashes[1], extend_all(EMPTY, hashes), 0, signer)
    assert check(good, parse(box.sealed[1]), facts).size == 2
    bad = {
        "key": receipt.issue(box.facts.box, hashes[1], extend_all(EMPTY, hashes), 0, box.key),
        "box": receipt.issue(bytes(16), hashes[1], extend_all(EMPTY, hashes), 0, signer),
        "envelope": receipt.issue(box.facts.box, hashes[0], extend_all(EMPTY, hashes[:1]), 0, signer),
        "bytes": receipt.issue(box.facts.box, bytes(32), extend_all(EMPTY, hashes), 0, signer),
    }[wrong]
    with pytest.raises(SyncFault, match="receipt_other"):
        check(bad, parse(box.sealed[1]), facts)
