"""What a room holds: transports, up tracks with their layers, and down tracks. Plain records; `wiring.py` links them.

`number` is what the forwarding plane knows a thing by; ids are what pages know it by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from media import limits
from media.bandwidth.estimate import PathEstimate
from media.messages import Direction, Kind
from media.plane.interface import Extensions, StreamFormat
from media.room.capabilities import CODECS, DownAbility
from media.room.formats import LayerFormat, UpFormat
from media.room.keyframes import KeyFrameAsker
from media.room.layers import Allocation
from media.room.reports import LayerStatistics

NO_EXTENSIONS = Extensions()
Reason = Literal["lastN", "line", "capacity"]


@dataclass(slots=True, eq=False)
class Transport:
    """One ICE and DTLS path of one member. `ssrc` and `cname` are the relay's own, for its RTCP on this path.

    `path` is what we believe of the line to a receiver.
    """

    id: str
    number: int
    member: str
    direction: Direction
    ssrc: int
    cname: str
    state: Literal["new", "connecting", "ready"] = "new"
    ups: dict[str, UpTrack] = field(default_factory=dict)
    downs: dict[int, DownTrack] = field(default_factory=dict)
    # What is known by SSRC, of media and of repair.
    layers: dict[int, Layer] = field(default_factory=dict)
    extensions: Extensions = NO_EXTENSIONS
    path: PathEstimate | None = None
    allocation: Allocation | None = None
    # Bits per second that its wishes would take with no bound on the line: nobody probes further.
    best: float = 0.0
    # What was believed of the line when its layers were chosen.
    settled_bps: float = 0.0


@dataclass(slots=True, eq=False)
class Layer:
    """One RTP stream towards us: one of the layers of a picture, or a voice. `ssrc` is None until its first packet.

    `key_frames` is None for sound.
    """

    number: int
    up: UpTrack
    index: int
    format: LayerFormat
    ssrc: int | None
    rtx_ssrc: int | None
    key_frames: KeyFrameAsker | None
    statistics: LayerStatistics
    # What the plane was told last.
    sealed: bool = True

    def passes(self, ssrc: int) -> bool:
        """Whether the plane takes packets of this SSRC for it."""
        repairs = ssrc == self.rtx_ssrc and self.up.format.rtx_payload_type is not None
        return self.ssrc is not None and (ssrc == self.ssrc or repairs)

    def stream_format(self, ssrc: int) -> StreamFormat:
        """As the plane is told."""
        format, codec = self.up.format, CODECS[self.up.kind]
        rtx = None
        if self.rtx_ssrc is not None and format.rtx_payload_type is not None:
            rtx = (self.rtx_ssrc, format.rtx_payload_type)
        return StreamFormat(
            self.up.kind,
            ssrc,
            {format.payload_type: codec.payload_type},
            codec.clock_rate,
            rtx,
            nack=True,
            sealed=self.up.sealed,
        )


@dataclass(slots=True, eq=False)
class UpTrack:
    """A track towards us: one to three layers, the lowest first."""

    id: str
    member: str
    kind: Kind
    transport: Transport
    format: UpFormat
    cname: str
    sealed: bool
    layers: list[Layer] = field(default_factory=list)
    paused: bool = False
    downs: list[DownTrack] = field(default_factory=list)
    # How many layers its sender was told that anybody wants, and since when fewer would do.
    layers_told: int = limits.MAX_LAYERS
    fewer_since: float | None = None


@dataclass(slots=True, eq=False)
class DownTrack:
    """A track to one receiver. It flows while the browser has resumed it, its transport is ready, the sender has not
    paused, and `conduct.py` has found room for it."""

    id: str
    number: int
    up: UpTrack
    transport: Transport
    ssrc: int
    rtx_ssrc: int
    ability: DownAbility
    resumed: bool = False
    # Pixels of the tile; the page says them with `showDownTrack`.
    width: int = limits.TILE_WIDTH
    height: int = limits.TILE_HEIGHT
    # What the plane was told to take it to, and what the page was told of it.
    aimed: Layer | None = None
    paused_for: Reason | None = None
    # Of the receiver's last report: fraction lost in 1/256, and the extended number it reached.
    fraction: int = 0
    reported: int = 0
    # Middle 32 bits of the sender reports sent to it, and when: the echo in its report gives the round trip.
    clocks: dict[int, float] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.resumed and self.transport.state == "ready"

    def clock_sent(self, middle: int, now: float) -> None:
        """A sender report left with this middle part of its NTP time."""
        self.clocks[middle] = now
        if len(self.clocks) > limits.MAX_CLOCKS:
            del self.clocks[next(iter(self.clocks))]
