"""The relay's own time: one pulse for all rooms while anything can flow, quicker looks while something is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from media import limits
from media.bandwidth.limits import PROBE_STEP
from media.plane.interface import Level, Out, Plane
from media.room.capacity import Sharing
from media.room.room import Room
from media.room.roster import Numbers
from media.room.upward import ask_again


class Pulse:
    """Times are monotonic seconds. `rooms` is the caller's, and changes."""

    def __init__(self, rooms: Mapping[str, Room], numbers: Numbers, plane: Plane, sharing: Sharing) -> None:
        self._rooms, self._numbers, self._plane, self._sharing = rooms, numbers, plane, sharing
        self._pulse_at = self._share_at = 0.0
        self._lacking_at: float | None = None
        self._probe_at: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `tick` has to be called next; None while nothing can flow."""
        if not any(room.active for room in self._rooms.values()):
            return None
        return min(at for at in (self._pulse_at, self._lacking_at, self._probe_at) if at is not None)

    def lacks(self, now: float) -> None:
        """The plane misses a packet since just now: look as soon as it has had its time to come."""
        self._lacking_at = now + limits.LACK_PATIENCE / 1e9

    def tick(self, now: float) -> list[Out]:
        """Do what is due at `now`; returns probes of paths."""
        sent: list[Out] = []
        self._ask_again(now)
        if now >= self._pulse_at - limits.PULSE / 10:
            self._pulse_at = now + limits.PULSE
            self._share_capacity(now)
            self._hear(now)
            for room in self._rooms.values():
                if room.active:
                    sent += room.duties.run(now)
        elif self._probe_at is not None and now >= self._probe_at:
            for room in self._rooms.values():
                if room.duties.probing:
                    sent += room.duties.probe(now)
        probing = any(room.duties.probing for room in self._rooms.values())
        self._probe_at = now + PROBE_STEP if probing else None
        return sent

    def _ask_again(self, now: float) -> None:
        for stream, lost in self._plane.missing(int(now * 1e9)):
            room = self._rooms.get(self._numbers.room(stream) or "")
            if room is not None:
                ask_again(room.roster, stream, lost)
        self._lacking_at = now + limits.LACK_LOOK if self._plane.lacks() else None

    def _hear(self, now: float) -> None:
        levels: dict[str, list[Level]] = defaultdict(list)
        for level in self._plane.levels():
            levels[self._numbers.room(level.stream) or ""].append(level)
        for name, room in self._rooms.items():
            if room.active and room.floor.hear(levels.get(name, ()), now):
                room.conduct.settle_all(now)
            room.floor.tell(now)

    def _share_capacity(self, now: float) -> None:
        if not self._sharing.budget.known or now < self._share_at:
            return
        self._share_at = now + limits.SETTLE_INTERVAL
        shares = self._sharing.decide({name: room.demand() for name, room in self._rooms.items()}, now)
        for name, share in shares.items():
            conduct = self._rooms[name].conduct
            conduct.max_layer, conduct.max_pictures = share.layer, share.pictures
