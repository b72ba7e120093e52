"""One down track: held or flowing, key frame wanted or not, and the header it writes.

    held ──resume──▶ waiting (video) ──first packet of a key frame──▶ flowing
      ▲                   │                                              │
      └──────hold─────────┴──────────────────hold────────────────────────┘

Audio flows at once. A receiver never gets a delta frame before its key frame: it could show nothing but rubbish.
"""

from __future__ import annotations

from enum import Enum

from media import limits
from media.repair import Allowance, CachedPacket
from media.rewrite import SequenceMap, TimestampMap
from media.rtcp import SenderReport
from media.rtp import write_header


class Flow(Enum):
    HELD = "held"
    WAITING = "waiting"
    FLOWING = "flowing"


class DownTrack:
    """From one up track to one receiving transport. `ssrc` and `payload_type` are what the receiver was told."""

    __slots__ = (
        "_allowance",
        "_payload_type",
        "_sequences",
        "_timestamps",
        "flow",
        "needs_key_frame",
        "octets",
        "packets",
        "ssrc",
    )

    def __init__(
        self,
        ssrc: int,
        payload_type: int,
        *,
        needs_key_frame: bool,
        first_sequence: int,
        timestamp_distance: int,
        now: float,
    ) -> None:
        self.ssrc = ssrc
        self.needs_key_frame = needs_key_frame
        self.flow = Flow.HELD
        self.packets = self.octets = 0
        self._payload_type = payload_type
        self._sequences = SequenceMap(first_sequence)
        self._timestamps = TimestampMap(timestamp_distance)
        self._allowance = Allowance(limits.RESENDS_PER_SECOND, limits.RESEND_BURST, now)

    def hold(self) -> None:
        self.flow = Flow.HELD
        self._sequences.hold()

    def resume(self) -> None:
        """Flow from the next packet on that can start: any for audio, a key frame's first for video."""
        if self.flow is Flow.HELD:
            self.flow = Flow.WAITING

    def forward(self, sequence: int, packet: CachedPacket, starts_key_frame: bool) -> bytes | None:
        """The header for this packet of the up track (extended number `sequence`), or None if it is not for us."""
        if self.flow is not Flow.FLOWING:
            if self.flow is Flow.HELD or (self.needs_key_frame and not starts_key_frame):
                return None
            self._sequences.begin(sequence)
            self.flow = Flow.FLOWING
        out = self._sequences.forward(sequence)
        return None if out is None else self._write(out, packet)

    def lost(self, sequence: int) -> tuple[int, int] | None:
        """(number at the up track, number here) of a 16-bit number that the receiver is missing; None: never sent."""
        return self._sequences.back(sequence)

    def resend(self, out: int, packet: CachedPacket, now: float) -> bytes | None:
        """The same header again, bit for bit, or None beyond the allowance."""
        return self._write(out, packet) if self._allowance.take(now) else None

    def sender_report(self, report: SenderReport) -> SenderReport | None:
        """The sender's clock with our SSRC, timestamps and counts; None before the first packet (RFC 3550 6.4.1)."""
        if not self.packets:
            return None
        timestamp = self._timestamps.forward(report.timestamp)
        return SenderReport(self.ssrc, report.ntp, timestamp, self.packets, self.octets)

    def _write(self, out: int, packet: CachedPacket) -> bytes:
        self.packets += 1
        self.octets += len(packet.payload)
        timestamp = self._timestamps.forward(packet.timestamp)
        return write_header(packet.padding, packet.marker, self._payload_type, out & 0xFFFF, timestamp, self.ssrc)
