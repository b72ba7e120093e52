"""PROTOCOL.md as types: relay.sock's lines, and the `data` of every request a browser may make.

msgspec checks types and bounds while decoding. Unknown fields are ignored, so that ORTC dictionaries of any browser
are taken as they come; an unknown kind of message is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from media import limits

Kind = Literal["audio", "video"]
Direction = Literal["send", "receive"]
Id = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_LENGTH, pattern="^[A-Za-z0-9_-]+$")]
Word = Annotated[str, Meta(max_length=limits.MAX_ID_LENGTH)]
Text = Annotated[str, Meta(max_length=256)]
# RFC 8852 section 3.1: letters and digits only; browsers' and mediasoup's are shorter than this.
Rid = Annotated[str, Meta(min_length=1, max_length=16, pattern="^[A-Za-z0-9]+$")]
Pixels = Annotated[int, Meta(ge=0, le=16_384)]
Unsigned32 = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


class Permission(Struct, frozen=True):
    """What one member may do in one room: kinds to send, and whether to receive the others.

    `sealed`: of what they send only sealed frames are forwarded. A line without the field means that too.
    `leads`: their voice is always forwarded, their picture never left out, and they are told who speaks how long.
    `counted`: whether they count towards what the machine and its line carry (`media/room/capacity.py`).
    """

    send: tuple[Kind, ...]
    receive: bool
    sealed: bool = True
    leads: bool = False
    counted: bool = True


# --- relay.sock, appliance to relay --------------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag_field="type", tag="hello"):
    version: int


class Admitted(Struct, frozen=True, tag_field="type", tag="admitted"):
    """The whole truth: every room and member. What is not in it is closed."""

    rooms: dict[Id, dict[Id, Permission]]


class Permit(Struct, frozen=True, tag_field="type", tag="permit"):
    id: int
    room: Id
    member: Id
    permission: Permission


class Remove(Struct, frozen=True, tag_field="type", tag="remove"):
    id: int
    room: Id
    member: Id


class Leave(Struct, frozen=True, tag_field="type", tag="leave"):
    id: int
    room: Id
    member: Id


class CloseRoom(Struct, frozen=True, tag_field="type", tag="closeRoom"):
    id: int
    room: Id


class Request(Struct, frozen=True, tag_field="type", tag="request"):
    id: int
    room: Id
    member: Id
    method: Word
    data: dict[str, Any]


class Counts(Struct, frozen=True, tag_field="type", tag="counts"):
    """Ask for the process's figures; for benches and the console's health screen."""

    id: int


class Fits(Struct, frozen=True, tag_field="type", tag="fits"):
    """Ask whether one more person with picture and sound fits into a room, by what the machine and its line carry."""

    id: int
    room: Id


ToRelay = Hello | Admitted | Permit | Remove | Leave | CloseRoom | Request | Counts | Fits


# --- relay.sock, relay to appliance --------------------------------------------------------------------------------


class Welcome(Struct, frozen=True, tag_field="type", tag="welcome"):
    """`instance` changes when the relay was started anew: then no transport of before is left."""

    version: int
    instance: str


class Reply(Struct, frozen=True, tag_field="type", tag="reply"):
    id: int
    data: Mapping[str, Any]


class Refused(Struct, frozen=True, tag_field="type", tag="fault"):
    """`id` is 0 when the line itself could not be read."""

    id: int
    code: str
    sentence: str


class Event(Struct, frozen=True, tag_field="type", tag="event"):
    room: str
    member: str
    event: str
    data: dict[str, Any]


FromRelay = Welcome | Reply | Refused | Event


# --- a browser's requests ------------------------------------------------------------------------------------------


class _Browser(Struct, frozen=True, rename="camel"):
    pass


class Feedback(_Browser, frozen=True):
    type: Word
    parameter: Word = ""


class Codec(_Browser, frozen=True):
    """Of `parameters` the relay reads `apt` of a repair codec (RFC 4588 section 8.1)."""

    mime_type: Word
    clock_rate: int
    # rtpParameters say payloadType, rtpCapabilities say preferredPayloadType.
    payload_type: int | None = None
    preferred_payload_type: int | None = None
    parameters: dict[str, Any] | None = None
    rtcp_feedback: Annotated[tuple[Feedback, ...], Meta(max_length=limits.MAX_FEEDBACK)] = ()


class HeaderExtension(_Browser, frozen=True):
    """rtpParameters say id, rtpCapabilities say preferredId."""

    uri: Text
    id: int | None = None
    preferred_id: int | None = None


class Repair(_Browser, frozen=True):
    ssrc: Unsigned32


class Encoding(_Browser, frozen=True):
    """One layer. `max_bitrate` in bit/s; `scale_resolution_down_by` 1 for the full picture."""

    ssrc: Unsigned32 | None = None
    rid: Rid | None = None
    rtx: Repair | None = None
    max_bitrate: Annotated[int, Meta(ge=0, le=100_000_000)] | None = None
    scale_resolution_down_by: Annotated[float, Meta(ge=1, le=64)] | None = None


class RtpParameters(_Browser, frozen=True):
    codecs: Annotated[tuple[Codec, ...], Meta(min_length=1, max_length=limits.MAX_CODECS)]
    encodings: Annotated[tuple[Encoding, ...], Meta(max_length=limits.MAX_LAYERS)] = ()
    header_extensions: Annotated[tuple[HeaderExtension, ...], Meta(max_length=limits.MAX_HEADER_EXTENSIONS)] = ()
    mid: Word | None = None


class RtpCapabilities(_Browser, frozen=True):
    codecs: Annotated[tuple[Codec, ...], Meta(max_length=limits.MAX_CODECS)] = ()
    header_extensions: Annotated[tuple[HeaderExtension, ...], Meta(max_length=limits.MAX_HEADER_EXTENSIONS)] = ()


class Fingerprint(_Browser, frozen=True):
    algorithm: Word
    value: Text


class DtlsParameters(_Browser, frozen=True):
    fingerprints: Annotated[tuple[Fingerprint, ...], Meta(min_length=1, max_length=limits.MAX_FINGERPRINTS)]
    role: Literal["auto", "client", "server"] = "auto"


class Nothing(_Browser, frozen=True):
    """Data of `join` and `resync`."""


class CreateTransport(_Browser, frozen=True):
    direction: Direction


class ConnectTransport(_Browser, frozen=True):
    transport: Id
    dtls_parameters: DtlsParameters


class SendTrack(_Browser, frozen=True):
    transport: Id
    kind: Kind
    rtp_parameters: RtpParameters


class ReceiveTrack(_Browser, frozen=True):
    track: Id
    transport: Id
    rtp_capabilities: RtpCapabilities = field(default_factory=RtpCapabilities)


class RestartIce(_Browser, frozen=True):
    transport: Id


class ShowDownTrack(_Browser, frozen=True):
    """Pixels of the screen that the picture fills; 0 by 0 while it is not shown."""

    down_track: Id
    width: Pixels
    height: Pixels


class OwnTrack(_Browser, frozen=True):
    """Data of pauseTrack, resumeTrack, closeTrack."""

    track: Id


class OwnDownTrack(_Browser, frozen=True):
    """Data of resumeDownTrack, closeDownTrack."""

    down_track: Id
