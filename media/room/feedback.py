"""What peers say by RTCP: clocks and reports, NACK, key-frame requests, what a path carries.

Raises MediaFault for bytes that are not what they claim to be. Nothing here knows a member: whoever holds no transport
and no track cannot be reached.
"""

from __future__ import annotations

from media import limits, rtcp
from media.outputs import SendRtcp
from media.plane.interface import Out
from media.room.roster import Roster
from media.room.tracks import DownTrack, Transport
from media.room.upward import ask_key_frame


def receive_rtcp(roster: Roster, transport: Transport, datagram: bytes, now: float, came: float) -> list[Out]:
    """One datagram in, which came at `came`: what is measured goes by that. Repeated packets are returned, RTCP for
    others goes to the room's outputs."""
    repeated: list[Out] = []
    for packet in rtcp.read_compound(datagram):
        match packet:
            case rtcp.SenderReport():
                _clock(roster, transport, packet, now, came)
            case rtcp.Nack(_, media, lost):
                down = transport.downs.get(media)
                if down is not None and down.ready and not down.up.paused:
                    if transport.path is not None and down.up.kind == "video":
                        lost = lost[: transport.path.repairs(len(lost), now)]
                    repeated += roster.plane.repair(down.number, lost, int(now * 1e9))
            case rtcp.KeyFrameRequest(media):
                _key_frame(roster, transport.downs.get(media), now)
            case rtcp.ReceiverReport(_, blocks):
                _report(transport, blocks, came)
            case rtcp.TransportFeedback() | rtcp.Remb():
                _path(roster, transport, packet, came)
    return repeated


def _path(roster: Roster, transport: Transport, packet: rtcp.TransportFeedback | rtcp.Remb, now: float) -> None:
    """What a receiver's line carries, by its own reckoning or by when packets came."""
    path = transport.path
    if path is None:
        return
    if isinstance(packet, rtcp.Remb):
        path.remb(packet.bps, now)
    else:
        outcome = roster.plane.answered(transport.number, packet.fci)
        path.departed(roster.plane.departed(transport.number))
        path.feedback(outcome, now)


def _clock(roster: Roster, transport: Transport, report: rtcp.SenderReport, now: float, came: float) -> None:
    """A sender's clock goes to the plane, and mapped to all who hear that layer now."""
    layer = transport.layers.get(report.ssrc)
    if layer is None or layer.ssrc != report.ssrc:
        return
    layer.statistics.sender_report(report, came)
    roster.plane.set_clock(layer.number, report.ntp, report.timestamp)
    for down in layer.up.downs:
        sent = roster.plane.sent(down.number, layer.number, report.timestamp)
        if sent is not None and down.transport.state == "ready":
            mapped = rtcp.SenderReport(down.ssrc, report.ntp, sent.timestamp, sent.packets, sent.octets)
            compound = rtcp.write_sender_report(mapped) + rtcp.write_source_name(down.ssrc, layer.up.cname)
            roster.outputs.append(SendRtcp(down.transport.id, compound))
            down.clock_sent(report.ntp >> 16 & 0xFFFFFFFF, now)


def _key_frame(roster: Roster, down: DownTrack | None, now: float) -> None:
    """Goes to the layer that the receiver sees or waits for, and to no other."""
    layer = down.aimed if down is not None else None
    if layer is not None and layer.key_frames is not None:
        layer.key_frames.want(now)
        ask_key_frame(roster, layer, now)


def _report(transport: Transport, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
    """Loss is that of all the tracks together, by the packets expected of each since the last report."""
    lost = expected = 0
    trips = []
    for block in blocks:
        down = transport.downs.get(block.ssrc)
        if down is None:
            continue
        down.fraction = block.fraction
        interval = (block.highest - down.reported) & 0xFFFFFFFF
        if down.reported and interval < limits.MAX_REPORTED:
            expected, lost = expected + interval, lost + block.fraction * interval
        down.reported = block.highest
        sent_at = down.clocks.get(block.lsr)
        if sent_at is not None and block.lsr:
            trips.append(max(0.0, now - sent_at - block.dlsr / 65536))
    if transport.path is not None and expected:
        transport.path.report(min(255, lost // expected), min(trips, default=None), now)
