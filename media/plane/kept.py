"""One packet of a stream without its numbers, and the newest of them, kept to answer a receiver's NACK.

The cache is needed even though senders keep their own: when one receiver of five lost a packet, the sender's
retransmission would reach us as a replay, and libsrtp drops what it has seen (RFC 3711 section 3.3.2).
"""

from __future__ import annotations

from media import limits
from media.messages import Kind
from media.plane.pictures import Numbers


class Kept:
    """What `Down` needs to write the very same bytes again.

    `first` and `second` are the header's first two bytes as receivers see them (padding bit; marker and their payload
    type). `payload` has the padding that came with it, `octets` is its length without. `rest` is what follows the
    descriptor, made once it is needed.
    """

    __slots__ = ("first", "numbers", "octets", "payload", "rest", "second", "timestamp")

    def __init__(self, first: int, second: int, timestamp: int, payload: bytes, octets: int) -> None:
        self.first = first
        self.second = second
        self.timestamp = timestamp
        self.payload = payload
        self.octets = octets
        # Of a picture.
        self.numbers: Numbers | None = None
        self.rest: bytes | None = None


class Cache:
    """The newest packets of one stream by extended sequence number, bounded in packets and in payload bytes."""

    __slots__ = ("_max_bytes", "_max_packets", "_packets", "size")

    def __init__(self, max_packets: int, max_bytes: int) -> None:
        self._packets: dict[int, Kept] = {}
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        # Payload bytes kept.
        self.size = 0

    def put(self, number: int, packet: Kept) -> None:
        """Keep a packet whose number has not come before; the ones that came first make room."""
        packets = self._packets
        packets[number] = packet
        self.size += len(packet.payload)
        while len(packets) > self._max_packets or self.size > self._max_bytes:
            self.size -= len(packets.pop(next(iter(packets))).payload)

    def get(self, number: int) -> Kept | None:
        return self._packets.get(number)

    def clear(self) -> None:
        self._packets.clear()
        self.size = 0

    def __len__(self) -> int:
        return len(self._packets)


def new_cache(kind: Kind) -> Cache:
    if kind == "video":
        return Cache(limits.VIDEO_CACHE_PACKETS, limits.VIDEO_CACHE_BYTES)
    return Cache(limits.AUDIO_CACHE_PACKETS, limits.AUDIO_CACHE_BYTES)
