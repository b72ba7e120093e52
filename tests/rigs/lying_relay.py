"""A relay that lies about who sends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def swaps_streams() -> None:
    """Once the file HEARTH_RIG_FLAG is there, each receiver gets the streams of two senders under each other's name."""
    from media.room import Room

    receive, swapped = Room.receive_rtp, set[str]()

    def receive_rtp(self: Any, transport: str, packet: bytes, now: float) -> Any:
        if self.id not in swapped and Path(os.environ["HEARTH_RIG_FLAG"]).exists():
            swapped.add(self.id)
            _swap(self, now)
        return receive(self, transport, packet, now)

    Room.receive_rtp = receive_rtp  # type: ignore[method-assign]


def _swap(room: Any, now: float) -> None:
    """Whoever receives from two others gets each one's sound and picture as the other's from now on."""
    for kind in ("audio", "video"):
        by_receiver: dict[str, list[Any]] = {}
        for up in room.tracks.values():
            for receiver in up.receivers:
                if up.kind == kind:
                    by_receiver.setdefault(receiver.transport.member, []).append(receiver)
        for first, second, *_ in (pair for pair in by_receiver.values() if len(pair) > 1):
            for receiver, up in ((first, second.up), (second, first.up)):
                receiver.up.receivers.remove(receiver)
                receiver.track.hold()
                receiver.up = up
            for receiver in (first, second):
                receiver.up.receivers.append(receiver)
                room._settle(receiver, now)
