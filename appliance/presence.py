"""Who is here: open pages in the order of their birth, attendance, and whether anybody who leads is left.

Kept in memory; after a restart it is made anew of the pages that come back. Attendances are in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from appliance.sessions import rows
from appliance.store.database import Transaction

PAGES_REMEMBERED = 8  # of one member, in the order of their birth: somebody with more devices than that is rare
# How long nobody who leads may be without a page before the door locks itself. A reload takes two seconds, a phone that
# changes its network five to ten; longer, and somebody could be let in by a door that nobody watches.
LEADER_GRACE_SECONDS = 15.0


class Page(Protocol):
    """An open page of a member, or of staff who watch (`member` is then "")."""

    session: str
    member: str
    name: str  # of the page itself, the same over all its lines; "" where it gave none
    staff: bool
    handles: bool  # whether who sits there may look after concerns
    language: str
    login: bytes  # the hash of a staff login's token; b"" for a visit

    def stands(self, tx: Transaction) -> bool: ...  # whether the login or visit behind it has not ended
    def show(self, event: str, data: dict[str, Any]) -> None: ...
    def replace(self) -> None: ...
    def sign_out(self) -> None: ...
    def end(self) -> None: ...  # the box ends; the page comes back by itself


class Births(dict[str, dict[str, list[str]]]):
    """The names of each session's pages, by member, in the order in which they were born, as far as remembered."""

    def note(self, page: Page) -> list[str]:
        births = self.setdefault(page.session, {}).setdefault(page.member, [])
        if page.name not in births:
            births.append(page.name)
            del births[:-PAGES_REMEMBERED]
        return births


@dataclass(slots=True)
class Present:
    """Whose pages are open, by session."""

    pages: dict[str, set[Page]] = field(default_factory=dict)
    leaders: Leaders = field(default_factory=lambda: Leaders())

    def all_pages(self) -> Iterator[Page]:
        yield from (page for pages in self.pages.values() for page in pages)

    def connected(self, session_id: str, member_id: str) -> bool:
        """Whether that member has a page of that session open."""
        return any(page.member == member_id for page in self.pages.get(session_id, ()))

    def is_here(self, member: rows.Member) -> bool:
        """Whether that member has a page open, here or in a private room beside."""
        here = self.connected(member.session, member.id)
        return here or (member.aside != "" and self.connected(member.aside, member.aside_place))

    def leader_lost(self, session_id: str) -> bool:
        return session_id in self.leaders.lost


@dataclass(slots=True)
class Leaders:
    """Which sessions that go on nobody leads just now: `away` for a moment, `lost` for longer than the grace.

    `led`: somebody has been there since it was opened; a door that was opened ahead of them stays open. `to_lock`:
    lost, and the door is still to be locked.
    """

    away: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    led: set[str] = field(default_factory=set)
    to_lock: set[str] = field(default_factory=set)
    _absences: int = 0

    def note(self, session_id: str, *, here: bool, going_on: bool) -> int:
        """How it is now; the number of an absence that begins with this, else 0."""
        if here or not going_on:
            (self.led.add if going_on else self.led.discard)(session_id)
            self.away.pop(session_id, None)
            self.lost.discard(session_id)
            self.to_lock.discard(session_id)
            return 0
        if session_id in self.away:
            return 0
        self._absences += 1
        self.away[session_id] = self._absences
        return self._absences

    def give_up(self, session_id: str, absence: int) -> bool:
        """The grace of that absence is over; False if somebody came back meanwhile."""
        if self.away.get(session_id) != absence:
            return False
        self.lost.add(session_id)
        if session_id in self.led:
            self.to_lock.add(session_id)
        return True


class Attendance(dict[str, int]):
    """Members who are in the room right now, with the number of the attendance that goes on."""

    def changes(self, members: Sequence[rows.Member], here: set[str]) -> tuple[set[str], set[str]]:
        """Who of the session's members came and who went, where `here` are in the room now."""
        return here - self.keys(), {m.id for m in members if m.id in self and m.id not in here}

    def note(self, tx: Transaction, came: set[str], went: set[str], at: str) -> dict[str, int]:
        """Write it down; the numbers of the new ones, for `update` once the transaction stands."""
        for member in went:
            rows.note_departure(tx, self[member], at)
        return {member: rows.note_arrival(tx, member, at) for member in came}
