"""Lost packets: a bounded cache that answers a receiver's NACK, and the memory of what was asked of the sender.

The cache is needed even though senders keep their own: when one receiver of five lost a packet, the sender's
retransmission would reach us as a replay, and libsrtp drops what it has seen (RFC 3711 section 3.3.2).
"""

from __future__ import annotations

from typing import NamedTuple

from media import limits


class CachedPacket(NamedTuple):
    """One forwarded packet without its numbers: what `forward` needs to write the very same bytes again."""

    padding: bool
    marker: bool
    timestamp: int
    payload: bytes


class PacketCache:
    """The newest packets of one up track by extended sequence number, bounded in packets and in payload bytes."""

    __slots__ = ("_bytes", "_max_bytes", "_max_packets", "_packets")

    def __init__(self, max_packets: int, max_bytes: int) -> None:
        self._packets: dict[int, CachedPacket] = {}
        self._bytes = 0
        self._max_packets = max_packets
        self._max_bytes = max_bytes

    def put(self, sequence: int, packet: CachedPacket) -> None:
        """Keep a packet; the ones that came first make room. A number that is kept already stays as it was."""
        packets = self._packets
        if sequence in packets:
            return
        packets[sequence] = packet
        self._bytes += len(packet.payload)
        while len(packets) > self._max_packets or self._bytes > self._max_bytes:
            self._bytes -= len(packets.pop(next(iter(packets))).payload)

    def get(self, sequence: int) -> CachedPacket | None:
        return self._packets.get(sequence)

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def size(self) -> int:
        """Payload bytes kept."""
        return self._bytes


class AskedUp:
    """Which packets of one up track were asked of its sender: receivers' NACKs merge, and repeat not too often."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[int, tuple[float, int]] = {}

    def ask(self, sequence: int, now: float) -> bool:
        """True if extended number `sequence` should be asked for at `now`, which is then remembered."""
        last, times = self._asked.pop(sequence, (float("-inf"), 0))
        if now - last < limits.ASK_AGAIN or times >= limits.MAX_ASKS:
            self._asked[sequence] = (last, times)
            return False
        self._asked[sequence] = (now, times + 1)
        if len(self._asked) > limits.MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        return True

    def __len__(self) -> int:
        return len(self._asked)


class Allowance:
    """A token bucket: `rate` a second, `burst` at once."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
