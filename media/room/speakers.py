"""Who is heard: the loudest voices, the active speaker, the order of recency and talk time, by RFC 6464 levels alone.

    a place is free ............ whoever sends sound has it, silent or not, so that no first word is cut off
    all places are taken ....... who speaks gets the place of who has been silent longest, PLACE_SILENCE at least
    nobody has spoken there .... who is clearly louder over a while gets it, though it may not be speech: a low voice is
    all of them speak .......... who is clearly louder than the quietest of late, takes its place; a cough never is

Those who are always heard have no place and need none.
"""

from __future__ import annotations

from collections.abc import Mapping

from media.bandwidth import limits
from media.room.voices import Voice

_SILENCE = (0, 0, 0)


class Speakers:
    """Of one room. Members are opaque ids; whoever was heard or is always heard is known until `remove`.

    `forwarded`: whose sound goes out. `active`: whose picture is large; stays while all are silent. `ranking`: those
    who speak now and are forwarded, the loudest first, MAX_VOICES at most, changed only for a clear difference.
    `recency`: all known members, who spoke last first, who never spoke at the end in order of appearance.
    """

    __slots__ = ("_always", "_at", "_places", "_voices", "active", "forwarded", "ranking", "recency")

    def __init__(self) -> None:
        self.forwarded: frozenset[str] = frozenset()
        self.active: str | None = None
        self.ranking: list[str] = []
        self.recency: list[str] = []
        self._voices: dict[str, Voice] = {}
        self._always: set[str] = set()
        self._places: list[str] = []
        self._at = 0.0

    @property
    def talk_seconds(self) -> dict[str, float]:
        return {member: voice.talked for member, voice in self._voices.items()}

    def hear(self, levels: Mapping[str, tuple[int, int, int]], now: float) -> None:
        """What came since the last call: member to (packets, voiced packets, sum of loudness).

        Call it each 60 ms at least, for who begins to speak is forwarded by the next call; also when nothing came:
        silence is news too.
        """
        elapsed = min(max(now - self._at, 0.0), limits.MAX_HEAR_INTERVAL)
        self._at = now
        for member in levels:
            self._know(member)
        for member, voice in self._voices.items():
            before = voice.run
            voice.hear(*levels.get(member, _SILENCE), elapsed, now)
            if before < limits.ACTIVE_SPEECH <= voice.run:
                self.recency.remove(member)
                self.recency.insert(0, member)
        self._seat(levels, now)
        self._choose_active(now)
        self._rank(now)

    def always(self, member: str, always: bool) -> None:
        """Whether this member's sound goes out whatever they do."""
        self._know(member)
        if always:
            self._always.add(member)
            self._places = [item for item in self._places if item != member]
        else:
            self._always.discard(member)
        self._forward()

    def leave(self, member: str) -> None:
        """Their sound has ended. Their talk time stays, for they may come back."""
        self._places = [item for item in self._places if item != member]
        self.ranking = [item for item in self.ranking if item != member]
        if self.active == member:
            self.active = None
        if member in self._voices:
            self._voices[member].activity = self._voices[member].run = 0.0
        self._forward()

    def remove(self, member: str) -> None:
        """Forget them altogether."""
        self._always.discard(member)
        self.leave(member)
        if self._voices.pop(member, None) is not None:
            self.recency.remove(member)

    def _know(self, member: str) -> None:
        if member not in self._voices:
            self._voices[member] = Voice()
            self.recency.append(member)

    def _seat(self, levels: Mapping[str, tuple[int, int, int]], now: float) -> None:
        voices = self._voices
        waiting = [member for member in levels if member not in self._places and member not in self._always]
        for member in sorted(waiting, key=lambda item: (voices[item].spoke_at < now, -voices[item].activity)):
            if len(self._places) < limits.MAX_VOICES:
                self._places.append(member)
            elif voices[member].spoke_at == now:
                self._push(member, now)
            else:
                self._creep(member, now)
        self._forward()

    def _push(self, member: str, now: float) -> None:
        """Give `member`, who speaks, the place of somebody who does not, or who is clearly less loud."""
        voices, comer = self._voices, self._voices[member]
        silent = min(self._places, key=lambda item: voices[item].spoke_at)
        quiet = min(self._places, key=lambda item: voices[item].activity)
        if now - voices[silent].spoke_at > limits.PLACE_SILENCE:
            self._places[self._places.index(silent)] = member
        elif comer.activity > voices[quiet].activity + limits.CLEARLY_LOUDER:
            self._places[self._places.index(quiet)] = member

    def _creep(self, member: str, now: float) -> None:
        """Give `member`, who is too low to be taken for one who speaks, the place of somebody still lower."""
        voices = self._voices
        low = min(self._places, key=lambda item: voices[item].ambient)
        silent = now - voices[low].spoke_at > limits.PLACE_SILENCE
        if silent and voices[member].ambient > voices[low].ambient + limits.CLEARLY_LOUDER:
            self._places[self._places.index(low)] = member

    def _forward(self) -> None:
        found = self._always.union(self._places)
        if found != self.forwarded:
            self.forwarded = frozenset(found)

    def _choose_active(self, now: float) -> None:
        voices = self._voices
        spoken = [
            item for item in self.forwarded if voices[item].run >= limits.ACTIVE_SPEECH and voices[item].speaks(now)
        ]
        loudest = max(spoken, key=lambda item: (voices[item].activity, item), default=None)
        if loudest is None or loudest == self.active:
            return
        if self.active is None or voices[loudest].activity > voices[self.active].activity + limits.CLEARLY_LOUDER:
            self.active = loudest

    def _rank(self, now: float) -> None:
        voices = self._voices
        speaking = {item for item in self.forwarded if now - voices[item].spoke_at <= limits.RANK_SILENCE}
        order = [item for item in self.ranking if item in speaking]
        order += sorted(speaking.difference(order))
        for index in range(len(order) - 1, 0, -1):
            ahead, behind = order[index - 1], order[index]
            if voices[behind].activity > voices[ahead].activity + limits.CLEARLY_LOUDER:
                order[index - 1 : index + 1] = behind, ahead
        self.ranking = order[: limits.MAX_VOICES]
