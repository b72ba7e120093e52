"""What is known of one layer from the plane's counts: the report its sender gets, and what it takes on a line.

The relay writes receiver reports itself, so that a sender measures the path to the relay and not to some receiver. Of
sound the loss fraction is combined with the worst receiver's: Opus adapts its error correction to what it hears
(RFC 6716 section 2.1.7), and that has to last until the ear, not just until the relay.
"""

from __future__ import annotations

from media import limits
from media.plane.interface import Received
from media.rtcp import ReportBlock, SenderReport


def combined(first: int, second: int) -> int:
    """Loss fractions (1/256) of two hops one after the other: what arrives has survived both."""
    return 256 - (256 - first) * (256 - second) // 256 if first and second else first or second


class LayerStatistics:
    """Times are monotonic seconds. `bps` is what the layer takes, smoothed; 0 before it was measured."""

    __slots__ = ("_measured", "_measured_at", "_reported", "_sr", "_sr_at", "bps", "heard_at")

    def __init__(self) -> None:
        self._reported: Received | None = None
        self._sr, self._sr_at = 0, 0.0
        self._measured: Received | None = None
        self._measured_at = 0.0
        self.bps = 0.0
        # When a packet was last known to have come; None before the first.
        self.heard_at: float | None = None

    def measure(self, received: Received | None, now: float) -> None:
        """Look at the counts at `now`; between two looks should be MEASURE_INTERVAL or more."""
        before, elapsed = self._measured, now - self._measured_at
        self._measured, self._measured_at = received, now
        if received is None:
            return
        if before is None or received.packets != before.packets:
            self.heard_at = now
        if before is not None and elapsed > 0:
            rate = 8 * (received.octets - before.octets + limits.PACKET_OVERHEAD * (received.packets - before.packets))
            rate_now = rate / elapsed
            # Up quickly, down slowly: a picture that is still for a moment takes what it took before soon again.
            share = 0.5 if rate_now > self.bps else 0.1
            self.bps = self.bps + share * (rate_now - self.bps) if self.bps else rate_now

    def heard(self, now: float) -> bool:
        """Whether packets have come within LAYER_SILENT."""
        return self.heard_at is not None and now - self.heard_at < limits.LAYER_SILENT

    def sender_report(self, report: SenderReport, now: float) -> None:
        """Remember when the sender's clock was heard: middle 32 bits of its NTP time."""
        self._sr = report.ntp >> 16 & 0xFFFFFFFF
        self._sr_at = now

    def block(self, ssrc: int, received: Received | None, downstream: int, now: float) -> ReportBlock | None:
        """RFC 3550 section 6.4.1, or None before the first packet. Starts the next interval's loss fraction.

        `downstream` is the worst receiver's fraction, 0 if it is not to be counted.
        """
        if received is None:
            return None
        before = self._reported
        expected = received.highest - received.first + 1
        interval = expected - (before.highest - before.first + 1 if before is not None else 0)
        missed = interval - (received.packets - (before.packets if before is not None else 0))
        self._reported = received
        fraction = min(255, (missed << 8) // interval) if interval > 0 and missed > 0 else 0
        lost = max(-0x800000, min(0x7FFFFF, expected - received.packets))
        delay = int((now - self._sr_at) * 65536) & 0xFFFFFFFF if self._sr else 0
        highest = (received.highest - 0x10000) & 0xFFFFFFFF
        jitter = min(received.jitter, 0xFFFFFFFF)
        return ReportBlock(ssrc, min(255, combined(fraction, downstream)), lost, highest, jitter, self._sr, delay)
