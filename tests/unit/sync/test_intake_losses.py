"""What HQ makes of objects that a power cut tore, that are gone after their receipt, or whose flush failed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sync import receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.faults import SyncFault
from sync.hq import holes
from sync.hq.intake import Intake
from sync.hq.objects import LocalObjects, object_path
from tests.fakes.memory_objects import MemoryObjects
from tests.unit.sync.test_intake_orders import BOX, CLONE, FACTS, LOG

KEY = suite.SigningKey(suite.new_seed())
PATHS = [object_path(BOX, n + 1) for n in range(len(LOG))]


def over(store: MemoryObjects) -> Intake:
    return Intake(store, KEY, (KEY.public,), frozenset(), lambda: 0.0)


def held(count: int) -> MemoryObjects:
    return MemoryObjects({PATHS[n]: LOG[n].raw for n in range(count)})


def receipt_over(count: int) -> bytes:
    hashes = [one.hash for one in LOG[:count]]
    return receipt.issue(BOX, hashes[-1], extend_all(EMPTY, hashes), 0, KEY)


async def test_what_a_power_cut_tore_is_asked_for_again_and_is_no_fault_of_the_store() -> None:
    store = held(2)
    store.held[PATHS[2]] = b""
    with pytest.raises(SyncFault, match="gap") as caught:
        await over(store).chain(FACTS, patient=False).put(LOG[3])
    assert caught.value.next_wanted == 3
    chain = over(store).chain(FACTS, patient=False)
    for sealed in LOG[2:4]:
        await (await chain.put(sealed)).durable()
    assert [store.held[path] for path in PATHS[:4]] == [one.raw for one in LOG[:4]]


async def test_the_head_ends_before_what_a_power_cut_tore() -> None:
    store = held(3)
    store.held[PATHS[2]] = LOG[2].raw[:700]
    signed = await over(store).head(FACTS)
    assert signed is not None
    assert receipt.parse(signed).size == 2


async def test_a_history_that_does_not_go_on_is_still_told() -> None:
    store = held(3)
    store.held[PATHS[3]], store.held[PATHS[2]] = LOG[3].raw, CLONE[2].raw
    with pytest.raises(SyncFault, match="receipt_store_differs"):
        await over(store).head(FACTS)
    with pytest.raises(SyncFault, match="receipt_store_differs"):
        await over(store).chain(FACTS, patient=False).put(LOG[4])


@pytest.mark.parametrize("left", [None, b"", b"rot"])
async def test_what_is_gone_after_its_receipt_is_taken_again_under_that_receipt(left: bytes | None) -> None:
    store = held(4)
    if left is None:
        del store.held[PATHS[2]]
    else:
        store.held[PATHS[2]] = left
    chain = over(store).chain(FACTS, patient=False)
    chain.hand(receipt_over(4))
    taken = await chain.put(LOG[2])
    await taken.durable()
    assert (taken.word, store.held[PATHS[2]]) == ("accept", LOG[2].raw)
    assert PATHS[2] in store.durable
    assert not any(path.startswith("alarms/") for path in store.held)


async def test_only_what_was_lost_may_come_where_a_loss_was_accepted() -> None:
    """A restored box seals that number anew; HQ has signed for what was there."""
    for offered, refused in ((CLONE[2], "fork"), (LOG[2], "")):
        store = held(2)
        marker = holes.encode(holes.Hole(BOX, 3, LOG[2].hash, "2026-01-02T03:04:05Z", "the disk died"), KEY)
        store.held[holes.path(BOX, 3)] = marker
        chain = over(store).chain(FACTS, patient=False)
        if refused:
            with pytest.raises(SyncFault, match=refused):
                await chain.put(offered)
            assert PATHS[2] not in store.held
        else:
            assert (await chain.put(offered)).word == "accept"


async def test_nothing_is_signed_for_an_object_that_is_neither_ours_nor_another_s() -> None:
    class Vanishing(MemoryObjects):
        async def swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
            self.held.pop(path)
            return False

    store = Vanishing({PATHS[0]: b"torn"})
    with pytest.raises(SyncFault, match="hq_failed"):
        await over(store).chain(FACTS, patient=False).put(LOG[0])


async def test_no_later_receipt_of_a_line_stands_on_a_flush_that_failed() -> None:
    class Full(MemoryObjects):
        fails = True

        async def make_durable(self, path: str) -> None:
            if self.fails:
                raise SyncFault("hq_failed")
            await super().make_durable(path)

    store = Full()
    chain = over(store).chain(FACTS, patient=False)
    taken = await chain.put(LOG[0])
    with pytest.raises(SyncFault, match="hq_failed"):
        await taken.durable()
    store.fails = False
    await (await chain.put(LOG[1])).durable()
    assert store.durable == set(PATHS[:2])


async def test_after_a_flush_that_failed_the_bytes_are_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, file, real = LocalObjects(tmp_path), tmp_path / PATHS[0], os.fsync
    await store.create(PATHS[0], LOG[0].raw)
    failed = file.stat().st_ino

    def fails(handle: int) -> None:
        if os.fstat(handle).st_ino == failed:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SyncFault, match="hq_failed"):
        await store.make_durable(PATHS[0])
    monkeypatch.setattr(os, "fsync", real)  # Linux tells of the failure once, and calls the pages clean
    await store.make_durable(PATHS[0])
    assert file.stat().st_ino != failed
    assert file.read_bytes() == LOG[0].raw


async def test_a_card_is_durable_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torn card would shut a box out for good: nobody can make it anew."""
    file, flushed, real = tmp_path / "cards" / "a.json", list[bool](), os.fsync

    def noticed(handle: int) -> None:
        flushed.append(file.exists())
        real(handle)

    monkeypatch.setattr(os, "fsync", noticed)
    assert await LocalObjects(tmp_path).swap("cards/a.json", b"{}", None)
    assert flushed[0] is False
