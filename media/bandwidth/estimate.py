"""What the path to one receiver carries (after draft-ietf-rmcat-gcc-02): one number, `bps`."""

from __future__ import annotations

from collections.abc import Sequence

from media.bandwidth.twcc import Feedback


class PathEstimate:
    """`bps` is the target for everything that is sent to this receiver, in bits of RTP packets per second.

    `unreported` is to be set to what is sent without a transport-wide number (sound: `layers.sound_reserve`): feedback
    does not show it, so it is added to what feedback shows.
    """

    def __init__(self, now: float) -> None:
        self.bps = 0
        self.unreported = 0.0

    def departures(self, packets: Sequence[tuple[int, int, int]]) -> None:
        """(transport-wide number, bytes, nanoseconds) as Plane.departures gives them; before `feedback` and `probe`."""
        raise NotImplementedError

    def feedback(self, feedback: Feedback, now: float) -> None: ...

    def report(self, fraction_lost: int, rtt: float | None, now: float) -> None:
        """From a receiver report: loss in 1/256, round trip in seconds."""
        raise NotImplementedError

    def remb(self, bps: int, now: float) -> None:
        raise NotImplementedError

    def probe(self, now: float, wanted: float) -> int:
        """Call each tick, at least each 50 ms: number of probe packets to send now (`Plane.probe`), most often 0.

        `wanted` is what all wishes of this receiver would take at their best, sound included: nobody probes further.
        Also ages the estimate when no feedback comes.
        """
        raise NotImplementedError
