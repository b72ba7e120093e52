"""Every room of the relay, and the appliance's truth about who is in them. What it did not say is refused."""

from __future__ import annotations

from collections.abc import Mapping

from media import limits
from media.faults import Fault
from media.messages import Permission
from media.outputs import Dice, Output
from media.room import Room


class Rooms:
    """Rooms by id. A room exists while somebody has a permission in it."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._rooms: dict[str, Room] = {}
        self._left: list[Output] = []

    def get(self, room: str) -> Room | None:
        return self._rooms.get(room)

    def room(self, room: str) -> Room:
        """Raises Fault `not_admitted` for a room nobody is admitted to."""
        known = self._rooms.get(room)
        if known is None:
            raise Fault("not_admitted")
        return known

    def admitted(self, truth: Mapping[str, Mapping[str, Permission]]) -> None:
        """Take the whole truth: close what is not in it, leave the rest undisturbed, add what is new.

        Raises Fault `limit` for what does not fit; by then everything that had to close is closed.
        """
        for name in [name for name in self._rooms if name not in truth]:
            self.close_room(name)
        for name, members in truth.items():
            room = self._rooms.get(name)
            for member in [] if room is None else [item for item in room.permissions if item not in members]:
                self.remove(name, member)
        fault: Fault | None = None
        for name, members in truth.items():
            for member, permission in members.items():
                try:
                    self.permit(name, member, permission)
                except Fault as refused:
                    fault = refused
        if fault is not None:
            raise fault

    def permit(self, room: str, member: str, permission: Permission) -> None:
        known = self._rooms.get(room)
        if known is None:
            if len(self._rooms) >= limits.MAX_ROOMS:
                raise Fault("limit")
            known = self._rooms[room] = Room(room, self._dice)
        known.permit(member, permission)

    def remove(self, room: str, member: str) -> None:
        known = self._rooms.get(room)
        if known is None:
            return
        known.remove(member)
        if not known.permissions:
            self._left += known.outputs
            del self._rooms[room]

    def leave(self, room: str, member: str) -> None:
        known = self._rooms.get(room)
        if known is not None:
            known.leave(member)

    def close_room(self, room: str) -> None:
        known = self._rooms.get(room)
        for member in list(known.permissions) if known is not None else ():
            self.remove(room, member)

    @property
    def deadline(self) -> float | None:
        return min((room.deadline for room in self._rooms.values() if room.deadline is not None), default=None)

    def tick(self, now: float) -> None:
        for room in self._rooms.values():
            room.tick(now)

    def drain(self) -> list[Output]:
        """Everything that has to happen outside, in order, once."""
        drained, self._left = self._left, []
        for room in self._rooms.values():
            if room.outputs:
                drained += room.outputs
                room.outputs = []
        return drained
