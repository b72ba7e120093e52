"""What a room does of its own accord as time passes: each duty has its interval, one pulse runs those that are due."""

from __future__ import annotations

from collections.abc import Callable

from media import limits
from media.bandwidth.limits import FEEDBACK_INTERVAL
from media.plane.interface import Out
from media.room.conduct import Conduct
from media.room.floor import Floor
from media.room.offers import tell_wanted
from media.room.roster import Roster
from media.room.tracks import DownTrack, Transport
from media.room.upward import answer_numbers, ask_key_frame, bound, report

# Part of a pulse by which a duty may be early: timers fire a little before or after their time.
_SLACK = 0.1 * limits.PULSE


class Duties:
    """Of one room. Times are monotonic seconds."""

    def __init__(self, roster: Roster, conduct: Conduct, floor: Floor) -> None:
        self._roster, self._conduct, self._floor = roster, conduct, floor
        # Whether `probe` is to be called each PROBE_STEP.
        self.probing = False
        # In this order: what was measured is there before it is used.
        self._duties: list[tuple[float, Callable[[float], None]]] = [
            (limits.MEASURE_INTERVAL, self._measure),
            (limits.SETTLE_INTERVAL, self._settle),
            (limits.REVIEW_INTERVAL, self._conduct.review),
            (0.0, self._ask_key_frames),
            (FEEDBACK_INTERVAL, self._answer_numbers),
            (limits.REPORT_INTERVAL, self._report),
            (limits.TALK_TIME_INTERVAL, lambda now: floor.tell_talk_time()),
        ]
        self._due = [0.0] * len(self._duties)

    def run(self, now: float) -> list[Out]:
        """What is due at `now`. Probes of paths are returned, everything else goes to the room's outputs."""
        for index, (interval, duty) in enumerate(self._duties):
            if now >= self._due[index] - _SLACK:
                self._due[index] = now + interval
                duty(now)
        return self.probe(now)

    def _ready(self) -> list[Transport]:
        return [transport for transport in self._roster.transports.values() if transport.state == "ready"]

    def _measure(self, now: float) -> None:
        for layer in self._roster.streams.values():
            if layer.up.kind == "video":
                layer.statistics.measure(self._roster.plane.received(layer.number), now)

    def _settle(self, now: float) -> None:
        self._conduct.settle_all(now)
        tell_wanted(self._roster, self._conduct.max_layer, now)

    def _ask_key_frames(self, now: float) -> None:
        for layer in self._roster.streams.values():
            if layer.key_frames is not None and layer.key_frames.deadline is not None:
                ask_key_frame(self._roster, layer, now)

    def _answer_numbers(self, now: float) -> None:
        for transport in self._ready():
            answer_numbers(self._roster, transport)

    def _report(self, now: float) -> None:
        for transport in self._ready():
            report(self._roster, transport, now)
            bps = self._conduct.bound(transport)
            if bps is not None:
                bound(self._roster, transport, bps)

    def probe(self, now: float) -> list[Out]:
        """Padding on one picture, if there is one on one that flows, as much as the estimate of the path asks for."""
        probes: list[Out] = []
        self.probing = False
        for transport in self._ready():
            if transport.path is None:
                continue
            if transport.path.waits(now, transport.best):
                transport.path.departed(self._roster.plane.departed(transport.number))
            packets = transport.path.probe(now, transport.best)
            self.probing = self.probing or transport.path.probing
            carrier = _carrier(transport) if packets else None
            if carrier is not None:
                probes += self._roster.plane.probe(carrier.number, packets, int(now * 1e9))
        return probes


def _carrier(transport: Transport) -> DownTrack | None:
    able = [down for down in transport.downs.values() if down.ability.transport_sequence and down.ready]
    return next((down for down in able if down.aimed is not None), able[0] if able else None)
