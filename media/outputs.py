"""What the core hands back to its driver, and the randomness it is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

# One RTP packet to send in clear on a transport: (transport id, new header, payload). The transport seals it.
Packet = tuple[str, bytes, bytes]


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """A transport exists now: listen for STUN with these ICE credentials."""

    room: str
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
    event: str
    data: dict[str, Any]


Output = OpenTransport | ConnectTransport | CloseTransport | SendRtcp | Tell


class Dice(Protocol):
    """Where the core's random numbers come from: `secrets` in the relay, a seeded generator in tests."""

    def token(self, length: int) -> str:
        """`length` characters of [A-Za-z0-9_-] that nobody can guess."""
        ...

    def number(self, below: int) -> int:
        """A number from 0 up to, not including, `below`."""
        ...
