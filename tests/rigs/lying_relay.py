"""A relay that lies about who sends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def swaps_streams() -> None:
    """Once the file HEARTH_RIG_FLAG is there, each receiver gets the streams of two senders under each other's name."""
    from media.room.rooms import Rooms

    tick, swapped = Rooms.tick, set[str]()

    def lying_tick(self: Any, now: float) -> Any:
        for id, room in self._rooms.items():
            if id not in swapped and Path(os.environ["HEARTH_RIG_FLAG"]).exists():
                swapped.add(id)
                _swap(room, now)
        return tick(self, now)

    Rooms.tick = lying_tick  # type: ignore[method-assign]


def _swap(room: Any, now: float) -> None:
    """Whoever receives from two others gets each one's sound and picture as the other's from now on."""
    for kind in ("audio", "video"):
        by_receiver: dict[str, list[Any]] = {}
        for up in room.roster.tracks.values():
            for down in up.downs:
                if up.kind == kind:
                    by_receiver.setdefault(down.transport.member, []).append(down)
        for first, second, *_ in (pair for pair in by_receiver.values() if len(pair) > 1):
            for down, up in ((first, second.up), (second, first.up)):
                down.up.downs.remove(down)
                room.roster.plane.aim(down.number, None)
                down.up, down.aimed = up, None
            for down in (first, second):
                down.up.downs.append(down)
                room.conduct.settle(down.transport, now)
