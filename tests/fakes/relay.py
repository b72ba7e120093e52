"""A relay in memory, as `appliance.live` sees it: who may send and receive, and what was asked of it."""

from __future__ import annotations

from typing import Any

from media.client import Permission, RelayFault


class FakeRelay:
    """Keeps the permissions it was told. `connected` can be switched off: then everything raises RelayFault("away")."""

    def __init__(self) -> None:
        self.connected = True
        self.rooms: dict[str, set[str]] = {}
        self.left: list[tuple[str, str]] = []
        self.requests: list[tuple[str, str, str]] = []
        self.uncounted: set[str] = set()
        self.quiet: set[str] = set()  # in a room, and may neither send nor receive
        self.carries = 1000  # people, in all rooms; those beyond do not count

    async def permit(self, room: str, member: str, permission: Permission) -> None:
        self._there()
        assert permission.sealed and permission.send == (("audio", "video") if permission.receive else ())
        (self.quiet.discard if permission.receive else self.quiet.add)(member)
        (self.uncounted.discard if permission.counted else self.uncounted.add)(member)
        self.rooms.setdefault(room, set()).add(member)

    async def remove(self, room: str, member: str) -> None:
        self._there()
        self.rooms.get(room, set()).discard(member)

    async def leave(self, room: str, member: str) -> None:
        self._there()
        self.left.append((room, member))

    async def close_room(self, room: str) -> None:
        self._there()
        self.rooms.pop(room, None)

    async def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        self._there()
        if member not in self.rooms.get(room, ()):
            raise RelayFault("not_admitted")
        if member in self.quiet:
            raise RelayFault("not_permitted")
        self.requests.append((room, member, method))
        return {"echo": data}

    async def fits(self, room: str) -> dict[str, Any]:
        self._there()
        people = len({member for members in self.rooms.values() for member in members} - self.uncounted)
        return {"fits": people < self.carries, "people": len(self.rooms.get(room, ()))}

    async def counts(self) -> dict[str, Any]:
        self._there()
        people = sum(map(len, self.rooms.values()))
        return {"capacity": {"share": people / self.carries, "people": people}}

    def _there(self) -> None:
        if not self.connected:
            raise RelayFault("away")
