"""Who and what is in one room: permissions, members, transports, tracks. Finds things, or says which fault it is.

`Numbers` counts for the whole relay: the forwarding plane knows transports, streams and down tracks by number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from media.faults import Fault
from media.messages import Permission
from media.outputs import Dice, EventName, Output, Tell
from media.plane.interface import Plane
from media.room.tracks import DownTrack, Layer, Transport, UpTrack

NOBODY = Permission(send=(), receive=False)


class Numbers:
    """One counter for all rooms, each number given once, and the room it belongs to while it is in use."""

    def __init__(self) -> None:
        self._last = 0
        self._rooms: dict[int, str] = {}

    def take(self, room: str) -> int:
        self._last += 1
        self._rooms[self._last] = room
        return self._last

    def give_back(self, number: int) -> None:
        self._rooms.pop(number, None)

    def room(self, number: int) -> str | None:
        return self._rooms.get(number)

    def __len__(self) -> int:
        return len(self._rooms)


@dataclass(slots=True, eq=False)
class Member:
    """Someone who has joined. `cname` ties their sound to their picture at receivers (RFC 3550 section 6.5.1)."""

    id: str
    cname: str
    transports: dict[str, Transport] = field(default_factory=dict)
    ups: dict[str, UpTrack] = field(default_factory=dict)
    downs: dict[str, DownTrack] = field(default_factory=dict)


class Roster:
    """One room's records. `outputs` is what has to happen outside; whoever drains the room empties it."""

    def __init__(self, room: str, dice: Dice, plane: Plane, numbers: Numbers) -> None:
        self.room, self.dice, self.plane, self.numbers = room, dice, plane, numbers
        self.permissions: dict[str, Permission] = {}
        self.members: dict[str, Member] = {}
        self.transports: dict[str, Transport] = {}
        self.tracks: dict[str, UpTrack] = {}
        # By the plane's numbers.
        self.paths: dict[int, Transport] = {}
        self.streams: dict[int, Layer] = {}
        self.outputs: list[Output] = []

    @property
    def counted(self) -> set[str]:
        """Members with a permission who count towards what machine and line carry, joined or not."""
        return {member for member, permission in self.permissions.items() if permission.counted}

    def joined(self, member: str) -> Member:
        joined = self.members.get(member)
        if joined is None:
            raise Fault("not_joined")
        return joined

    def transport(self, member: str, id: str) -> Transport:
        transport = self.joined(member).transports.get(id)
        if transport is None:
            raise Fault("unknown_transport")
        return transport

    def up(self, member: str, id: str) -> UpTrack:
        up = self.joined(member).ups.get(id)
        if up is None:
            raise Fault("unknown_track")
        return up

    def down(self, member: str, id: str) -> DownTrack:
        down = self.joined(member).downs.get(id)
        if down is None:
            raise Fault("unknown_down_track")
        return down

    def permission(self, member: str) -> Permission:
        return self.permissions.get(member, NOBODY)

    def leads(self) -> list[str]:
        return [member for member in self.members if self.permission(member).leads]

    def number(self) -> int:
        return self.numbers.take(self.room)

    def ssrc(self, *taken: int) -> int:
        """Not 0, and none of `taken`."""
        ssrc = 0
        while ssrc == 0 or ssrc in taken:
            ssrc = self.dice.number(0x100000000)
        return ssrc

    def others(self, member: str) -> list[dict[str, Any]]:
        """The tracks that this member may receive, in the protocol's words."""
        if not self.permission(member).receive:
            return []
        return [words(up) for up in self.tracks.values() if up.member != member]

    def tell(self, member: str, event: EventName, data: dict[str, Any]) -> None:
        self.outputs.append(Tell(self.room, member, event, data))

    def tell_others(self, member: str | None, event: EventName, data: dict[str, Any]) -> None:
        """All who have joined and may receive, but for `member`."""
        for other in self.members:
            if other != member and self.permission(other).receive:
                self.tell(other, event, data)


def words(up: UpTrack) -> dict[str, Any]:
    return {"track": up.id, "member": up.member, "kind": up.kind, "paused": up.paused}
