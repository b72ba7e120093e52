"""What is written once instead of again and again: refusals in a flood, and looks at what is shown anyway. Pure.

A refusal that equals one of the last quarter of an hour is counted and written once more, with the count, when that
time is over; so nobody fills the disk by asking for what they do not get. A page or console that goes on showing the
same people is one look, for a quarter of an hour. Both live in memory: a restart writes anew, and a count that was not
written yet is lost, never the first refusal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.policy import Action, Actor, Facts

SECONDS = 900.0  # for which equal ones are one
MAX_REFUSALS = 64  # different ones at a time; beyond that those of an action and code share one without a name
MAX_LOOKS = 4096  # remembered; the oldest is forgotten, and written again if it goes on


@dataclass(frozen=True, slots=True)
class Refusal:
    """All that makes two refusals equal."""

    actor: Actor
    action: Action
    facts: Facts
    code: str

    def bare(self) -> Refusal:
        """The same of anybody, from anywhere, on anything: for who comes under ever new addresses."""
        nobody = Actor(person="", role=self.actor.role, surface=self.actor.surface)
        return replace(self, actor=nobody, facts=Facts())


@dataclass(slots=True)
class _Counted:
    until: float
    more: int = 0


class Refusals:
    """`now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._counted: OrderedDict[Refusal, _Counted] = OrderedDict()

    def note(self, refusal: Refusal, now: float) -> Refusal | None:
        """What to write at once, or None: it is counted. Take `due` first."""
        if refusal not in self._counted and len(self._counted) >= MAX_REFUSALS:
            refusal = refusal.bare()
        counted = self._counted.get(refusal)
        if counted is not None:
            counted.more += 1
            return None
        self._counted[refusal] = _Counted(now + SECONDS)
        return refusal

    def due(self, now: float) -> list[tuple[Refusal, int]]:
        """What was counted, and how often, where the time is over; infinity for all of it at the end."""
        over = [refusal for refusal, counted in self._counted.items() if counted.until <= now]
        counts = [(refusal, self._counted.pop(refusal).more) for refusal in over]
        return [(refusal, more) for refusal, more in counts if more]


class Looks:
    """Who has been noted as looking at what. `now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[Actor, Action, str], float] = OrderedDict()

    def is_new(self, actor: Actor, action: Action, thing: str, now: float) -> bool:
        """Whether that look has to be noted: it is none that goes on."""
        return self._until.get((actor, action, thing), 0.0) <= now

    def noted(self, actor: Actor, action: Action, thing: str, now: float) -> None:
        """It stands in the audit."""
        key = actor, action, thing
        self._until[key] = now + SECONDS
        self._until.move_to_end(key)
        while len(self._until) > MAX_LOOKS:
            self._until.popitem(last=False)

    def forget(self, wanted: Callable[[Actor], bool]) -> None:
        """Those looks are over: the next one is new, as after a sign-in."""
        for key in [key for key in self._until if wanted(key[0])]:
            del self._until[key]
