"""Whatever the interleaving of couriers, clones and servers: one object a number, no receipt that contradicts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import envelope, receipt, suite
from sync.checkpoint import EMPTY, extend
from sync.content import Record
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.hq import intake
from sync.hq.intake import Intake
from sync.hq.objects import object_path
from sync.keys import BoxFacts
from sync.receipt import Receipt
from tests.fakes.memory_objects import MemoryObjects

BOX, LONG, SHARED = b"B" * 16, 6, 2
RECORD_KEY, SIGNER, RECEIPTS = (suite.new_seed() for _ in range(3))
FACTS = BoxFacts(BOX, suite.SigningKey(SIGNER).public)


def _log(before: list[Envelope], mark: bytes) -> list[Envelope]:
    """A log that goes on from `before`, with bytes of its own."""
    log = list(before)
    while len(log) < LONG:
        raw = envelope.seal(
            [Record(len(log) + 1, "session_ended", "2026-01-02T03:04:05Z", mark)],
            box=BOX,
            sequence=len(log) + 1,
            previous=log[-1].hash if log else envelope.NO_PREVIOUS,
            record_key=suite.RecordKey(RECORD_KEY).public,
            signing_key=suite.SigningKey(SIGNER),
        )
        log.append(envelope.parse(raw))
    return log


LOG = _log([], b"{}")
CLONE = _log(LOG[:SHARED], b"[]")


class Courier:
    """Sends a stretch of one log over a line of its own, and hears what is receipted."""

    def __init__(self, server: Intake, log: list[Envelope], first: int, last: int) -> None:
        self.server, self.sent = server, log[first:last]
        self.heard: list[Receipt] = []
        self.refused = ""

    async def run(self) -> None:
        chain = self.server.chain(FACTS)
        try:
            for sealed in self.sent:
                taken = await chain.put(sealed)
                await taken.durable()
                self.heard.append(receipt.parse(taken.signed or self.server.sign(BOX, taken.head)))
        except SyncFault as fault:
            self.refused = fault.code


lines = st.tuples(st.booleans(), st.integers(0, LONG - 1), st.integers(1, LONG))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "GAP_SECONDS", 0.002)
    monkeypatch.setattr(intake, "LOOK_SECONDS", 0.0)


async def test_what_another_server_left_unflushed_is_flushed_before_the_receipt() -> None:
    store, key = MemoryObjects({object_path(BOX, n + 1): LOG[n].raw for n in range(3)}), suite.SigningKey(RECEIPTS)
    taken = await Intake(store, key, (key.public,), frozenset()).chain(FACTS).put(LOG[3])
    await taken.durable()
    assert store.durable == {object_path(BOX, n + 1) for n in range(4)}


@settings(max_examples=60, deadline=None)
@given(st.lists(lines, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_no_receipt_is_ever_contradicted(said: list[tuple[bool, int, int]], chance: object) -> None:
    held: dict[str, bytes] = {}
    turns: Callable[[], int] = lambda: chance.randint(0, 4)  # type: ignore[attr-defined]  # noqa: E731
    stores = [MemoryObjects(held, turns) for _ in range(2)]
    key = suite.SigningKey(RECEIPTS)
    servers = [Intake(store, key, (key.public,), frozenset(), lambda: 0.0) for store in stores]
    couriers = [
        Courier(servers[n % 2], CLONE if clone else LOG, first, last) for n, (clone, first, last) in enumerate(said)
    ]

    async def all_at_once() -> None:
        await asyncio.gather(*(courier.run() for courier in couriers))

    asyncio.run(all_at_once())
    kept = [raw for path, raw in sorted(held.items()) if path.startswith("boxes/")]
    numbers = [path for path in sorted(held) if path.startswith("boxes/")]
    assert numbers == [object_path(BOX, n + 1) for n in range(len(kept))]
    assert any(kept == [sealed.raw for sealed in log[: len(kept)]] for log in (LOG, CLONE))
    tree, reached = EMPTY, []
    for raw in kept:
        tree = extend(tree, suite.digest(raw))
        reached.append((tree, suite.digest(raw)))
    durable = stores[0].durable | stores[1].durable
    for courier in couriers:
        assert courier.refused in ("", "fork", "gap", "receipt_store_differs")
        for one in courier.heard:
            assert reached[one.size - 1] == (one.checkpoint, one.last)
            assert set(numbers[: one.size]) <= durable
    assert bool([path for path in held if path.startswith("alarms/")]) == any(c.refused == "fork" for c in couriers)
