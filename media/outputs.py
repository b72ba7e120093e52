"""What the core hands back to its driver, and the randomness it is handed.

RTP comes as the plane's `Out`; everything else is an `Output`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from media import limits

# PROTOCOL.md section 4.
EventName = Literal[
    "trackAdded",
    "trackRemoved",
    "trackPaused",
    "trackResumed",
    "transportClosed",
    "downTrackPaused",
    "downTrackResumed",
    "layersWanted",
    "speakers",
    "talkTime",
]


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """A transport exists now: listen for STUN with these ICE credentials. `number` is the plane's name for it."""

    room: str
    transport: str
    username: str
    password: str
    number: int


@dataclass(frozen=True, slots=True)
class RestartIce:
    """Other ICE credentials for a transport that stands, in place of those before; all else goes on."""

    transport: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class ConnectTransport:
    """Start DTLS. `role` is ours. `fingerprints`: (algorithm, value) of the peer's certificate."""

    transport: str
    role: str
    fingerprints: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """Nothing may be sent or taken on this transport from now on."""

    transport: str


@dataclass(frozen=True, slots=True)
class SendRtcp:
    transport: str
    packet: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """An event for one member's page."""

    room: str
    member: str
    event: EventName
    data: dict[str, Any]


Output = OpenTransport | RestartIce | ConnectTransport | CloseTransport | SendRtcp | Tell


def joined(outputs: Sequence[Output]) -> list[Output]:
    """The same with fewer datagrams: RTCP for one transport goes as one packet (RFC 3550 section 6.1) up to MAX_RTCP
    bytes, at the place of the first. Never past anything that opens or closes.
    """
    done: list[Output] = []
    waiting: dict[str, list[bytes]] = {}
    for output in outputs:
        if isinstance(output, SendRtcp):
            waiting.setdefault(output.transport, []).append(output.packet)
            continue
        if not isinstance(output, Tell):
            done += _compounds(waiting)
            waiting = {}
        done.append(output)
    return done + _compounds(waiting)


def _compounds(waiting: dict[str, list[bytes]]) -> list[SendRtcp]:
    found = []
    for transport, packets in waiting.items():
        compound = b""
        for packet in packets:
            if compound and len(compound) + len(packet) > limits.MAX_RTCP:
                found.append(SendRtcp(transport, compound))
                compound = b""
            compound += packet
        found.append(SendRtcp(transport, compound))
    return found


class Dice(Protocol):
    """Where the core's random numbers come from: `secrets` in the relay, a seeded generator in tests."""

    def token(self, length: int) -> str:
        """`length` characters of [A-Za-z0-9_-] that nobody can guess."""
        ...

    def number(self, below: int) -> int:
        """A number from 0 up to, not including, `below`."""
        ...
