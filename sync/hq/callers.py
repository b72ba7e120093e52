"""Who is at the other end of a request, and whether they are let in, how often, and how many at a time.

The client certificate says which box it is; the box's card says whether HQ knows it and still lets it in. A card is
believed for CARD_SECONDS: a revocation shuts a box out of every server within twice that time, and ends its streams.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from aiohttp import web

from sync import keys
from sync.faults import SyncFault
from sync.hq.cards import Card, Cards
from sync.hq.certificate import box_of_certificate
from sync.hq.limits import Tries
from sync.keys import BoxFacts

CARD_SECONDS = 30.0  # for which a card is believed
CARDS_KEPT = 4096  # in memory, about 4 KB each
REQUESTS_PER_BOX = (
    120  # a minute. A courier on a line that breaks every 5 s opens 12 streams, several beside each other
)
STREAMS_PER_BOX = 4  # a courier on a dying line opens new ones beside it. One more ends the oldest


class Callers:
    """One server's. `now`: monotonic seconds; `clock`: the date that certificates are held against."""

    def __init__(
        self, cards: Cards, *, now: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time
    ) -> None:
        self._cards = cards
        self._now = now
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Card]] = OrderedDict()
        self._tries = Tries(REQUESTS_PER_BOX, lambda: datetime.now(UTC))
        self._streams: dict[bytes, list[asyncio.Event]] = {}

    async def admitted(self, request: web.Request) -> BoxFacts:
        """The box of a request below /v1/boxes/<box>/. Who has no certificate learns nothing of who is enrolled.

        Faults: `no_certificate`, `certificate_ended`, `other_certificate`, `unknown_box`, `box_revoked`, `busy`.
        """
        peer = None if request.transport is None else request.transport.get_extra_info("peercert")
        certified = box_of_certificate(peer, self._clock())
        if certified is None:
            raise SyncFault("no_certificate")
        if certified != keys.box_from_text(request.match_info["box"]):
            raise SyncFault("other_certificate")
        try:
            self._tries.count(certified.hex())
        except SyncFault:
            raise SyncFault("busy") from None
        return await self.known(certified)

    async def known(self, box: bytes) -> BoxFacts:
        """The facts of a box that is let in; `unknown_box`, `box_revoked`."""
        card = await self._card(box)
        if card is None:
            raise SyncFault("unknown_box")
        if card.revoked:
            raise SyncFault("box_revoked")
        return card.facts

    @contextmanager
    def streaming(self, box: bytes) -> Iterator[asyncio.Event]:
        """A stream's place. The event is set when it must make room for a newer one of the same box."""
        mine, others = asyncio.Event(), self._streams.setdefault(box, [])
        others.append(mine)
        if len(others) > STREAMS_PER_BOX:
            others.pop(0).set()
        try:
            yield mine
        finally:
            if mine in others:
                others.remove(mine)
            if not others:
                self._streams.pop(box, None)

    async def _card(self, box: bytes) -> Card | None:
        read_at, card = self._kept.get(box, (float("-inf"), None))
        if card is None or self._now() - read_at > CARD_SECONDS:
            self._kept.pop(box, None)
            card = await self._cards.get(box)
            if card is not None:  # who is not known is asked about anew: enrolling takes effect at once
                self._kept[box] = (self._now(), card)
                if len(self._kept) > CARDS_KEPT:
                    self._kept.popitem(last=False)
        return card
