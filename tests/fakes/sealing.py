"""The outbox of a box without a Forwarder: seals everything that waits when a stick asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.clock import now_text
from appliance.outbox import actions
from appliance.outbox.pinned import pinned
from appliance.outbox.rows import OutboxRows, identity
from appliance.policy import Actor
from appliance.store.database import Database, Transaction
from sync import outbox
from sync.outbox import Sealed


class Sealing:
    """`sticks.carrying.Outbox` over an open store. `woken`: how often it was told to look."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.woken = 0

    async def seal_all(self) -> int:
        made = 0
        while await self._db.write(_seal_next):
            made += 1
        return made

    def wake(self) -> None:
        self.woken += 1

    async def adopt(self, actor: Actor, reason: str) -> object:
        return await self._db.write(lambda tx: actions.adopt(tx, actor, reason, now_text()))


class _AllAtOnce(OutboxRows):
    """Without the limit of what may be on the way."""

    def unsettled(self) -> Sequence[Sealed]:
        return ()


def _seal_next(tx: Transaction) -> bool:
    hq = pinned(tx)
    sealed = outbox.seal_next(_AllAtOnce(tx), identity(tx), hq, now_text()) if hq else None
    return sealed is not None
