"""Random histories of a box: records, power cuts, backups, restorations, images of the card, lost receipts. Nothing is
lost, and no number belongs to two records. HQ is a model; the box's store is the real one."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.copies import rows as copies
from appliance.copies.rows import Restoration
from appliance.outbox import actions, pinned, rows
from appliance.outbox.lives import rows as log
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import envelope, receipt, suite
from sync.checkpoint import EMPTY, Checkpoint, extend
from sync.content import Record
from sync.keys import HqFacts

AT = "2026-01-02T03:04:05Z"
KEY = StoreKey(os.urandom(32))
RECORDS, RECEIPTS = suite.RecordKey(b"r" * 32), suite.SigningKey(b"s" * 32)
FACTS = HqFacts("https://127.0.0.1:8444", (RECORDS.public,), (RECEIPTS.public,), (b"certificate",))


@dataclass
class ModelHq:
    """What HQ holds of one box: envelopes in their order. A fork is refused, as the real one does."""

    box: bytes = b""
    held: list[bytes] = field(default_factory=list)
    tree: Checkpoint = EMPTY

    def take(self, raw: bytes) -> bool:
        """Whether it is there now, these bytes."""
        sequence = envelope.parse(raw).sequence
        if sequence <= len(self.held):
            return self.held[sequence - 1] == raw
        before = suite.digest(self.held[-1]) if self.held else envelope.NO_PREVIOUS
        if sequence != len(self.held) + 1 or envelope.parse(raw).previous != before:
            return False
        self.held.append(raw)
        self.tree = extend(self.tree, suite.digest(raw))
        return True

    def head(self) -> bytes | None:
        if not self.held:
            return None
        return receipt.issue(self.box, suite.digest(self.held[-1]), self.tree, 0, RECEIPTS)

    def records(self) -> list[Record]:
        return [one for raw in self.held for one in envelope.open_records(envelope.parse(raw), RECORDS)]


@dataclass
class History:
    """One box in a folder. `confirmed`: bodies that the store of now was told to keep."""

    folder: Path
    db: Database
    hq: ModelHq = field(default_factory=ModelHq)
    confirmed: list[bytes] = field(default_factory=list)
    copy: list[bytes] | None = None
    made: int = 0

    async def add(self) -> None:
        self.made += 1
        body = b'{"record": %d}' % self.made
        await self.db.write(lambda tx: rows.add(tx, "session_ended", body, AT))
        self.confirmed.append(body)

    async def seal(self) -> None:
        await self.db.write(lambda tx: actions.seal_next(tx, FACTS, AT))

    async def send(self) -> None:
        """Whatever is sealed goes to HQ; the receipt is lost on its way."""
        for sequence in (await self.db.read(rows.standing)).unsettled:
            raw = await self.db.read(lambda tx, sequence=sequence: rows.sealed_bytes(tx, sequence))  # type: ignore[misc]
            assert raw is not None
            if not self.hq.take(raw):
                return

    async def hear(self) -> None:
        """HQ's head comes, by line or stick."""
        head = self.hq.head()
        if head is not None:
            await self.db.write(lambda tx: actions.take_head(tx, head, FACTS, AT))
        elif await self.db.read(log.must_ask):
            await self.db.write(log.note_heard)

    async def adopt(self) -> None:
        if await self.db.read(lambda tx: log.trouble(tx) is not None or log.must_ask(tx)):
            await self.db.write(lambda tx: actions.adopt(tx, BOX, "an administrator said so", AT))

    async def cut(self) -> None:
        await self.db.close()
        await self._open()

    async def back_up(self) -> None:
        await self.db.close()
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.folder / "store", self.folder / "copy")
        self.copy = list(self.confirmed)
        await self._open()

    async def restore(self) -> None:
        if await self.image():
            permit = decide(BOX, "restore", Facts())
            await self.db.write(lambda tx: copies.restored(tx, permit, Restoration(AT, "copy", AT)))

    async def image(self) -> bool:
        """The copy in place of the store, without a mark."""
        if self.copy is None:
            return False
        await self.db.close()
        for old in self.folder.glob("store*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copytree(self.folder / "copy", self.folder / "store")
        self.confirmed = list(self.copy)
        await self._open()
        return True

    async def settle(self) -> None:
        """The line is good and a person looks after the box, until nothing waits."""
        for _ in range(200):
            await self.hear()
            if await self.db.read(log.trouble) is not None:
                await self.adopt()
            await self.seal()
            await self.send()
            if (await self.db.read(rows.standing)).queued == 0 and await self.db.read(log.trouble) is None:
                return
        raise AssertionError("it never comes to rest")

    async def _open(self) -> None:
        self.db = await Database.open(self.folder / "store", KEY)
        await self.db.write(log.skip_numbers)


STEPS = ("add", "add", "seal", "seal", "send", "hear", "adopt", "cut", "back_up", "restore", "image")


async def live(steps: list[str], folder: Path) -> None:
    history = History(folder, await Database.create(folder / "store", KEY))
    try:
        permit = decide(BOX, "enrol_box", Facts())
        await history.db.write(lambda tx: pinned.pin(tx, permit, FACTS, AT))
        history.hq.box = (await history.db.write(rows.identity)).box
        for step in steps:
            await getattr(history, step)()
        await history.settle()
        there = {(record.number, record.body) for record in history.hq.records()}
        bodies = [body for _, body in there]
        assert set(history.confirmed) <= set(bodies)
        assert len(set(bodies)) == len(bodies), "a record is there under two numbers"
        assert len({number for number, _ in there}) == len(there), "two records share a number"
    finally:
        await history.db.close()


def known(steps: str) -> list[str]:
    return steps.split()


@pytest.mark.parametrize(
    "steps",
    [
        "add seal send back_up add seal send restore add seal hear adopt add",
        "add seal send back_up add seal send image add seal send hear adopt",
        "add back_up seal send restore add seal send",  # sealed after the backup: comes again, sealed anew
        "add back_up add seal send hear restore add adopt seal send hear restore add",  # gone on with unheard, twice
        "add seal back_up send hear add seal image add seal send add",
        "back_up add seal send restore add adopt seal restore add hear adopt seal send",
    ],
)
def test_known_histories_lose_and_double_nothing(steps: str, tmp_path: Path) -> None:
    asyncio.run(live(known(steps), tmp_path))


@settings(max_examples=int(os.environ.get("HISTORIES", "10")), deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=24))
def test_any_history_loses_and_doubles_nothing(steps: list[str]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(live(steps, Path(folder)))
