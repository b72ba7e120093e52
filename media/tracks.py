"""What a room holds: transports, up tracks, and their receivers. Plain records; `room.py` links and unlinks them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from media import limits
from media.capabilities import CODECS
from media.formats import UpFormat
from media.forward import DownTrack, Flow
from media.keyframes import KeyFrameAsker
from media.messages import Direction, Kind
from media.repair import AskedUp, PacketCache
from media.reports import ReceiveStatistics
from media.sealed import Judge


@dataclass(slots=True, eq=False)
class Transport:
    """One ICE and DTLS path of one member. `ssrc` and `cname` are the relay's own, for its RTCP on this path."""

    id: str
    member: str
    direction: Direction
    ssrc: int
    cname: str
    state: Literal["new", "connecting", "ready"] = "new"
    ups: dict[int, UpTrack] = field(default_factory=dict)
    # Up tracks whose SSRC is not known yet, by MID.
    unnamed: dict[bytes, UpTrack] = field(default_factory=dict)
    downs: dict[int, Receiver] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class UpTrack:
    """A track towards us. `key_frames` is None for audio, `judge` for a member whose frames need not be sealed."""

    id: str
    member: str
    kind: Kind
    transport: Transport
    format: UpFormat
    cname: str
    ssrc: int | None
    payload_type: int
    cache: PacketCache
    statistics: ReceiveStatistics
    key_frames: KeyFrameAsker | None
    judge: Judge | None
    paused: bool = False
    asked: AskedUp = field(default_factory=AskedUp)
    receivers: list[Receiver] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Receiver:
    """A down track and the wiring around it. It flows while the browser has resumed it, its transport is ready, and
    the sender has not paused."""

    id: str
    up: UpTrack
    transport: Transport
    track: DownTrack
    resumed: bool = False


def new_up_track(id: str, kind: Kind, transport: Transport, format: UpFormat, cname: str, sealed: bool) -> UpTrack:
    return UpTrack(
        id,
        transport.member,
        kind,
        transport,
        format,
        cname,
        format.layers[0].ssrc,
        format.payload_type,
        _new_cache(kind),
        ReceiveStatistics(CODECS[kind].clock_rate),
        KeyFrameAsker() if kind == "video" else None,
        Judge(kind) if sealed else None,
    )


def _new_cache(kind: Kind) -> PacketCache:
    if kind == "video":
        return PacketCache(limits.VIDEO_CACHE_PACKETS, limits.VIDEO_CACHE_BYTES)
    return PacketCache(limits.AUDIO_CACHE_PACKETS, limits.AUDIO_CACHE_BYTES)


def require_sealed(up: UpTrack, sealed: bool) -> None:
    """From the next packet on. What was kept unsealed is forgotten, so that no NACK brings it back."""
    if sealed == (up.judge is not None):
        return
    up.judge = Judge(up.kind) if sealed else None
    up.cache = _new_cache(up.kind)


def settle(receiver: Receiver, now: float) -> None:
    """Let a down track flow or hold by its three conditions, and want a key frame when it begins to flow."""
    up, track = receiver.up, receiver.track
    if not (receiver.resumed and receiver.transport.state == "ready" and not up.paused):
        track.hold()
    elif track.flow is Flow.HELD:
        track.resume()
        if up.key_frames is not None:
            up.key_frames.want(now)
