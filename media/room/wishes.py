"""What each receiver could use of the pictures there are: rank, rates, and the layer that a tile has use for."""

from __future__ import annotations

from collections.abc import Sequence

from media import limits
from media.room import offers
from media.room.capacity import Demand
from media.room.floor import Floor
from media.room.layers import Wish
from media.room.roster import Roster
from media.room.tracks import DownTrack


class Wishes:
    """Of one room, for one look at it: after `begin` everything is as it was at that moment."""

    def __init__(self, roster: Roster, floor: Floor) -> None:
        self._roster, self._floor = roster, floor
        self._max_layer, self._now = limits.MAX_LAYERS - 1, 0.0
        self._rates: dict[str, tuple[int, ...]] = {}
        self._leads: set[str] = set()
        self._places: dict[str, int] = {}

    def begin(self, max_layer: int, now: float) -> None:
        self._max_layer, self._now = max_layer, now
        self._rates.clear()
        self._leads = set(self._roster.leads())
        self._places = {member: index for index, member in enumerate(self._floor.recency)}

    def ranked(self, downs: Sequence[DownTrack]) -> list[DownTrack]:
        """Who leads, then who speaks, then who spoke last, then in the order in which they came."""
        active, leads, places = self._floor.active, self._leads, self._places

        def key(down: DownTrack) -> tuple[bool, bool, int]:
            member = down.up.member
            return member not in leads, member != active, places.get(member, len(places))

        return sorted(downs, key=key)

    def of(self, down: DownTrack, place: int) -> Wish:
        """`place` is the one in `ranked`."""
        up = down.up
        if up.id not in self._rates:
            self._rates[up.id] = offers.rates(up, self._max_layer, self._now)
        rank = 1 if up.member in self._leads else 2 + place
        rank = 0 if up.member == self._floor.active else rank
        return Wish(down.number, self._rates[up.id], offers.useful(down, self._max_layer), rank)

    def demand(self, last_n: int) -> Demand:
        """What the room would take of the machine if there were no bound but last-N, less who does not count."""
        views, counted = [], self._roster.counted
        for transport in self._roster.transports.values():
            downs = [down for down in transport.downs.values() if down.up.kind == "video" and down.ready]
            downs = [down for down in downs if down.up.member in counted]
            if transport.downs and transport.member in counted:
                ranked = self.ranked(downs)[:last_n]
                views.append(tuple(offers.useful(down, limits.MAX_LAYERS - 1) for down in ranked))
        kinds = [up.kind for up in self._roster.tracks.values() if not up.paused and up.member in counted]
        return Demand(tuple(views), kinds.count("video"), kinds.count("audio"))
