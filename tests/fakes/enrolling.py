"""A box that enrols: real store, real spool, and its post carried by hand, so that each test says who answers when."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.enrolment.desk import Desk
from appliance.enrolment.enroller import Enroller, State
from appliance.identity import actions as identity
from appliance.outbox import pinned
from appliance.policy import BOX, Actor
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync.courier import mailman, own_key
from sync.hq import codes
from sync.hq import folder as hq_folder
from sync.hq.objects import open_objects
from sync.keys import BoxFacts, HqFacts
from sync.spool import Spool
from tests.fakes.box import PHC
from tests.fakes.parties import AT

Post = Callable[[mailman.Ask], Awaitable[dict[str, Any]]]


@dataclass
class EnrollingBox:
    """`now` is the monotonic clock that decides retries."""

    db: Database
    spool: Spool
    enroller: Enroller
    administrator: Actor
    seconds: list[float] = field(default_factory=lambda: [0.0])

    async def carried(self, post: Post | None = None) -> None:
        """One round of the box, of its courier, and of the box again."""
        await self.enroller.look()
        for name in mailman.asks(self.spool.root):
            ask = mailman.read(self.spool.root, name)
            mailman.answer(self.spool.root, name, await (post(ask) if post else mailman.post(ask, None)))
        await self.enroller.look()

    async def enrol(self, hq: HqFacts, code: str, post: Post | None = None) -> State:
        """Type address and code, and have it carried."""
        await self.enroller.enrol(self.administrator, hq.url, code)
        await self.carried(post)
        return await self.enroller.state()

    def later(self, seconds: float) -> None:
        self.seconds[0] += seconds

    async def facts(self) -> BoxFacts:
        return await self.db.write(pinned.box_facts)

    async def hq(self) -> HqFacts | None:
        """What the store has pinned."""
        return await self.db.read(pinned.pinned)

    def certificate(self) -> bytes | None:
        file = self.spool.root / "tls" / "courier.pem"
        return file.read_bytes() if file.exists() else None


@asynccontextmanager
async def enrolling_box(folder: Path) -> AsyncIterator[EnrollingBox]:
    """A box with an administrator and a courier's key, which knows no HQ."""
    db = await Database.create(folder / "store", StoreKey(os.urandom(32)))
    spool = Spool(folder / "spool")
    spool.prepare("in")
    own_key.prepare(folder / "spool" / "tls")
    seconds = [0.0]
    enroller = Enroller(db, Desk(spool.root), "0.5.0", lambda: None, now=lambda: seconds[0])
    person = await db.write(lambda tx: identity.appoint(tx, BOX, "Ruth Stone", "ruth", "administrator", PHC, AT))
    try:
        yield EnrollingBox(db, spool, enroller, Actor(person, "administrator", "console"), seconds)
    finally:
        await db.close()


async def new_code(
    hq: Path, name: str = "Clinic at the lake", replaces: bytes = b"", now: datetime | None = None
) -> str:
    """What `hq enroll --name` prints."""
    made, _ = await codes.make(open_objects(hq), hq_folder.codes_key(hq), name, replaces, now or datetime.now(UTC))
    return made
