"""Who has the floor: whose sound goes out, who is told that they speak, who spoke how long. `speakers.py` decides.

By the sound-level extension alone. A voice without it is always forwarded and never counts as speaking. Where there are
no more voices than would be forwarded anyway, all are: in a small room nobody's first word is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from media import limits
from media.bandwidth.limits import MAX_VOICES
from media.plane.interface import Level
from media.room.roster import Roster
from media.room.speakers import Speakers
from media.room.tracks import UpTrack


class Floor:
    """Of one room. Times are monotonic seconds."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._speakers = Speakers()
        self._told: dict[str, Any] = {"speakers": [], "active": None}
        self._told_at = float("-inf")
        self._told_talk: dict[str, int] = {}

    @property
    def active(self) -> str | None:
        return self._speakers.active

    @property
    def recency(self) -> list[str]:
        return self._speakers.recency

    def lead(self, member: str, leads: bool) -> None:
        self._speakers.always(member, leads)

    def leave(self, member: str) -> None:
        """Gone for now; what they said still counts."""
        self._speakers.leave(member)

    def remove(self, member: str) -> None:
        self._speakers.remove(member)

    def hear(self, levels: Sequence[Level], now: float) -> bool:
        """What the plane heard since the last call. True if who is forwarded or active has changed."""
        before = (self._speakers.forwarded, self._speakers.active)
        heard: dict[str, tuple[int, int, int]] = {}
        for level in levels:
            layer = self._roster.streams.get(level.stream)
            if layer is not None and not layer.up.paused:
                packets, voiced, loudness = heard.get(layer.up.member, (0, 0, 0))
                heard[layer.up.member] = (packets + level.packets, voiced + level.voiced, loudness + level.loudness)
        self._speakers.hear(heard, now)
        return (self._speakers.forwarded, self._speakers.active) != before

    def forwarded(self, up: UpTrack) -> bool:
        return not up.format.plane.level or up.member in self._speakers.forwarded or self._few()

    def _few(self) -> bool:
        voices = {other.member for other in self._roster.tracks.values() if other.kind == "audio"}
        return len(voices) <= MAX_VOICES

    def tell(self, now: float) -> None:
        """`speakers` to all who receive, if it has changed; who is louder than whom among the same, now and then."""
        active = self._speakers.active
        data = {"speakers": list(self._speakers.ranking), "active": active if active in self._roster.members else None}
        if data == self._told or (_same(data, self._told) and now - self._told_at < limits.ORDER_INTERVAL):
            return
        self._told, self._told_at = data, now
        self._roster.tell_others(None, "speakers", data)

    def tell_one(self, member: str) -> None:
        """The newest `speakers` to someone who has just come, if anybody has spoken."""
        if self._told["active"] is not None:
            self._roster.tell(member, "speakers", self._told)

    def tell_talk_time(self) -> None:
        """`talkTime` to those who lead, if anybody has spoken since the last."""
        seconds = {member: int(time) for member, time in self._speakers.talk_seconds.items()}
        leads = self._roster.leads()
        if seconds != self._told_talk and leads:
            self._told_talk = seconds
            for member in leads:
                self._roster.tell(member, "talkTime", {"seconds": seconds})


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether they name the same, in whatever order."""
    return one["active"] == other["active"] and sorted(one["speakers"]) == sorted(other["speakers"])
