"""What a sender's rtpParameters mean to us: the streams of one track, and how their packets are known."""

from __future__ import annotations

from typing import NamedTuple

from media.faults import Fault
from media.messages import Encoding, Kind, RtpParameters
from media.plane.interface import Extensions
from media.room.capabilities import CODECS, LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_SEQUENCE


class LayerFormat(NamedTuple):
    """One stream of a track. Without `ssrc` it is known by MID and `rid` once its first packet is there.

    `max_bps` is what its sender means to send at most, 0 if it did not say.
    """

    ssrc: int | None
    rtx_ssrc: int | None = None
    rid: bytes = b""
    max_bps: int = 0


class UpFormat(NamedTuple):
    """How a sender's packets can be known. `layers`: lowest first. Ids of header extensions are 0 for none."""

    layers: tuple[LayerFormat, ...]
    payload_type: int
    rtx_payload_type: int | None = None
    mid: bytes = b""
    mid_extension: int = 0
    rid_extension: int = 0
    repaired_rid_extension: int = 0
    plane: Extensions = Extensions()


def up_format(kind: Kind, parameters: RtpParameters) -> UpFormat:
    """What a sender's rtpParameters mean to us. Raises Fault `unsupported_codec` or `bad_parameters`."""
    ids = {item.uri: item.id or 0 for item in parameters.header_extensions if 0 < (item.id or 0) < 256}
    format = UpFormat(
        tuple(_layer(item) for item in parameters.encodings or (Encoding(),)),
        _payload_type(kind, parameters),
        _rtx_payload_type(kind, parameters),
        (parameters.mid or "").encode(),
        ids.get(MID, 0),
        ids.get(RID, 0),
        ids.get(REPAIRED_RID, 0),
        Extensions(ids.get(LEVEL, 0) if kind == "audio" else 0, ids.get(TRANSPORT_SEQUENCE, 0)),
    )
    if not _knowable(kind, format):
        raise Fault("bad_parameters")
    return format


def _payload_type(kind: Kind, parameters: RtpParameters) -> int:
    codec, known = parameters.codecs[0], CODECS[kind]
    if codec.mime_type.lower() != known.mime_type.lower() or codec.clock_rate != known.clock_rate:
        raise Fault("unsupported_codec")
    if codec.payload_type is None or not _usable(codec.payload_type):
        raise Fault("bad_parameters")
    return codec.payload_type


def _rtx_payload_type(kind: Kind, parameters: RtpParameters) -> int | None:
    """Of the repair codec that belongs to the first codec, None without one."""
    first = parameters.codecs[0].payload_type
    for codec in parameters.codecs[1:]:
        if kind == "video" and codec.mime_type.lower() == "video/rtx" and (codec.parameters or {}).get("apt") == first:
            number = codec.payload_type
            if number is None or not _usable(number) or number == first:
                raise Fault("bad_parameters")
            return number
    return None


def _usable(payload_type: int) -> bool:
    """64 to 95 would be taken for RTCP on the same port (RFC 5761 section 4)."""
    return 0 <= payload_type <= 127 and not 64 <= payload_type <= 95


def _layer(item: Encoding) -> LayerFormat:
    rtx = item.rtx.ssrc if item.rtx is not None else None
    return LayerFormat(item.ssrc, rtx, (item.rid or "").encode(), item.max_bitrate or 0)


def _knowable(kind: Kind, format: UpFormat) -> bool:
    """Whether every layer's packets can be told from all others'."""
    layers = format.layers
    if kind == "audio" and len(layers) > 1:
        return False
    announced = [number for layer in layers for number in (layer.ssrc, layer.rtx_ssrc) if number is not None]
    unknown = [layer for layer in layers if layer.ssrc is None]
    if len(set(announced)) < len(announced) or len({layer.rid for layer in unknown}) < len(unknown):
        return False
    by_rid = len(layers) > 1 and bool(unknown)
    if by_rid and not (format.rid_extension and all(layer.rid for layer in unknown)):
        return False
    return not unknown or bool(format.mid and format.mid_extension)
