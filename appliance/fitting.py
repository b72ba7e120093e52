"""Whether one more person fits: what the relay says of it, and what people decided where it said no.

Fails open: a relay that is away, does not answer in a moment, or was told no budget keeps nobody out of the room. What
is kept here is in memory only; after a restart those who were let in beyond the limit are reckoned like all others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from media.client import RelayFault

# How to admit where the box is at its limit. "": ask first. fewer: everybody in the room gets fewer pictures, of those
# who spoke last, and all sound. anyway: they are left out of the reckoning, nothing is made smaller for them.
Beyond = Literal["", "fewer", "anyway"]

ANSWER_SECONDS = 1.0  # of the relay, which takes a millisecond; somebody is at the door


class Relay(Protocol):
    """The part of `media.client.RelayClient` that is used here."""

    connected: bool

    async def fits(self, room: str) -> dict[str, Any]: ...
    async def counts(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Carried:
    """`share` of what the box carries that is in use, 1.0 being all; None where it is not known. `people` in rooms."""

    share: float | None = None
    people: int = 0


@dataclass(slots=True)
class Fitting:
    """`full`: open sessions into which nobody more fits. `delayed`: members who wait for that reason, by session.
    `beyond`: members who were let in all the same. `refused`: sessions for which the relay last said no."""

    full: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    delayed: dict[str, set[str]] = field(default_factory=dict)
    beyond: set[str] = field(default_factory=set)
    carried: Carried = Carried()

    def keep_waiting(self, session: str, member: str) -> None:
        self.full.add(session)
        self.delayed.setdefault(session, set()).add(member)

    def waits_for_room(self, session: str, member: str) -> bool:
        """Whether somebody was about to let that member in, and there still is no room."""
        return session in self.full and member in self.delayed.get(session, ())

    def note(self, session: str, *, fits: bool, open: bool, waiting: set[str]) -> None:
        """How a session is now; who does not wait any more is not delayed."""
        (self.refused.discard if fits else self.refused.add)(session)
        (self.full.discard if fits or not open else self.full.add)(session)
        delayed = self.delayed.get(session, set()) & waiting
        self.delayed.pop(session, None)
        if delayed:
            self.delayed[session] = delayed

    def end(self, session: str) -> None:
        """It has ended: the relay is not asked for it any more."""
        self.refused.discard(session)

    def forget(self, members: set[str]) -> None:
        """They left the room: who comes back is asked for anew."""
        self.beyond -= members


async def fits(relay: Relay | None, room: str) -> bool:
    """Whether one more person with picture and sound fits there; True where nobody can tell."""
    if relay is None or not relay.connected:
        return True
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return (await relay.fits(room)).get("fits") is not False
    except (RelayFault, TimeoutError):
        return True


async def carried(relay: Relay | None) -> Carried:
    """What is in use right now; nothing is known while the relay is away or has no budget."""
    if relay is None or not relay.connected:
        return Carried()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = (await relay.counts()).get("capacity") or {}
    except (RelayFault, TimeoutError):
        return Carried()
    share = found.get("share")
    return Carried(float(share) if share is not None else None, int(found.get("people", 0)))
