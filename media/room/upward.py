"""RTCP that the relay itself sends to those who send: key-frame requests, reports, feedback, NACK, and a bound."""

from __future__ import annotations

from collections.abc import Sequence

from media import limits, rtcp
from media.outputs import SendRtcp
from media.room.roster import Roster
from media.room.tracks import Layer, Transport


def ask_key_frame(roster: Roster, layer: Layer, now: float) -> None:
    """A PLI towards the sender of that layer if one is due at `now` (RFC 4585 section 6.3.1)."""
    up = layer.up
    if layer.key_frames is None or layer.ssrc is None or up.paused or up.transport.state != "ready":
        return
    if layer.key_frames.due(now):
        packet = rtcp.write_picture_loss(up.transport.ssrc, layer.ssrc)
        roster.outputs.append(SendRtcp(up.transport.id, packet))


def report(roster: Roster, transport: Transport, now: float) -> None:
    """The receiver report for every layer that has come on a transport."""
    if transport.state != "ready":
        return
    blocks = [block for up in transport.ups.values() for layer in up.layers if (block := _block(roster, layer, now))]
    if blocks:
        compound = rtcp.write_receiver_report(transport.ssrc, blocks[: limits.MAX_REPORT_BLOCKS])
        named = rtcp.write_source_name(transport.ssrc, transport.cname)
        roster.outputs.append(SendRtcp(transport.id, compound + named))


def _block(roster: Roster, layer: Layer, now: float) -> rtcp.ReportBlock | None:
    if layer.ssrc is None:
        return None
    heard = [down.fraction for down in layer.up.downs if layer.up.kind == "audio" and down.aimed is layer]
    received = roster.plane.received(layer.number)
    return layer.statistics.block(layer.ssrc, received, max(heard, default=0), now)


def answer_numbers(roster: Roster, transport: Transport) -> None:
    """Transport-wide feedback about what has come since the last."""
    if not transport.extensions.transport_sequence or transport.state != "ready":
        return
    # An SSRC that the sender uses: Chromium drops feedback about any other.
    media = next((layer.ssrc for layer in transport.layers.values() if layer.ssrc is not None), None)
    if media is not None:
        for fci in roster.plane.feedback(transport.number):
            packet = rtcp.write_transport_feedback(transport.ssrc, media, fci)
            roster.outputs.append(SendRtcp(transport.id, packet))


def ask_again(roster: Roster, stream: int, lost: Sequence[int]) -> None:
    """NACK for what the plane misses of one stream."""
    layer = roster.streams.get(stream)
    if layer is not None and layer.ssrc is not None and layer.up.transport.state == "ready" and not layer.up.paused:
        transport = layer.up.transport
        roster.outputs.append(SendRtcp(transport.id, rtcp.write_nack(transport.ssrc, layer.ssrc, lost)))


def bound(roster: Roster, transport: Transport, bps: int) -> None:
    """REMB: what this sender's pictures may take together."""
    pictures = [up for up in transport.ups.values() if up.kind == "video"]
    ssrcs = [layer.ssrc for up in pictures for layer in up.layers if layer.ssrc is not None]
    if ssrcs and transport.state == "ready":
        roster.outputs.append(SendRtcp(transport.id, rtcp.write_remb(transport.ssrc, bps, ssrcs)))
