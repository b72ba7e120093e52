"""Which layer is a new SSRC? Told by MID and RID of its first packets (RFC 9143 section 9.2, RFC 8852)."""

from __future__ import annotations

from media.faults import MediaFault
from media.room.roster import Roster
from media.room.tracks import Layer, Transport, UpTrack
from media.room.ups import open_repair, open_stream
from media.rtp import RtpHeader, extension_value, read_header


def adopt(roster: Roster, transport: Transport, packet: bytes) -> UpTrack | None:
    """Take the packet's SSRC for the layer that it names. The track if packets of it pass from now on, else None."""
    try:
        header = read_header(packet)
    except MediaFault:
        return None
    known = transport.layers.get(header.ssrc)
    if known is not None:  # more packets of it came before the first was looked at
        return known.up if known.passes(header.ssrc) else None
    for up in transport.ups.values():
        layer = _layer_of(up, header, packet)
        if layer is None:
            continue
        if header.payload_type == up.format.payload_type:
            open_stream(roster, layer, header.ssrc)
        else:
            open_repair(roster, layer, header.ssrc)
        return up if layer.ssrc is not None else None
    return None


def _layer_of(up: UpTrack, header: RtpHeader, packet: bytes) -> Layer | None:
    """The one that waits for such an SSRC and bears the name on the packet."""
    format = up.format
    repair = header.payload_type == format.rtx_payload_type
    if not repair and header.payload_type != format.payload_type:
        return None
    waiting = [layer for layer in up.layers if (layer.rtx_ssrc if repair else layer.ssrc) is None]
    if not waiting or not format.mid or extension_value(packet, header, format.mid_extension) != format.mid:
        return None
    if len(up.layers) == 1:
        return waiting[0]
    names = (format.repaired_rid_extension, format.rid_extension) if repair else (format.rid_extension,)
    found = next((name for id in names if id and (name := extension_value(packet, header, id))), None)
    return next((layer for layer in waiting if layer.format.rid == found), None)
