"""Every room of the relay, and the appliance's truth about who is in them. What it did not say is refused.

Also the one way between the rooms and the forwarding plane they share: packets in, and what the plane has noticed.
"""

from __future__ import annotations

from collections.abc import Mapping

from media import limits
from media.faults import Fault, MediaFault
from media.messages import Permission
from media.outputs import Dice, Output
from media.plane.interface import Event, Out, Plane
from media.room.adopt import adopt
from media.room.capacity import Budget, Sharing, room_for_one_more, share_of
from media.room.feedback import receive_rtcp
from media.room.pulse import Pulse
from media.room.room import Room
from media.room.roster import Numbers

UNBOUNDED = Budget()


class Rooms:
    """Rooms by id. A room exists while somebody has a permission in it. Times are monotonic seconds.

    `deadline` is when `tick` has to be called next; None for never.
    """

    def __init__(self, dice: Dice, plane: Plane, last_n: int = limits.LAST_N, budget: Budget = UNBOUNDED) -> None:
        self._dice, self._plane, self._last_n, self._budget = dice, plane, last_n, budget
        self._numbers = Numbers()
        self._rooms: dict[str, Room] = {}
        self._left: list[Output] = []
        self._pulse = Pulse(self._rooms, self._numbers, plane, Sharing(budget, last_n))

    def get(self, room: str) -> Room | None:
        return self._rooms.get(room)

    def room(self, room: str) -> Room:
        """Raises Fault `not_admitted` for a room nobody is admitted to."""
        known = self._rooms.get(room)
        if known is None:
            raise Fault("not_admitted")
        return known

    # --- what the appliance says ---------------------------------------------------------------------------------

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
            known = self._rooms[room] = Room(room, self._dice, self._plane, self._numbers, self._last_n)
        known.permit(member, permission)

    def remove(self, room: str, member: str) -> None:
        known = self._rooms.get(room)
        if known is None:
            return
        known.remove(member)
        if not known.permissions:
            self._left += known.roster.outputs
            del self._rooms[room]

    def leave(self, room: str, member: str) -> None:
        known = self._rooms.get(room)
        if known is not None:
            known.leave(member)

    def close_room(self, room: str) -> None:
        known = self._rooms.get(room)
        for member in list(known.permissions) if known is not None else ():
            self.remove(room, member)

    def fits(self, room: str) -> dict[str, int | bool]:
        """Whether one more person with picture and sound fits, and how many have a permission there."""
        counted, known = self._counted(), self._rooms.get(room)
        people = len(known.permissions) if known is not None else 0
        return {"fits": room_for_one_more(counted, room, self._last_n, self._budget), "people": people}

    def load(self) -> dict[str, float | None]:
        """`share` of the budget that all who may come take with pictures at the lowest layer, 1.0 being all; None
        without a budget. `people`: who have a permission."""
        share = share_of(self._counted().values(), self._last_n, self._budget) if self._budget.known else None
        return {"share": share, "people": sum(len(known.permissions) for known in self._rooms.values())}

    def _counted(self) -> dict[str, int]:
        return {name: len(known.roster.counted) for name, known in self._rooms.items()}

    # --- packets -------------------------------------------------------------------------------------------------

    def receive_rtp(self, transport: int, packet: bytes, now: float) -> list[Out]:
        """One RTP packet in; one for each receiver out. Empty for a transport that is closed.

        Raises MediaFault, or NotSealed before anything of the packet is counted, kept or forwarded.
        """
        if self._numbers.room(transport) is None:
            return []
        sent = self._plane.receive(transport, packet, int(now * 1e9))
        return sent + self.take(now)

    def receive_rtcp(self, transport: int, datagram: bytes, now: float, waited: float = 0.0) -> list[Out]:
        """One RTCP datagram in, which came `waited` seconds ago; repeated packets out. Raises MediaFault."""
        room = self._rooms.get(self._numbers.room(transport) or "")
        path = room.roster.paths.get(transport) if room is not None else None
        if room is None or path is None:
            return []
        return receive_rtcp(room.roster, path, datagram, now, now - waited)

    def take(self, now: float) -> list[Out]:
        """See to what the plane has noticed. To be called after packets that did not come through `receive_rtp`.

        Returns what leaves because of packets that were given in again: those of an SSRC that is known now.
        """
        sent: list[Out] = []
        for event in self._plane.take():
            if event.name == "lacking":
                self._pulse.lacks(now)
            elif event.name == "unknown":
                sent += self._unknown(event, now)
            elif event.name == "key_frame":
                self._key_frame(event.number)
        return sent

    def _unknown(self, event: Event, now: float) -> list[Out]:
        room = self._rooms.get(self._numbers.room(event.number) or "")
        path = room.roster.paths.get(event.number) if room is not None else None
        up = adopt(room.roster, path, event.packet) if room is not None and path is not None else None
        if room is None or up is None:
            return []
        room.conduct.settle_up(up, now)
        try:
            return self._plane.receive(event.number, event.packet, event.now)
        except MediaFault:  # counted by the plane; there is nobody else to tell
            return []

    def _key_frame(self, stream: int) -> None:
        room = self._rooms.get(self._numbers.room(stream) or "")
        layer = room.roster.streams.get(stream) if room is not None else None
        if layer is None or layer.key_frames is None:
            return
        # One that began before somebody aimed at the layer, and is heard of only now, is none for them.
        downs = (down for down in layer.up.downs if down.aimed is layer)
        if all(self._plane.flowing(down.number) == layer.number for down in downs):
            layer.key_frames.seen()

    # --- time ----------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float | None:
        return self._pulse.deadline

    def tick(self, now: float) -> list[Out]:
        """Do what is due at `now`; returns probes of paths, and what `take` returns."""
        return self.take(now) + self._pulse.tick(now)

    def drain(self) -> list[Output]:
        """Everything that has to happen outside, in order, once."""
        drained, self._left = self._left, []
        for room in self._rooms.values():
            if room.roster.outputs:
                drained += room.roster.outputs
                room.roster.outputs = []
        return drained
