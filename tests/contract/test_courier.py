"""The courier against a real HQ on the loopback."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from sync import receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.courier.run import Courier, check
from sync.envelope import parse
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.spool import Spool
from tests.fakes.parties import (
    SealingBox,
    enrol,
    enrolled_box,
    hand_over,
    make_hq,
    objects,
    running_hq,
    until_receipted,
)
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


def carrying(running: Courier) -> AbstractAsyncContextManager[None]:
    return at_work(running.run())


async def test_everything_in_the_spool_is_carried_in_order(folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 5)
    async with running_hq(folder) as facts, carrying(Courier(spool)):
        hand_over(spool, facts)
        await until(lambda: spool.receipts() == [1, 2, 3, 4, 5])
        await until(lambda: spool.status().last_success_at != "")
    assert [path.read_bytes() for path in objects(folder)] == box.sealed
    got = receipt.parse(spool.receipt(5) or b"")
    receipt.verify(got, facts.receipt_keys, box.facts.box)
    assert spool.status().fault == ""


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
                await until(lambda: spool.receipts() == [1, 2, 3])
            for size in (1, 2, 3):
                spool.drop_receipt(size)  # every answer was lost on its way
    assert len(objects(folder)) == 3
    assert spool.status().fault == ""


async def test_with_hq_down_it_says_so_and_carries_when_hq_is_back(folder: Path, spool: Spool, box: SealingBox) -> None:
    async with running_hq(folder) as facts:
        port = int(facts.url.rsplit(":", 1)[1])
    hand_over(spool, facts)
    box.spool(spool, 2)
    async with carrying(Courier(spool, jitter=lambda: 0.0)):
        await until(lambda: spool.status().fault == "hq_unreachable")
        assert spool.status().last_attempt_at
        async with running_hq(folder, port):
            await until(lambda: spool.receipts() == [1, 2])
            await until(lambda: spool.status().fault == "")


async def test_a_new_envelope_ends_the_wait(folder: Path, spool: Spool, box: SealingBox) -> None:
    attempts = itertools.count()

    def at() -> str:
        return str(next(attempts))

    async with running_hq(folder) as facts:
        pass
    hand_over(spool, facts)
    box.spool(spool, 1)
    async with carrying(Courier(spool, now=lambda: 0.0, at=at)):  # its clock stands: no wait ends by itself
        await until(lambda: spool.status().fault == "hq_unreachable")
        before = spool.status().last_attempt_at
        box.spool(spool, 1)
        await until(lambda: spool.status().last_attempt_at != before)


async def test_another_certificate_gets_nothing(tmp_path: Path, folder: Path, spool: Spool, box: SealingBox) -> None:
    box.spool(spool, 1)
    pinned = make_hq(tmp_path / "other")
    async with running_hq(folder) as facts:
        hand_over(spool, replace(facts, tls_certificates=pinned.tls_certificates))
        async with carrying(Courier(spool)):
            await until(lambda: spool.status().fault == "wrong_certificate")
    assert objects(folder) == [] and spool.receipts() == []


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
    async with running_hq(folder) as facts, carrying(Courier(spool, jitter=lambda: 0.0)):
        hand_over(spool, facts)
        await until(lambda: spool.status().fault == "unknown_box")
        enrol(folder, stranger.facts)
        await until(lambda: spool.receipts() == [1])


async def test_an_hq_that_talks_nonsense_is_not_believed(spool: Spool, box: SealingBox, folder: Path) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 418 No\r\nContent-Length: 9\r\n\r\n<html>:-(")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0, ssl=hq_folder.tls_context(folder))
    facts = replace(hq_folder.public(folder), url=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    box.spool(spool, 1)
    hand_over(spool, facts)
    async with server, carrying(Courier(spool)):
        await until(lambda: spool.status().fault == "hq_failed")


async def test_a_damaged_hq_file_is_told_and_a_good_one_is_taken_up(
    folder: Path, spool: Spool, box: SealingBox
) -> None:
    (spool.root / "hq.json").write_text("{")
    box.spool(spool, 1)
    async with running_hq(folder) as facts, carrying(Courier(spool, jitter=lambda: 0.0)):
        await until(lambda: spool.status().fault == "malformed_facts")
        hand_over(spool, facts)
        await until(lambda: spool.receipts() == [1])


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
