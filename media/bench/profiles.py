"""The loads of the bench: what everybody sends, and who receives it. Pure.

    call   everyone sends a 20/s thumbnail, a 110/s picture and a 50/s voice; everyone receives the thumbnails of all
           others, one speaker's picture and three voices: 2,160 packets/s in, 12 x (220 + 110 + 150) = 5,760 out
    mesh   everyone sends one picture of 100 packets/s, everyone receives all of them: 1,200 in, 13,200 out

Nobody receives what they sent. So that each of the three speakers too has three voices, a fourth member is always
forwarded (a facilitator) and heard by those three alone; the first speaker sees the second one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from media.messages import Kind

PEOPLE = 12
SPEAKERS = 3
# The member whose voice is forwarded whoever is loudest.
LEADS = 3


@dataclass(frozen=True)
class Stream:
    """One up track of everybody. `watched(sender, receiver)`: who receives it; `size` in bytes of RTP payload,
    `per_frame` packets of one frame, which share a timestamp."""

    kind: Kind
    rate: int
    size: int
    per_frame: int
    watched: Callable[[int, int], bool]


@dataclass(frozen=True)
class Sending:
    """One stream of one person of one room. SSRCs are unique over all rooms; the repair stream's is one more."""

    room: int
    person: int
    number: int
    stream: Stream
    # Share of its interval by which it is late, so that no two sources send at once.
    phase: float

    @property
    def ssrc(self) -> int:
        return 100_000 * (self.room + 1) + 100 * (self.person + 1) + 2 * self.number

    @property
    def watchers(self) -> list[int]:
        return [other for other in range(PEOPLE) if other != self.person and self.stream.watched(self.person, other)]


PROFILES: dict[str, tuple[Stream, ...]] = {
    "call": (
        Stream("video", 20, 900, 2, lambda sender, receiver: True),
        Stream("video", 110, 1100, 4, lambda sender, receiver: sender == (1 if receiver == 0 else 0)),
        Stream("audio", 50, 120, 1, lambda sender, receiver: sender < SPEAKERS + (receiver < SPEAKERS)),
    ),
    "mesh": (Stream("video", 100, 1100, 4, lambda sender, receiver: True),),
}


def sendings(profile: str, rooms: int = 1) -> Iterator[Sending]:
    """Everything that is sent. Phases are a golden-ratio sequence: spread evenly, however many there are."""
    count = 0
    for room in range(rooms):
        for person in range(PEOPLE):
            for number, stream in enumerate(PROFILES[profile]):
                count += 1
                yield Sending(room, person, number, stream, count * 0.6180339887 % 1)


def level(person: int) -> int:
    """RFC 6464 level of a voice, in -dBov, with the bit for voice: speakers from 20 down, the others quiet."""
    return 0x80 | 20 + 2 * person if person < SPEAKERS else 90


def packets_in(profile: str, rooms: int = 1) -> int:
    """Packets a second that a relay is sent."""
    return sum(item.stream.rate for item in sendings(profile, rooms))


def packets_out(profile: str, rooms: int = 1) -> int:
    """Packets a second that it has to send, repairs aside."""
    return sum(item.stream.rate * len(item.watchers) for item in sendings(profile, rooms))
