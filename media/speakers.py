"""Who is heard: the loudest voices, the active speaker, the order of recency and talk time, by RFC 6464 levels alone.

Loudness is 127 - level: 0 is silence, 127 the loudest there is, one step a decibel. No payload is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping


class Speakers:
    """Of one room. Members are opaque ids; whoever was heard or is always heard is known until `remove`."""

    @property
    def forwarded(self) -> frozenset[str]:
        """Whose sound goes out."""
        raise NotImplementedError

    @property
    def active(self) -> str | None:
        """Whose picture is large. Stays while all are silent."""
        raise NotImplementedError

    @property
    def ranking(self) -> list[str]:
        """Those who speak now, the loudest first, MAX_VOICES at most."""
        raise NotImplementedError

    @property
    def recency(self) -> list[str]:
        """All known members, who spoke last first; who never spoke comes last, in order of appearance."""
        raise NotImplementedError

    @property
    def talk_seconds(self) -> Mapping[str, float]:
        raise NotImplementedError

    def hear(self, levels: Mapping[str, tuple[int, int, int]], now: float) -> None:
        """What came since the last call: member to (packets, voiced packets, sum of loudness). Call it each
        HEAR_INTERVAL, also when nothing came: silence is news too.
        """
        raise NotImplementedError

    def always(self, member: str, always: bool) -> None:
        """Whether this member's sound goes out whatever they do; takes none of the others' places."""
        raise NotImplementedError

    def remove(self, member: str) -> None:
        raise NotImplementedError
