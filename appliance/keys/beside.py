"""The same calls as the control client's for key slots, on the store of a box that does not run.

Whoever opens it with a working secret may do here what an administrator may at the console; the audit says `box`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from appliance.clock import now_text
from appliance.control import types
from appliance.control.keys import check_hq, wire
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.outbox.headquarters import record_key
from appliance.policy import BOX
from appliance.store import sheet
from appliance.store.database import Database
from appliance.store.keyslots import Opened


class Beside:
    """What `ControlClient` has for keys."""

    def __init__(self, db: Database, keeper: Keeper) -> None:
        self._db, self._keeper = db, keeper

    async def keys(self) -> types.Keys:
        return wire(await self._keeper.list(BOX, now_text()), self._keeper.rekey_seconds(), await self._hq())

    async def add_passphrase(self, passphrase: str, label: str = "") -> str:
        return await self._keeper.add_passphrase(BOX, passphrase, label, now_text())

    async def add_sheet(self, language: Literal["en", "es"], label: str = "") -> types.Sheet:
        made = await self._keeper.add_sheet(BOX, language, label, now_text())
        return types.Sheet(id=made.slot, words=made.words, code=sheet.code(made.words))

    async def add_hq(self, code: str) -> str:
        public = await self._hq()
        if public is None:
            raise Fault("not_enrolled")
        check_hq(public, code)
        return await self._keeper.add_public(BOX, "hq", public, "", now_text())

    async def add_machine(self, public: bytes, label: str = "") -> str:
        return await self._keeper.add_public(BOX, "machine", public, label, now_text())

    async def try_key(self, slot: str, secret: str) -> None:
        await self._keeper.try_out(BOX, slot, secret, now_text())

    async def rotate_key(self, slot: str, passphrase: str) -> None:
        await self._keeper.rotate(BOX, slot, passphrase, now_text())

    async def remove_key(self, slot: str) -> None:
        await self._keeper.remove(BOX, slot, now_text())

    async def rekey(self) -> float:
        return await self._keeper.rekey(BOX, now_text())

    async def _hq(self) -> bytes | None:
        return await self._db.read(record_key)


@asynccontextmanager
async def beside(home: Home, opened: Opened) -> AsyncIterator[Beside]:
    """The store open, in this process alone: the caller holds the home's lock. Faults: those of the store."""
    db = await Database.open(home.store, opened.key)
    try:
        keeper = Keeper(home.store, db, opened.key, opened.number)
        await keeper.reconcile(now_text(), opened.slot)
        yield Beside(db, keeper)
    finally:
        await db.close()
