"""Beside the stream, at any time: what the appliance asks for (`mailman.py`), and the packs that HQ told of."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from sync import keys, receipt
from sync.courier import freight, mailman
from sync.courier.line import Way
from sync.courier.talk import LOOK_SECONDS, Desk
from sync.faults import SyncFault

PACKS_AHEAD = 16  # fetched and not applied
PACK_AGAIN_SECONDS, PACK_LATEST_SECONDS = 30.0, 3600.0  # after one that did not come: doubles
PACK_BYTES = 8_000  # that a connection of its own costs

_log = logging.getLogger("hearth.courier")


class Errands:
    """`way`: how HQ is reached as of the last hq.json; None before there is one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._spool = desk.spool
        self.way: Way | None = None
        self._unsaid: dict[str, dict[str, object]] = {}  # answers that did not get into the spool yet
        self._pack_at = 0.0  # not before
        self._pack_faults = 0
        self.looked = False  # whether somebody has looked for hq.json yet: before that nothing is answered

    async def run(self) -> None:
        """Look after both until cancelled."""
        while True:
            with suppress(OSError):
                if not self.looked:
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                names = await asyncio.to_thread(mailman.asks, self._spool.root)
                self._unsaid = {name: said for name, said in self._unsaid.items() if name in names}
                for name in names:
                    await self._answer(name, self.way)
                if self.way is not None:
                    await self._fetch_pack(self.way)
            await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, name: str, way: Way | None) -> None:
        """Ask once: an answer that the disk does not take is kept, not asked for again."""
        if name not in self._unsaid:
            self._unsaid[name] = await self._carry(name, way)
        await asyncio.to_thread(mailman.answer, self._spool.root, name, self._unsaid[name])
        del self._unsaid[name]

    async def _carry(self, name: str, way: Way | None) -> dict[str, object]:
        root, spend = self._spool.root, self._desk.purse.spend
        try:
            asked = await asyncio.to_thread(mailman.read, root, name)
            return await (self._head(asked, way) if name == mailman.HEAD else mailman.post(asked, way, spend))
        except SyncFault as fault:
            return {"fault": fault.code}
        except OSError:
            return {"fault": "spool_failed"}

    async def _head(self, asked: mailman.Ask, way: Way | None) -> dict[str, object]:
        box = keys.box_from_text(asked.box)
        if way is None or box is None:
            return {"fault": "hq_unreachable"}
        raw = await mailman.head(way, box, self._desk.purse.spend)
        if raw is None:
            return {"status": 204, "body": ""}
        size = receipt.parse(raw).size
        await asyncio.to_thread(self._spool.put_receipt, size, raw)
        return {"status": 200, "body": "", "size": size}

    async def _fetch_pack(self, way: Way) -> None:
        """The next pack, if HQ told of it: in order, PACKS_AHEAD at most before they are applied.

        What does not come now is asked for when HQ tells of it again, at first after half a minute, then ever later.
        """
        desk = self._desk
        if (
            not desk.packs
            or desk.now() < self._pack_at
            or not way.facts.pack_keys
            or desk.purse.held(PACK_BYTES, urgent=False)
        ):
            return
        box = await asyncio.to_thread(freight.box_id, self._spool)
        number = await asyncio.to_thread(freight.next_pack, self._spool)
        if box is None or number > desk.packs or number > freight.applied(self._spool) + PACKS_AHEAD:
            return
        try:
            raw = await mailman.fetch_pack(way, box, number, desk.purse.spend)
            if raw is not None:
                await asyncio.to_thread(freight.put_pack, self._spool, number, raw)
                self._pack_faults = 0
                return
        except SyncFault as fault:
            _log.warning("pack %d did not come: %s", number, fault.code)
        except OSError:
            _log.warning("pack %d did not come: spool_failed", number)
        desk.packs = 0
        self._pack_at = desk.now() + min(PACK_LATEST_SECONDS, PACK_AGAIN_SECONDS * 2.0 ** min(self._pack_faults, 16))
        self._pack_faults += 1
