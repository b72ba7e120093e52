"""Who gets what: takes each down track to the layer it should flow from, and tells the pages what that means for them.

    sound      the voices that `floor.py` forwards
    pictures   last-N by rank ──▶ what the tile has use for ──▶ what the machine allows ──▶ what the line carries

The rules are `layers.py`'s and `floor.py`'s; here they meet tracks, the forwarding plane and key-frame requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from media import limits, offers
from media.bandwidth.limits import LAYER_BPS
from media.capacity import Demand
from media.floor import Floor
from media.layers import Wish, sound_reserve
from media.roster import Roster
from media.tracks import DownTrack, Layer, Reason, Transport, UpTrack
from media.upward import ask_key_frame


class Conduct:
    """Of one room. What the machine has room for (`media/capacity.py`): the highest layer, and pictures a receiver."""

    def __init__(self, roster: Roster, floor: Floor, last_n: int) -> None:
        self._roster, self._floor, self._last_n = roster, floor, last_n
        self.max_layer, self.max_pictures = limits.MAX_LAYERS - 1, last_n

    def settle_all(self, now: float) -> None:
        for transport in self._roster.transports.values():
            if transport.downs:
                self.settle(transport, now)

    def settle_up(self, up: UpTrack, now: float) -> None:
        """After something of `up` has changed: for all who receive it."""
        for transport in {down.transport.number: down.transport for down in up.downs}.values():
            self.settle(transport, now)

    def settle(self, transport: Transport, now: float) -> None:
        """Bring every down track of one receiver in line with what is so at `now`. Twice changes nothing."""
        pictures = []
        for down in transport.downs.values():
            able = down.ready and not down.up.paused
            if down.up.kind == "audio":
                self._steer(down, down.up.layers[0] if able and self._floor.forwarded(down.up) else None, now)
            elif able and down.width and down.height:
                pictures.append(down)
            else:
                self._steer(down, None, now)
        self._pictures(transport, pictures, now)

    def _pictures(self, transport: Transport, downs: list[DownTrack], now: float) -> None:
        ranked = self.ranked(downs)
        for down in ranked[self._last_n :]:
            self._pause(down, "lastN", now)
        most = min(self._last_n, self.max_pictures)
        for down in ranked[most : self._last_n]:
            self._pause(down, "capacity", now)
        chosen = ranked[:most]
        wishes = [self._wish(down, place, now) for place, down in enumerate(chosen)]
        given = self._divide(transport, wishes, now)
        for down in chosen:
            index = given.get(down.number)
            if index is None:
                self._pause(down, "line", now)
            else:
                self._give(down, index, now)

    def _divide(self, transport: Transport, wishes: Sequence[Wish], now: float) -> dict[int, int | None]:
        path, allocation = transport.path, transport.allocation
        if path is None or allocation is None:
            return {wish.down: max(wish.wanted, 0) for wish in wishes}
        path.unreported = float(self._sound(transport))
        return dict(allocation.decide(path.bps - path.unreported, wishes, now))

    def _sound(self, transport: Transport) -> int:
        """Bits per second of the voices that this receiver gets now."""
        return sound_reserve(sum(d.up.kind == "audio" and d.aimed is not None for d in transport.downs.values()))

    def best(self, transport: Transport, now: float) -> float:
        """What this receiver's wishes would take with no bound on the line: nobody needs to probe further."""
        downs = [down for down in transport.downs.values() if down.up.kind == "video" and down.ready]
        shown = [down for down in downs if down.aimed is not None or down.paused_for == "line"]
        wishes = [self._wish(down, 0, now) for down in shown]
        return self._sound(transport) + sum(max(wish.layers[: wish.wanted + 1], default=0) for wish in wishes)

    def demand(self) -> Demand:
        """What the room would take of the machine if there were no bound but last-N, less who does not count."""
        views, counted = [], self._roster.counted
        for transport in self._roster.transports.values():
            downs = [down for down in transport.downs.values() if down.up.kind == "video" and down.ready]
            downs = [down for down in downs if down.up.member in counted]
            if transport.downs and transport.member in counted:
                ranked = self.ranked(downs)[: self._last_n]
                views.append(tuple(offers.useful(down, limits.MAX_LAYERS - 1) for down in ranked))
        kinds = [up.kind for up in self._roster.tracks.values() if not up.paused and up.member in counted]
        return Demand(tuple(views), kinds.count("video"), kinds.count("audio"))

    def bound(self, transport: Transport) -> int | None:
        """Bits per second that this sender's pictures may take, where the machine has no room for all of them.

        Only for who sends one layer: the others are told by `layersWanted`.
        """
        pictures = [up for up in transport.ups.values() if up.kind == "video"]
        if self.max_layer >= limits.MAX_LAYERS - 1 or not any(len(up.layers) == 1 for up in pictures):
            return None
        return len(pictures) * LAYER_BPS[max(0, self.max_layer)]

    # --- ranks and wishes --------------------------------------------------------------------------------------------

    def ranked(self, downs: Sequence[DownTrack]) -> list[DownTrack]:
        """Who leads, then who speaks, then who spoke last, then in the order in which they came."""
        place = {member: index for index, member in enumerate(self._floor.recency)}
        active, leads = self._floor.active, set(self._roster.leads())

        def key(down: DownTrack) -> tuple[bool, bool, int]:
            member = down.up.member
            return member not in leads, member != active, place.get(member, len(place))

        return sorted(downs, key=key)

    def _wish(self, down: DownTrack, place: int, now: float) -> Wish:
        up = down.up
        rates = offers.rates(up, self.max_layer, now)
        rank = 1 if self._roster.permission(up.member).leads else 2 + place
        rank = 0 if up.member == self._floor.active else rank
        return Wish(down.number, rates, offers.useful(down, self.max_layer), rank)

    # --- what follows ------------------------------------------------------------------------------------------------

    def _give(self, down: DownTrack, index: int, now: float) -> None:
        # The layer below would do for the tile: then no hurry. The line does not carry what it has: at once.
        aimed = down.aimed
        hurry = aimed is not None and index < aimed.index and offers.useful(down, self.max_layer) >= aimed.index
        self._steer(down, down.up.layers[index], now, at_once=hurry)
        if down.paused_for is not None:
            down.paused_for = None
            self._say(down, "downTrackResumed")

    def _pause(self, down: DownTrack, reason: Reason, now: float) -> None:
        self._steer(down, None, now)
        if down.paused_for != reason:
            down.paused_for = reason
            self._say(down, "downTrackPaused", reason)

    def _say(self, down: DownTrack, event: offers.DownEvent, reason: Reason | None = None) -> None:
        data = {"downTrack": down.id, "track": down.up.id}
        self._roster.tell(down.transport.member, event, data | ({"reason": reason} if reason else {}))

    def _steer(self, down: DownTrack, layer: Layer | None, now: float, *, at_once: bool = False) -> None:
        """A layer whose SSRC nobody has seen yet is waited for."""
        if layer is not None and layer.ssrc is None:
            layer = None
        if down.aimed is layer:
            return
        before, down.aimed = down.aimed, layer
        plane = self._roster.plane
        plane.aim(down.number, layer.number if layer is not None else None, at_once=at_once)
        if before is not None and before.key_frames is not None and not any(d.aimed is before for d in before.up.downs):
            before.key_frames.seen()
        if layer is not None and layer.key_frames is not None and plane.flowing(down.number) != layer.number:
            layer.key_frames.want(now, urgent=at_once)
            ask_key_frame(self._roster, layer, now)
