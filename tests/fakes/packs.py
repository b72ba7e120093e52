"""Headquarters as a box meets it in packs: keys in a folder, the publisher's own code, files handed into the spool."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import now_text
from appliance.outbox import pinned
from appliance.packs.actions import Applier
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database, Transaction
from sync import pack
from sync.content import Record
from sync.envelope import NO_PREVIOUS
from sync.hq import folder as hq_folder
from sync.hq import publish
from sync.hq.objects import numbered_path, open_objects
from sync.hq.publish import Published, Ready
from sync.items import Item
from sync.keys import BoxFacts
from tests.fakes.parties import make_hq

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)


@dataclass
class Office:
    """An HQ that knows one box, and that box's spool."""

    folder: Path
    spool: Path
    box: BoxFacts
    db: Database
    ended: list[str] = field(default_factory=list)  # persons whose logins the applier ended
    renewed: int = 0
    changes: int = 0

    def applier(self) -> Applier:
        """A fresh one, as after a start of the appliance."""

        async def ended(person: str) -> None:
            self.ended.append(person)

        async def certificate() -> None:
            self.renewed += 1

        def changed() -> None:
            self.changes += 1

        return Applier(self.db, self.spool, on_change=changed, ended=ended, certificate=certificate)

    async def publish(self, *some: Item | Ready) -> Published:
        """Make packs of these."""
        ready = [one if isinstance(one, Ready) else Ready(one) for one in some]
        (made,) = await publish.publish(self.folder, [self.box], ready, lambda: NOW)
        return made

    async def raw(self, number: int) -> bytes:
        found = await open_objects(self.folder).get(numbered_path("packs", self.box.box, number))
        assert found is not None
        return found

    async def bring(self, *numbers: int) -> None:
        """Put these packs into the spool, as the courier does."""
        for number in numbers:
            self.put(number, await self.raw(number))

    def put(self, number: int, raw: bytes) -> None:
        (self.spool / "down").mkdir(parents=True, exist_ok=True)
        (self.spool / "down" / f"{number:016d}.pack").write_bytes(raw)

    def waiting_files(self) -> Sequence[str]:
        return sorted(one.name for one in (self.spool / "down").glob("*.pack"))

    async def send(self, *some: Item | Ready) -> Applier:
        """Publish, bring and apply."""
        made = await self.publish(*some)
        await self.bring(*range(made.first, made.last + 1))
        running = self.applier()
        await running.look()
        return running

    def sealed(self, records: Sequence[Record], number: int = 1, previous: bytes = NO_PREVIOUS) -> bytes:
        """A pack with whatever records, signed by this HQ."""
        return pack.seal(
            records,
            kind=pack.ITEMS,
            box=self.box.box,
            number=number,
            previous=previous,
            inbox_key=self.box.inbox_key,
            signing_key=hq_folder.pack_signing_key(self.folder),
            at=1,
        )


async def open_office(db: Database, folder: Path) -> Office:
    """An HQ in `folder`/hq that the box of `db` has pinned and that knows the box."""
    hq = make_hq(folder / "hq")

    def work(tx: Transaction) -> BoxFacts:
        pinned.pin(tx, decide(BOX, "enrol_box", Facts()), hq, now_text())
        return pinned.box_facts(tx)

    box = await db.write(work)
    hq_folder.enroll(folder / "hq", box)
    (folder / "spool" / "down").mkdir(parents=True)
    return Office(folder / "hq", folder / "spool", box, db)
