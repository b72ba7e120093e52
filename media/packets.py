"""The way of a packet through a room: RTP from one up track to its receivers, RTCP to whom it concerns.

Functions over the records of `tracks.py`. Each raises MediaFault for bytes that are not what they claim to be and
changes nothing then but what a track's judge remembers. Nothing here knows a member: whoever holds no transport and no
track cannot be reached.
"""

from __future__ import annotations

from media import limits, rtcp
from media.faults import NotSealed
from media.outputs import Output, Packet, SendRtcp
from media.repair import CachedPacket
from media.rtp import RtpHeader, extension_value, read_header
from media.tracks import Receiver, Transport, UpTrack
from media.vp8 import starts_key_frame


def receive_rtp(transport: Transport, packet: bytes, now: float) -> list[Packet]:
    """One packet in; one for each receiver out. Empty for an SSRC or payload type nobody agreed to.

    Raises NotSealed before anything of the packet is counted, kept or forwarded.
    """
    header = read_header(packet)
    up = transport.ups.get(header.ssrc) or _adopt(transport, header, packet)
    if up is None or header.payload_type != up.payload_type or len(packet) > limits.MAX_RTP:
        return []
    payload = packet[header.payload :]
    if up.judge is not None and not up.judge.passes(_without_padding(payload, header), header.timestamp):
        raise NotSealed("a payload that is not sealed")
    sequence = up.statistics.packet(header.sequence, header.timestamp, now)
    if up.paused or not up.receivers:
        return []
    cached = CachedPacket(header.padding, header.marker, header.timestamp, payload)
    up.cache.put(sequence, cached)
    begins = False
    if up.key_frames is not None and starts_key_frame(payload):
        begins = True
        up.key_frames.seen()
    sent: list[Packet] = []
    for receiver in up.receivers:
        written = receiver.track.forward(sequence, cached, begins)
        if written is not None:
            sent.append((receiver.transport.id, written, payload))
    return sent


def _without_padding(payload: bytes, header: RtpHeader) -> bytes:
    return payload[: -payload[-1]] if header.padding else payload


def _adopt(transport: Transport, header: RtpHeader, packet: bytes) -> UpTrack | None:
    """The up track of a new SSRC that was announced by its MID only (RFC 9143 section 9.2)."""
    if not transport.unnamed:
        return None
    for mid, up in transport.unnamed.items():
        if extension_value(packet, header, up.format.mid_extension) == mid:
            up.ssrc = header.ssrc
            transport.ups[header.ssrc] = up
            del transport.unnamed[mid]
            return up
    return None


def receive_rtcp(transport: Transport, datagram: bytes, now: float) -> tuple[list[Packet], list[Output]]:
    """One datagram in; resent packets and RTCP for others out."""
    resent: list[Packet] = []
    outputs: list[Output] = []
    for packet in rtcp.read_compound(datagram):
        if isinstance(packet, rtcp.SenderReport):
            outputs += _pass_clock(transport, packet, now)
        elif isinstance(packet, rtcp.Nack):
            receiver = transport.downs.get(packet.media)
            if receiver is not None:
                again, asked = _repair(receiver, packet.lost, now)
                resent += again
                outputs += asked
        elif isinstance(packet, rtcp.KeyFrameRequest):
            receiver = transport.downs.get(packet.media)
            if receiver is not None and receiver.resumed and receiver.up.key_frames is not None:
                receiver.up.key_frames.want(now)
                outputs += ask_key_frame(receiver.up, now)
    return resent, outputs


def _pass_clock(transport: Transport, report: rtcp.SenderReport, now: float) -> list[Output]:
    up = transport.ups.get(report.ssrc)
    if up is None:
        return []
    up.statistics.sender_report(report, now)
    outputs: list[Output] = []
    for receiver in up.receivers:
        mapped = receiver.track.sender_report(report)
        if mapped is not None and receiver.transport.state == "ready":
            name = rtcp.write_source_name(mapped.ssrc, up.cname)
            outputs.append(SendRtcp(receiver.transport.id, rtcp.write_sender_report(mapped) + name))
    return outputs


def _repair(receiver: Receiver, lost: tuple[int, ...], now: float) -> tuple[list[Packet], list[Output]]:
    """Answer from the cache what is there; ask the sender, merged with the other receivers' wishes, for the rest."""
    up, resent, wanted = receiver.up, [], []
    if receiver.transport.state != "ready" or up.paused:
        return [], []
    for number in lost:
        numbers = receiver.track.lost(number)
        if numbers is None:
            continue
        sequence, out = numbers
        cached = up.cache.get(sequence)
        if cached is None:
            if up.asked.ask(sequence, now):
                wanted.append(sequence & 0xFFFF)
        else:
            written = receiver.track.resend(out, cached, now)
            if written is not None:
                resent.append((receiver.transport.id, written, cached.payload))
    if not wanted or up.ssrc is None or up.transport.state != "ready":
        return resent, []
    return resent, [SendRtcp(up.transport.id, rtcp.write_nack(up.transport.ssrc, up.ssrc, wanted))]


def ask_key_frame(up: UpTrack, now: float) -> list[Output]:
    """A PLI towards the sender if one is due at `now` (RFC 4585 section 6.3.1)."""
    if up.key_frames is None or up.paused or up.ssrc is None or up.transport.state != "ready":
        return []
    if not up.key_frames.due(now):
        return []
    return [SendRtcp(up.transport.id, rtcp.write_picture_loss(up.transport.ssrc, up.ssrc))]


def report(transport: Transport, now: float) -> list[Output]:
    """The receiver report for every up track of a transport."""
    blocks = []
    for ssrc, up in transport.ups.items():
        block = up.statistics.block(ssrc, now)
        if block is not None:
            blocks.append(block)
    if not blocks or transport.state != "ready":
        return []
    compound = rtcp.write_receiver_report(transport.ssrc, blocks[: limits.MAX_REPORT_BLOCKS])
    return [SendRtcp(transport.id, compound + rtcp.write_source_name(transport.ssrc, transport.cname))]


def goodbye(receiver: Receiver) -> list[Output]:
    """BYE for a down track whose source has ended, in a compound as RFC 3550 section 6.1 demands."""
    transport = receiver.transport
    if transport.state != "ready":
        return []
    compound = rtcp.write_receiver_report(transport.ssrc, ()) + rtcp.write_source_name(transport.ssrc, transport.cname)
    return [SendRtcp(transport.id, compound + rtcp.write_goodbye([receiver.track.ssrc]))]
