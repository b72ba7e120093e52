"""Codecs and header extensions the relay speaks, in mediasoup's ORTC words, and what follows from a sender's choice.

No video-orientation: without it browsers turn the pixels themselves, and every receiver shows them upright.
No transport-wide congestion control: Chromium sends only its lowest layer when that is agreed and no feedback comes.
No RTX: a retransmission keeps its SSRC, and SRTP's replay window tells it from a repeat.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from media.faults import Fault
from media.messages import Kind, RtpCapabilities, RtpParameters

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_MID_ID = 1


class ForwardedCodec(NamedTuple):
    """One codec the relay forwards. `payload_type` is what every receiver sees, whatever the sender used."""

    mime_type: str
    payload_type: int
    clock_rate: int
    channels: int | None
    parameters: dict[str, int]
    feedback: tuple[tuple[str, str], ...]


CODECS: dict[Kind, ForwardedCodec] = {
    "audio": ForwardedCodec("audio/opus", 111, 48_000, 2, {"minptime": 10, "useinbandfec": 1}, ()),
    "video": ForwardedCodec(
        "video/VP8", 96, 90_000, None, {}, (("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""))
    ),
}


def _words(codec: ForwardedCodec) -> dict[str, Any]:
    words: dict[str, Any] = {
        "mimeType": codec.mime_type,
        "clockRate": codec.clock_rate,
        "parameters": dict(codec.parameters),
        "rtcpFeedback": [{"type": kind, "parameter": parameter} for kind, parameter in codec.feedback],
    }
    if codec.channels:
        words["channels"] = codec.channels
    return words


def router_capabilities() -> dict[str, Any]:
    """`rtpCapabilities` for mediasoup-client's `Device.load`. MID comes in only: it is not written on down tracks."""
    return {
        "codecs": [
            {"kind": kind, "preferredPayloadType": codec.payload_type, **_words(codec)}
            for kind, codec in CODECS.items()
        ],
        "headerExtensions": [
            {"kind": kind, "uri": MID, "preferredId": _MID_ID, "preferredEncrypt": False, "direction": "recvonly"}
            for kind in CODECS
        ],
    }


class UpFormat(NamedTuple):
    """How a sender's packets can be known: by SSRC, or by MID until the first packet has shown the SSRC."""

    ssrc: int | None
    payload_type: int
    mid: bytes
    mid_extension: int


def up_format(kind: Kind, parameters: RtpParameters) -> UpFormat:
    """What a sender's rtpParameters mean to us. Raises Fault `unsupported_codec` or `bad_parameters`."""
    codec, known = parameters.codecs[0], CODECS[kind]
    if codec.mime_type.lower() != known.mime_type.lower() or codec.clock_rate != known.clock_rate:
        raise Fault("unsupported_codec")
    number = codec.payload_type
    # 64 to 95 would be taken for RTCP on the same port (RFC 5761 section 4).
    if number is None or not 0 <= number <= 127 or 64 <= number <= 95:
        raise Fault("bad_parameters")
    if len(parameters.encodings) > 1:
        raise Fault("bad_parameters")
    ssrc = parameters.encodings[0].ssrc if parameters.encodings else None
    mid = (parameters.mid or "").encode()
    mid_extension = next((item.id or 0 for item in parameters.header_extensions if item.uri == MID), 0)
    if ssrc is None and not (mid and 0 < mid_extension < 256):
        raise Fault("bad_parameters")
    return UpFormat(ssrc, number, mid, mid_extension)


def down_parameters(kind: Kind, capabilities: RtpCapabilities, ssrc: int, cname: str) -> dict[str, Any]:
    """`rtpParameters` for a receiver's `consume`. Raises Fault `unsupported_codec` if it cannot receive the codec."""
    known = CODECS[kind]
    if not any(codec.mime_type.lower() == known.mime_type.lower() for codec in capabilities.codecs):
        raise Fault("unsupported_codec")
    return {
        "codecs": [{"payloadType": known.payload_type, **_words(known)}],
        "headerExtensions": [],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": cname, "reducedSize": True, "mux": True},
    }
