"""Opens and closes up tracks and their streams, in the room's records and in the forwarding plane at once."""

from __future__ import annotations

from media.faults import Fault
from media.messages import Kind
from media.plane.interface import Extensions
from media.room.downs import close_down, goodbye
from media.room.formats import LayerFormat, UpFormat
from media.room.keyframes import KeyFrameAsker
from media.room.reports import LayerStatistics
from media.room.roster import Roster
from media.room.tracks import Layer, Transport, UpTrack


def open_up(roster: Roster, transport: Transport, kind: Kind, format: UpFormat, *, sealed: bool) -> UpTrack:
    """Raises Fault `bad_parameters` if its packets could not be told from another track's."""
    _refuse_ambiguous(transport, format)
    up = UpTrack(roster.dice.token(16), transport.member, kind, transport, format, transport.cname, sealed)
    for index, layer in enumerate(format.layers):
        up.layers.append(_new_layer(roster, up, index, layer))
    up.layers_told = len(up.layers)
    _learn_extensions(roster, transport, format.plane)
    transport.ups[up.id] = roster.tracks[up.id] = up
    roster.members[transport.member].ups[up.id] = up
    for made in up.layers:
        if made.rtx_ssrc is not None:
            transport.layers[made.rtx_ssrc] = made
        if made.ssrc is not None:
            open_stream(roster, made, made.ssrc)
    return up


def _refuse_ambiguous(transport: Transport, format: UpFormat) -> None:
    for layer in format.layers:
        if layer.ssrc in transport.layers or layer.rtx_ssrc in transport.layers:
            raise Fault("bad_parameters")
    by_mid = any(layer.ssrc is None for layer in format.layers)
    if by_mid and any(up.format.mid == format.mid for up in transport.ups.values()):
        raise Fault("bad_parameters")


def _new_layer(roster: Roster, up: UpTrack, index: int, format: LayerFormat) -> Layer:
    asker = KeyFrameAsker() if up.kind == "video" else None
    return Layer(roster.number(), up, index, format, format.ssrc, format.rtx_ssrc, asker, LayerStatistics())


def _learn_extensions(roster: Roster, transport: Transport, found: Extensions) -> None:
    """Ids are one for each over the whole transport (RFC 8843 section 8); a track may know only some of them."""
    known = transport.extensions
    transport.extensions = Extensions(found.level or known.level, found.transport_sequence or known.transport_sequence)
    roster.plane.set_extensions(transport.number, transport.extensions)


def open_stream(roster: Roster, layer: Layer, ssrc: int) -> None:
    """The layer's SSRC is known now: packets pass from here on."""
    layer.ssrc = ssrc
    transport = layer.up.transport
    roster.plane.add_stream(layer.number, transport.number, layer.stream_format(ssrc))
    layer.sealed = layer.up.sealed
    roster.streams[layer.number] = transport.layers[ssrc] = layer


def open_repair(roster: Roster, layer: Layer, ssrc: int) -> None:
    """The same for the layer's repair stream; before the layer's own SSRC is known it is only remembered."""
    layer.rtx_ssrc = ssrc
    layer.up.transport.layers[ssrc] = layer
    if layer.ssrc is not None and layer.up.format.rtx_payload_type is not None:
        roster.plane.set_rtx(layer.number, (ssrc, layer.up.format.rtx_payload_type))


def require_sealed(roster: Roster, up: UpTrack, sealed: bool) -> None:
    """From the next packet on. The plane forgets what it kept unsealed, so that no NACK brings it back."""
    up.sealed = sealed
    for layer in up.layers:
        if layer.ssrc is not None and layer.sealed != sealed:
            layer.sealed = sealed
            roster.plane.set_stream(layer.number, forwarded=True, sealed=sealed)


def close_up(roster: Roster, up: UpTrack) -> None:
    for down in list(up.downs):
        goodbye(roster, down)
        close_down(roster, down)
    for layer in up.layers:
        roster.plane.remove_stream(layer.number)
        roster.numbers.give_back(layer.number)
        roster.streams.pop(layer.number, None)
        for ssrc in (layer.ssrc, layer.rtx_ssrc):
            if ssrc is not None and up.transport.layers.get(ssrc) is layer:
                del up.transport.layers[ssrc]
    up.transport.ups.pop(up.id, None)
    roster.tracks.pop(up.id, None)
    joined = roster.members.get(up.member)
    if joined is not None:
        joined.ups.pop(up.id, None)
    roster.tell_others(up.member, "trackRemoved", {"track": up.id})
