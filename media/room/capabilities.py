"""Codecs and header extensions the relay speaks, in mediasoup's ORTC words: to a sender, and to a receiver.

No video-orientation: without it browsers turn the pixels themselves, and every receiver shows them upright.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from media.faults import Fault
from media.messages import Kind, RtpCapabilities

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
TRANSPORT_SEQUENCE_ID = 5
# (kind, uri, id, direction as seen from here). Only the transport-wide number is written on the way down.
EXTENSIONS: tuple[tuple[Kind, str, int, str], ...] = (
    ("audio", MID, 1, "recvonly"),
    ("video", MID, 1, "recvonly"),
    ("video", RID, 2, "recvonly"),
    ("video", REPAIRED_RID, 3, "recvonly"),
    ("audio", LEVEL, 4, "recvonly"),
    ("audio", TRANSPORT_SEQUENCE, TRANSPORT_SEQUENCE_ID, "recvonly"),
    ("video", TRANSPORT_SEQUENCE, TRANSPORT_SEQUENCE_ID, "sendrecv"),
)
RTX_PAYLOAD_TYPE = 97
_TRANSPORT_CC = "transport-cc"


class ForwardedCodec(NamedTuple):
    """One codec the relay forwards. `payload_type` is what every receiver sees, whatever the sender used."""

    mime_type: str
    payload_type: int
    clock_rate: int
    channels: int | None
    parameters: dict[str, int]
    feedback: tuple[tuple[str, str], ...]


CODECS: dict[Kind, ForwardedCodec] = {
    "audio": ForwardedCodec("audio/opus", 111, 48_000, 2, {"minptime": 10, "useinbandfec": 1}, (("nack", ""),)),
    "video": ForwardedCodec(
        "video/VP8",
        96,
        90_000,
        None,
        {},
        (("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""), (_TRANSPORT_CC, "")),
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


def _rtx_words() -> dict[str, Any]:
    video = CODECS["video"]
    return {
        "mimeType": "video/rtx",
        "clockRate": video.clock_rate,
        "parameters": {"apt": video.payload_type},
        "rtcpFeedback": [],
    }


def router_capabilities() -> dict[str, Any]:
    """`rtpCapabilities` for mediasoup-client's `Device.load`."""
    codecs: list[dict[str, Any]] = [
        {"kind": kind, "preferredPayloadType": codec.payload_type, **_words(codec)} for kind, codec in CODECS.items()
    ]
    return {
        "codecs": [*codecs, {"kind": "video", "preferredPayloadType": RTX_PAYLOAD_TYPE, **_rtx_words()}],
        "headerExtensions": [
            {"kind": kind, "uri": uri, "preferredId": id, "preferredEncrypt": False, "direction": direction}
            for kind, uri, id, direction in EXTENSIONS
        ],
    }


# --- what a receiver can receive -----------------------------------------------------------------------------------


class DownAbility(NamedTuple):
    """What one receiver understands of a kind. Transport-wide numbers only together with RTX (plane/interface.py)."""

    rtx: bool
    transport_sequence: bool


def down_ability(kind: Kind, capabilities: RtpCapabilities) -> DownAbility:
    """Raises Fault `unsupported_codec` if it cannot receive the codec at all."""
    known = CODECS[kind].mime_type.lower()
    codec = next((item for item in capabilities.codecs if item.mime_type.lower() == known), None)
    if codec is None:
        raise Fault("unsupported_codec")
    rtx = kind == "video" and any(item.mime_type.lower() == "video/rtx" for item in capabilities.codecs)
    numbered = any(
        item.uri == TRANSPORT_SEQUENCE and item.preferred_id in (None, TRANSPORT_SEQUENCE_ID)
        for item in capabilities.header_extensions
    )
    return DownAbility(rtx, rtx and numbered and any(item.type == _TRANSPORT_CC for item in codec.rtcp_feedback))


def down_parameters(kind: Kind, ability: DownAbility, ssrc: int, rtx_ssrc: int, cname: str) -> dict[str, Any]:
    """`rtpParameters` for a receiver's `consume`."""
    codec = _words(CODECS[kind])
    unused = "goog-remb" if ability.transport_sequence else _TRANSPORT_CC  # one estimate of a path is enough
    codec["rtcpFeedback"] = [item for item in codec["rtcpFeedback"] if item["type"] != unused]
    codecs = [{"payloadType": CODECS[kind].payload_type, **codec}]
    encoding: dict[str, Any] = {"ssrc": ssrc}
    if ability.rtx:
        codecs.append({"payloadType": RTX_PAYLOAD_TYPE, **_rtx_words()})
        encoding["rtx"] = {"ssrc": rtx_ssrc}
    extensions = [{"uri": TRANSPORT_SEQUENCE, "id": TRANSPORT_SEQUENCE_ID, "encrypt": False, "parameters": {}}]
    return {
        "codecs": codecs,
        "headerExtensions": extensions if ability.transport_sequence else [],
        "encodings": [encoding],
        "rtcp": {"cname": cname, "reducedSize": True, "mux": True},
    }
