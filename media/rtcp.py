"""RTCP that a relay reads and writes (RFC 3550 section 6, RFC 4585 section 6, RFC 5104 section 4.3.1).

Besides: draft-alvestrand-rmcat-remb-03 section 2.2, and the frame of draft-holmer-rmcat-transport-wide-cc-extensions-01
section 3.1, whose insides `bandwidth/twcc.py` reads.

Reading is tolerant: packet types and feedback formats nobody needs are skipped, lists are cut at `limits`, and a
datagram that breaks its own lengths raises MediaFault. Writing returns bytes for one packet; join them for a compound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack, unpack_from

from media import limits
from media.faults import MediaFault

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
_NACK, _PLI, _FIR, _TRANSPORT_WIDE, _APPLICATION = 1, 1, 4, 15, 15
_PADDED = 0x20
_REMB = b"REMB"
_REMB_MANTISSA = 18  # bits


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """RFC 3550 section 6.4.1. `lost` is cumulative and signed; `jitter` in RTP ticks; `lsr`, `dlsr` in 1/65536 s."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A sender's clock: `ntp` is 64-bit NTP time at the instant of RTP `timestamp`."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers of `media` that `ssrc` is missing."""

    ssrc: int
    media: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """PLI or FIR: the receiver needs a key frame of `media`. FIR's sequence number is of no use to a relay."""

    media: int


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """When packets of a whole transport came. `fci` is for `bandwidth.twcc.read_feedback`."""

    ssrc: int
    media: int
    fci: bytes


@dataclass(frozen=True, slots=True)
class Remb:
    """What a receiver thinks the path to it carries, in bits per second, for all of `ssrcs` together."""

    ssrc: int
    bps: int
    ssrcs: tuple[int, ...]


Rtcp = SenderReport | ReceiverReport | Goodbye | Nack | KeyFrameRequest | TransportFeedback | Remb


def read_compound(datagram: bytes) -> list[Rtcp]:
    """Every packet we understand, in order. Reduced-size RTCP (RFC 5506) is accepted. Raises MediaFault.

    The blocks of a sender report come once more as a ReceiverReport after it: who reads reports need not know both.
    """
    found: list[Rtcp] = []
    position, budget = 0, limits.MAX_NACKED_PER_DATAGRAM
    for _ in range(limits.MAX_RTCP_PACKETS):
        if position == len(datagram):
            return found
        if len(datagram) < position + 4:
            raise MediaFault("RTCP header cut short")
        first, kind, words = unpack_from("!BBH", datagram, position)
        end = position + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > len(datagram):
            raise MediaFault("RTCP length or version is wrong")
        body = datagram[position + 4 : end]
        if first & _PADDED:
            if not body or not 0 < body[-1] <= len(body):
                raise MediaFault("RTCP padding is wrong")
            body = body[: -body[-1]]
        packets = _read_packet(kind, first & 0x1F, body, budget)
        budget -= sum(len(packet.lost) for packet in packets if isinstance(packet, Nack))
        found += packets
        position = end
    return found


def _read_packet(kind: int, count: int, body: bytes, budget: int) -> list[Rtcp]:
    if kind == SR:
        return _read_sender_report(count, body)
    if kind == RR:
        _need(body, 4)
        return [ReceiverReport(unpack_from("!I", body)[0], _read_blocks(body[4:], count))]
    if kind == BYE:
        _need(body, 4 * count)
        return [Goodbye(unpack_from(f"!{count}I", body))]
    if kind == RTPFB:
        return _read_transport_feedback(count, body, budget)
    return _read_payload_feedback(count, body) if kind == PSFB else []


def _read_sender_report(count: int, body: bytes) -> list[Rtcp]:
    _need(body, 24)
    ssrc, ntp, timestamp, packets, octets = unpack_from("!IQIII", body)
    blocks = _read_blocks(body[24:], count)
    report = SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)
    return [report, ReceiverReport(ssrc, blocks)] if blocks else [report]


def _read_transport_feedback(format: int, body: bytes, budget: int) -> list[Rtcp]:
    if format not in (_NACK, _TRANSPORT_WIDE):
        return []
    _need(body, 8)
    ssrc, media = unpack_from("!II", body)
    if format == _NACK:
        return [Nack(ssrc, media, _read_nacked(body[8:], budget))]
    return [TransportFeedback(ssrc, media, body[8:])]


def _read_payload_feedback(format: int, body: bytes) -> list[Rtcp]:
    if format == _PLI:
        _need(body, 8)
        return [KeyFrameRequest(unpack_from("!I", body, 4)[0])]
    if format == _FIR:
        _need(body, 8)
        entries = (len(body) - 8) // 8
        return [KeyFrameRequest(unpack_from("!I", body, 8 + 8 * index)[0]) for index in range(entries)]
    if format == _APPLICATION and body[8:12] == _REMB:
        return [_read_remb(body)]
    return []


def _read_remb(body: bytes) -> Remb:
    _need(body, 16)
    (packed,) = unpack_from("!I", body, 12)
    count = packed >> 24
    _need(body, 16 + 4 * count)
    bps = (packed & (1 << _REMB_MANTISSA) - 1) << (packed >> _REMB_MANTISSA & 0x3F)
    return Remb(unpack_from("!I", body)[0], bps, unpack_from(f"!{count}I", body, 16))


def _need(body: bytes, length: int) -> None:
    if len(body) < length:
        raise MediaFault("RTCP packet shorter than its type demands")


def _read_blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    _need(body, 24 * count)
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, lsr, dlsr = unpack_from("!6I", body, 24 * index)
        lost = loss & 0xFFFFFF
        blocks.append(ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, lsr, dlsr))
    return tuple(blocks)


def _read_nacked(body: bytes, budget: int) -> tuple[int, ...]:
    lost: list[int] = []
    for position in range(0, len(body) - 3, 4):
        if len(lost) >= budget:
            break
        first, following = unpack_from("!HH", body, position)
        lost.append(first)
        lost += [(first + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1]
    return tuple(lost[: max(budget, 0)])


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def write_blocks(blocks: Sequence[ReportBlock]) -> bytes:
    return b"".join(
        pack(
            "!6I",
            block.ssrc,
            block.fraction << 24 | block.lost & 0xFFFFFF,
            block.highest & 0xFFFFFFFF,
            block.jitter,
            block.lsr,
            block.dlsr,
        )
        for block in blocks
    )


def write_sender_report(report: SenderReport) -> bytes:
    head = pack(
        "!IQIII", report.ssrc, report.ntp, report.timestamp, report.packets & 0xFFFFFFFF, report.octets & 0xFFFFFFFF
    )
    return _packet(SR, len(report.blocks), head + write_blocks(report.blocks))


def write_receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """At most `limits.MAX_REPORT_BLOCKS` blocks."""
    return _packet(RR, len(blocks), pack("!I", ssrc) + write_blocks(blocks))


def write_source_name(ssrc: int, cname: str) -> bytes:
    """SDES with the one item every compound packet must carry (RFC 3550 section 6.5.1)."""
    value = cname.encode("ascii")
    item = pack("!IBB", ssrc, 1, len(value)) + value + b"\0"
    return _packet(SDES, 1, item + b"\0" * (-len(item) % 4))


def write_goodbye(sources: Sequence[int]) -> bytes:
    return _packet(BYE, len(sources), pack(f"!{len(sources)}I", *sources))


def write_picture_loss(ssrc: int, media: int) -> bytes:
    return _packet(PSFB, _PLI, pack("!II", ssrc, media))


def write_nack(ssrc: int, media: int, lost: Sequence[int]) -> bytes:
    """`lost`: sequence numbers in ascending order of arrival; up to 17 neighbours share four bytes."""
    entries: list[tuple[int, int]] = []
    for sequence in lost:
        distance = (sequence - entries[-1][0] - 1) & 0xFFFF if entries else 0xFFFF
        if distance < 16:
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << distance)
        else:
            entries.append((sequence, 0))
    return _packet(RTPFB, _NACK, pack("!II", ssrc, media) + b"".join(pack("!HH", *entry) for entry in entries))


def write_remb(ssrc: int, bps: int, ssrcs: Sequence[int]) -> bytes:
    """At most 255 `ssrcs`. `bps` loses what 18 bits of mantissa do not hold, never upwards."""
    exponent = min(max(0, bps.bit_length() - _REMB_MANTISSA), 0x3F)
    mantissa = min(bps >> exponent, (1 << _REMB_MANTISSA) - 1)
    packed = len(ssrcs) << 24 | exponent << _REMB_MANTISSA | mantissa
    body = pack("!II", ssrc, 0) + _REMB + pack(f"!I{len(ssrcs)}I", packed, *ssrcs)
    return _packet(PSFB, _APPLICATION, body)


def write_transport_feedback(ssrc: int, media: int, fci: bytes) -> bytes:
    """`media` has to be an SSRC that the receiver of this sends: Chromium drops feedback about any other."""
    packet = _packet(RTPFB, _TRANSPORT_WIDE, pack("!II", ssrc, media) + fci + _padding(-len(fci) % 4))
    return bytes([packet[0] | _PADDED]) + packet[1:] if len(fci) % 4 else packet


def _padding(length: int) -> bytes:
    """RFC 3550 section 6.4.1: the last octet counts the padding, itself included."""
    return bytes(length - 1) + bytes([length]) if length else b""
