"""One suite for the outbox in the store and the one in memory: what sealing and settling do to it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from appliance.faults import Fault
from appliance.outbox import actions, rows, rules
from appliance.outbox.rows import OutboxRows
from appliance.outbox.rules import Rule
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from sync import content, envelope, filling, outbox, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.keys import HqFacts
from sync.outbox import Batch, Identity, OutboxStore, Sealed
from tests.fakes.outbox_store import MemoryOutbox
from tests.fakes.parties import AT, make_hq

IDENTITY = Identity(b"B" * 16, suite.SigningKey(b"b" * 32))
TABLE = {"urgent": Rule(True, 0, ""), "session_ended": Rule(True, 10, ""), "note": Rule(False, 0, "")}


Result = TypeVar("Result")


class Trial(Protocol):
    """An outbox under test: `do` runs work on its store in one transaction."""

    async def do(self, work: Callable[[OutboxStore], Result]) -> Result: ...
    async def add(self, record_class: str, body: bytes = b"{}") -> int: ...
    async def raw(self, sequence: int) -> bytes | None: ...


class InMemory:
    def __init__(self) -> None:
        self._store = MemoryOutbox()

    async def do(self, work: Callable[[OutboxStore], Result]) -> Result:
        return work(self._store)

    async def add(self, record_class: str, body: bytes = b"{}") -> int:
        return self._store.add(TABLE[record_class].priority, record_class, body, AT)

    async def raw(self, sequence: int) -> bytes | None:
        return self._store.sealed_bytes(sequence)


class InStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def do(self, work: Callable[[OutboxStore], Result]) -> Result:
        return await self._db.write(lambda tx: work(OutboxRows(tx)))

    async def add(self, record_class: str, body: bytes = b"{}") -> int:
        return await self._db.write(lambda tx: rows.add(tx, record_class, body, AT))

    async def raw(self, sequence: int) -> bytes | None:
        return await self._db.read(lambda tx: rows.sealed_bytes(tx, sequence))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield made
    await made.close()


@pytest.fixture(params=["memory", "store"])
def trial(request: pytest.FixtureRequest, db: Database, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setattr(rules, "RULES", TABLE)
    return InMemory() if request.param == "memory" else InStore(db)


@pytest.fixture
def hq(tmp_path: Path) -> HqFacts:
    return make_hq(tmp_path / "hq")


@pytest.fixture
def seal(trial: Trial, hq: HqFacts) -> Callable[[], Awaitable[Sealed | None]]:
    return lambda: trial.do(lambda store: outbox.seal_next(store, IDENTITY, hq, AT))


def receipt_for(folder: Path, raws: list[bytes], box: bytes = IDENTITY.box) -> bytes:
    hashes = [suite.digest(raw) for raw in raws]
    return receipt.issue(box, hashes[-1], extend_all(EMPTY, hashes), 0, hq_folder.receipt_signing_key(folder))


async def gathered(trial: Trial) -> Batch:
    ready = await trial.do(lambda store: outbox.gather(store.waiting(outbox.WAITING_LIMIT)))
    assert ready is not None
    return ready


async def test_what_was_gathered_before_is_sealed_as_it_was_gathered(trial: Trial, hq: HqFacts) -> None:
    numbers = [await trial.add("session_ended") for _ in range(3)]
    ready = await gathered(trial)
    await trial.add("session_ended")
    assert await trial.do(lambda store: outbox.seal_next(store, IDENTITY, hq, AT, ready=ready))
    left = await trial.do(lambda store: store.waiting(9))
    assert [one.number for one in ready.records] == numbers and [one.record.number for one in left] == [numbers[-1] + 1]


async def test_what_has_become_urgent_since_goes_before_what_was_gathered(trial: Trial, hq: HqFacts) -> None:
    await trial.add("session_ended")
    ready = await gathered(trial)
    await trial.add("urgent")
    assert await trial.do(lambda store: outbox.seal_next(store, IDENTITY, hq, AT, ready=ready))
    assert await trial.do(lambda store: [one.record.record_class for one in store.waiting(9)]) == ["session_ended"]


async def test_of_large_records_no_more_are_held_than_a_segment_can_take(db: Database) -> None:
    def work(tx: Transaction) -> None:
        for _ in range(20):
            rows.add(tx, "session_ended", os.urandom(content.MAX_BODY), AT)

    await db.write(work)
    found = await db.read(lambda tx: OutboxRows(tx).waiting(outbox.WAITING_LIMIT))
    assert sum(len(one.record.body) for one in found[:-1]) <= content.MAX_LARGE < 20 * content.MAX_BODY
    assert outbox.choose(found) == [found[0].record]


async def test_records_are_numbered_in_the_order_they_were_made(trial: Trial) -> None:
    assert [await trial.add(name) for name in ("session_ended", "urgent", "session_ended")] == [1, 2, 3]


async def test_the_urgent_are_sealed_first_and_alone(
    trial: Trial, seal: Callable[[], Awaitable[Sealed | None]], tmp_path: Path
) -> None:
    for name in ("session_ended", "session_ended", "urgent"):
        await trial.add(name)
    assert await seal() and await seal() and await seal() is None
    key = hq_folder.record_key(tmp_path / "hq")
    opened = [envelope.open_records(envelope.parse(await trial.raw(n) or b""), key) for n in (1, 2)]
    assert [[record.number for record in records] for records in opened] == [[3], [1, 2]]


async def test_segments_follow_each_other_without_gaps(
    trial: Trial, seal: Callable[[], Awaitable[Sealed | None]]
) -> None:
    previous = envelope.NO_PREVIOUS
    for sequence in (1, 2, 3):
        await trial.add("session_ended")
        sealed = await seal()
        parsed = envelope.parse(await trial.raw(sequence) or b"")
        envelope.verify(parsed, IDENTITY.signing_key.public)
        assert (parsed.sequence, parsed.previous) == (sequence, previous)
        assert sealed == Sealed(sequence, parsed.hash)
        previous = parsed.hash


async def test_no_more_is_sealed_ahead_than_an_urgent_record_may_wait_for(
    trial: Trial, seal: Callable[[], Awaitable[Sealed | None]]
) -> None:
    for _ in range(outbox.SEAL_AHEAD + 1):
        await trial.add("session_ended", secrets.token_bytes(filling.SEGMENT_TARGET))
    made = [await seal() for _ in range(outbox.SEAL_AHEAD + 1)]
    assert [one is not None for one in made] == [True] * outbox.SEAL_AHEAD + [False]


@pytest.mark.parametrize("keep", [0, 1, 64])
async def test_a_receipt_settles_what_it_covers_and_keeps_the_newest_bytes_for_a_while(
    keep: int,
    trial: Trial,
    seal: Callable[[], Awaitable[Sealed | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "KEEP_SEGMENTS", keep)
    for _ in range(3):
        await trial.add("session_ended")
        await seal()
    raws = [await trial.raw(n) or b"" for n in (1, 2, 3)]
    got = receipt.parse(receipt_for(tmp_path / "hq", raws[:2]))
    assert await trial.do(lambda store: outbox.settle(store, got, AT))
    assert not await trial.do(lambda store: outbox.settle(store, got, AT))
    assert [await trial.raw(n) is None for n in (1, 2, 3)] == [keep < 2, keep < 1, False]
    assert [one.sequence for one in await trial.do(lambda store: store.unsettled())] == [3]
    assert (await trial.do(lambda store: store.settled())).size == 2


async def test_a_receipt_for_other_bytes_settles_nothing(
    trial: Trial, seal: Callable[[], Awaitable[Sealed | None]], tmp_path: Path
) -> None:
    await trial.add("session_ended")
    await seal()
    for raws, code in (([b"other"], "receipt_other_bytes"), ([b"other", b"more"], "set_back")):
        got = receipt.parse(receipt_for(tmp_path / "hq", raws))
        with pytest.raises(SyncFault, match=code):
            await trial.do(partial(outbox.settle, receipt=got, at=AT))
    assert await trial.raw(1)


async def test_a_record_and_its_fact_are_kept_together_or_not_at_all(db: Database) -> None:
    def work(tx: Transaction) -> None:
        rows.add(tx, "session_ended", b"{}", AT)
        raise ValueError

    with pytest.raises(ValueError):
        await db.write(work)
    assert (await db.read(rows.standing)).queued == 0


@pytest.mark.parametrize("name", ["note", "unheard_of"])
async def test_only_what_the_table_lets_go_leaves_the_box(
    db: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(rules, "RULES", TABLE)
    with pytest.raises(Fault, match="refused"):
        await db.write(lambda tx: rows.add(tx, name, b"{}", AT))
    with pytest.raises(Fault, match="too_large"):
        await db.write(lambda tx: rows.add(tx, "urgent", bytes(65_537), AT))
    assert (await db.read(rows.standing)).queued == 0


def test_every_class_in_the_table_says_why_and_fits_the_format() -> None:
    for name, rule in rules.RULES.items():
        assert rule.why and name.islower() and len(name) <= 64


async def test_the_box_keeps_its_identity(db: Database) -> None:
    first = await db.write(actions.box_public)
    assert await db.write(actions.box_public) == first
    assert (await db.read(rows.identity)).box.hex() == first["box"]


@pytest.mark.parametrize("wrong", ["box", "key", "bytes"])
async def test_a_bad_receipt_is_refused_by_the_box_itself(
    wrong: str, db: Database, hq: HqFacts, tmp_path: Path
) -> None:
    await db.write(lambda tx: rows.add(tx, "session_ended", b"{}", AT))
    await db.write(lambda tx: actions.seal_next(tx, hq, AT))
    raws = [await db.read(lambda tx: rows.sealed_bytes(tx, 1)) or b""]
    box = (await db.read(rows.identity)).box
    other = make_hq(tmp_path / "other")
    bad, code = {
        "box": (receipt_for(tmp_path / "hq", raws, bytes(16)), "receipt_other_box"),
        "key": (receipt_for(tmp_path / "other", raws, box), "receipt_other_key"),
        "bytes": (receipt_for(tmp_path / "hq", [b"x"], box), "receipt_other_bytes"),
    }[wrong]
    assert other != hq
    with pytest.raises(SyncFault, match=code):
        await db.write(lambda tx: actions.settle(tx, bad, hq, AT))
    assert (await db.read(rows.standing)).queued == 1
    assert await db.write(lambda tx: actions.settle(tx, receipt_for(tmp_path / "hq", raws, box), hq, AT))
    assert (await db.read(rows.standing)).queued == 0
