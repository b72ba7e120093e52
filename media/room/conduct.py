"""Who gets what: takes each down track to the layer it should flow from, and tells the pages what that means for them.

    sound      the voices that `floor.py` forwards
    pictures   last-N by rank ──▶ what the tile has use for ──▶ what the machine allows ──▶ what the line carries

The rules are `layers.py`'s and `floor.py`'s; here they meet tracks, the forwarding plane and key-frame requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from media import limits
from media.bandwidth.limits import LAYER_BPS
from media.room import offers
from media.room.floor import Floor
from media.room.layers import Wish, sound_reserve
from media.room.roster import Roster
from media.room.tracks import DownTrack, Layer, Reason, Transport, UpTrack
from media.room.upward import ask_key_frame
from media.room.wishes import Wishes


class Conduct:
    """Of one room. What the machine has room for (`capacity.py`): the highest layer, and pictures a receiver."""

    def __init__(self, roster: Roster, floor: Floor, last_n: int) -> None:
        self._roster, self._floor, self.last_n = roster, floor, last_n
        self.max_layer, self.max_pictures = limits.MAX_LAYERS - 1, last_n
        self.wishes = Wishes(roster, floor)

    def settle_all(self, now: float) -> None:
        self.wishes.begin(self.max_layer, now)
        for transport in self._roster.transports.values():
            if transport.downs:
                self._settle(transport, now)

    def review(self, now: float) -> None:
        """The same for pictures, and only for receivers whose line has changed by much since the last look."""
        self.wishes.begin(self.max_layer, now)
        for transport in self._roster.transports.values():
            path = transport.path
            if path is not None and abs(path.bps - transport.settled_bps) > limits.MUCH * transport.settled_bps:
                self._pictures(transport, self._shown(transport), now)

    def settle_up(self, up: UpTrack, now: float) -> None:
        """After something of `up` has changed: for all who receive it."""
        for transport in {down.transport.number: down.transport for down in up.downs}.values():
            self.settle(transport, now)

    def settle(self, transport: Transport, now: float) -> None:
        """Bring every down track of one receiver in line with what is so at `now`. Twice changes nothing."""
        self.wishes.begin(self.max_layer, now)
        self._settle(transport, now)

    def _settle(self, transport: Transport, now: float) -> None:
        shown = self._shown(transport)
        for down in transport.downs.values():
            if down.up.kind == "audio":
                heard = down.ready and not down.up.paused and self._floor.forwarded(down.up)
                self._steer(down, down.up.layers[0] if heard else None, now)
            elif down not in shown:
                self._steer(down, None, now)
        self._pictures(transport, shown, now)

    def _shown(self, transport: Transport) -> list[DownTrack]:
        """The pictures that could be sent to this receiver."""
        pictures = [down for down in transport.downs.values() if down.up.kind == "video" and down.ready]
        return [down for down in pictures if down.width and down.height and not down.up.paused]

    def _pictures(self, transport: Transport, downs: list[DownTrack], now: float) -> None:
        ranked = self.wishes.ranked(downs)
        for down in ranked[self.last_n :]:
            self._pause(down, "lastN", now)
        most = min(self.last_n, self.max_pictures)
        for down in ranked[most : self.last_n]:
            self._pause(down, "capacity", now)
        chosen = ranked[:most]
        wishes = [self.wishes.of(down, place) for place, down in enumerate(chosen)]
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
        sound = float(self._sound(transport))
        path.unreported = sound
        transport.settled_bps = path.bps
        transport.best = sound + sum(max(wish.layers[: wish.wanted + 1], default=0) for wish in wishes)
        return dict(allocation.decide(path.bps - path.unreported, wishes, now))

    def _sound(self, transport: Transport) -> int:
        """Bits per second of the voices that this receiver gets now."""
        return sound_reserve(sum(d.up.kind == "audio" and d.aimed is not None for d in transport.downs.values()))

    def bound(self, transport: Transport) -> int | None:
        """Bits per second that this sender's pictures may take, where the machine has no room for all of them.

        Only for who sends one layer: the others are told by `layersWanted`.
        """
        pictures = [up for up in transport.ups.values() if up.kind == "video"]
        if self.max_layer >= limits.MAX_LAYERS - 1 or not any(len(up.layers) == 1 for up in pictures):
            return None
        return len(pictures) * LAYER_BPS[max(0, self.max_layer)]

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
