"""What the relay tells a sender about its track: loss, jitter, the echo of its clock (RFC 3550 6.4, A.3, A.8).

The relay writes these reports itself, so that a sender measures the path to the relay and not to some receiver.
"""

from __future__ import annotations

from media.rewrite import extend
from media.rtcp import ReportBlock, SenderReport


class ReceiveStatistics:
    """Counts of one up track. `highest` is the highest extended sequence number, 0 before the first packet."""

    __slots__ = (
        "_base",
        "_clock_rate",
        "_expected_before",
        "_jitter",
        "_last_report",
        "_received_before",
        "_report_at",
        "_transit",
        "highest",
        "received",
    )

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._base = self._expected_before = self._received_before = 0
        self._jitter, self._transit = 0.0, 0.0
        self._last_report, self._report_at = 0, 0.0
        self.highest = self.received = 0

    def packet(self, sequence: int, timestamp: int, now: float) -> int:
        """Count one packet and return its extended sequence number."""
        transit = now * self._clock_rate - timestamp
        if not self.received:
            # One cycle up, so that a packet that was overtaken by the first one has a number too.
            extended = self._base = self.highest = sequence + 0x10000
        else:
            extended = extend(self.highest, sequence)
            # RFC 3550 A.8; the timestamp wraps, so the difference is taken modulo 2**32.
            difference = abs((transit - self._transit + 0x80000000) % 0x100000000 - 0x80000000)
            self._jitter += (difference - self._jitter) / 16
            if extended > self.highest:
                self.highest = extended
        self._transit = transit
        self.received += 1
        return extended

    def sender_report(self, report: SenderReport, now: float) -> None:
        """Remember when the sender's clock was heard: middle 32 bits of its NTP time."""
        self._last_report = report.ntp >> 16 & 0xFFFFFFFF
        self._report_at = now

    def block(self, ssrc: int, now: float) -> ReportBlock | None:
        """The report block at `now`, or None before the first packet. Starts the next interval's loss fraction."""
        if not self.received:
            return None
        expected = self.highest - self._base + 1
        interval = expected - self._expected_before
        missed = interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = min(255, (missed << 8) // interval) if interval > 0 and missed > 0 else 0
        lost = max(-0x800000, min(0x7FFFFF, expected - self.received))
        delay = int((now - self._report_at) * 65536) & 0xFFFFFFFF if self._last_report else 0
        highest = (self.highest - 0x10000) & 0xFFFFFFFF
        jitter = min(int(self._jitter), 0xFFFFFFFF)
        return ReportBlock(ssrc, fraction, lost, highest, jitter, self._last_report, delay)
