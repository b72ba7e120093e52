"""What leaves besides the packets that come: repairs of those a receiver misses, and padding that measures a path."""

from __future__ import annotations

from media import limits
from media.plane.down import CYCLE, Down
from media.plane.interface import Out
from media.plane.writing import MARKER, PADDING, VERSION, divide

# RFC 3550 section 5.1: the last byte says how many there are.
_PADDING = bytes(254) + b"\xff"


def repair(down: Down, lost: int, now: int) -> Out | None:
    """A packet that was sent already, by the 16-bit number that the receiver saw; None if there is none to send."""
    rtx = down.format.rtx
    found = down.segments.back(lost)
    # A transport-wide number is new each time; under the old RTP number that would be one nonce for two packets.
    if found is None or (down.writer.element and rtx is None):
        return None
    segment, number, out = found
    packet = segment.stream.cache.get(number)
    if packet is None or not _allowed(down, now):
        return None
    down.packets += 1
    down.octets += packet.octets
    timestamp = packet.timestamp + segment.timestamp & CYCLE
    second = packet.second | MARKER if number == segment.spurt else packet.second
    extra, rest = divide(packet, segment)
    if rtx is None:
        return down.writer.packet(packet.first, second, out & 0xFFFF, timestamp, down.format.ssrc, extra, rest, now)
    original = (out & 0xFFFF).to_bytes(2, "big")
    second = second & MARKER | rtx[1]
    return down.writer.packet(packet.first, second, _next(down), timestamp, rtx[0], original + extra, rest, now)


def probe(down: Down, now: int) -> Out | None:
    """A packet of nothing but padding; None without a repair stream."""
    rtx = down.format.rtx
    if rtx is None:
        return None
    return down.writer.packet(
        VERSION | PADDING, rtx[1], _next(down), down.highest_timestamp, rtx[0], b"", _PADDING, now
    )


def _next(down: Down) -> int:
    sequence = down.rtx_sequence
    down.rtx_sequence = sequence + 1 & 0xFFFF
    return sequence


def _allowed(down: Down, now: int) -> bool:
    """A token bucket: RESENDS_PER_SECOND, RESEND_BURST at once."""
    gained = (now - down.tokens_at) * limits.RESENDS_PER_SECOND / 1e9
    down.tokens = min(limits.RESEND_BURST, down.tokens + gained)
    down.tokens_at = now
    if down.tokens < 1:
        return False
    down.tokens -= 1
    return True
