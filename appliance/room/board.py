"""What goes on in each room beside picture and sound, and what each page is shown of it.

Hands and the lives of pages are in memory: after a restart of the box a page raises its hand again, and everybody reads
the rules once more. Cards, their first acknowledgements and concerns are in the store. It decides nothing: `rules.py`
and `actions.py` do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, get_args

from appliance.audit.actions import Auditing
from appliance.clock import now_seconds, now_text, parse
from appliance.faults import Fault
from appliance.groups.actions import Seat
from appliance.guidelines import rows as guidelines
from appliance.guidelines.rules import Card as Text
from appliance.guidelines.rules import Kind as CardKind
from appliance.live import Live, Page
from appliance.policy import BOX, Action, Actor, Facts
from appliance.room import actions, requests, rows, rules
from appliance.room.rules import Card, Life, Rhythm
from appliance.sessions import actions as stages
from appliance.sessions import rows as sessions
from appliance.store.database import Database, Transaction

LOOK_SECONDS = 5.0  # between two looks at who was away too long and what is due; a reminder may be that late
HANDLED_SHOWN = 20  # concerns on the page of staff
SHOWN_CARDS = 10  # to who leads, of the newest


@dataclass(frozen=True, slots=True)
class Record:
    """What the store has of a session for its pages. `texts`: by kind and language; `ever`: members by card."""

    cards: Sequence[Card]
    ever: Mapping[str, Collection[str]]
    texts: Mapping[tuple[CardKind, str], Text]
    concerns: Sequence[rows.Concern]


@dataclass(slots=True)
class Table:
    """One room's live facts."""

    hands: tuple[str, ...] = ()
    lives: dict[str, Life] = field(default_factory=dict)
    inside: Collection[str] = ()
    patients: bool = False  # whether somebody is there to remind
    last: tuple[CardKind, str, float] | None = None  # kind, to, when: of the newest card by hand


class Board:
    """One for the whole box. All methods run on the event loop."""

    def __init__(
        self,
        db: Database,
        live: Live,
        audit: Auditing,
        *,
        remind_minutes: int = rules.REMIND_MINUTES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._live, self._audit, self._now = db, live, audit, now
        self.remind_minutes = remind_minutes
        self._tables: dict[str, Table] = {}
        self._rhythms: dict[str, tuple[str, Rhythm]] = {}

    # -- what pages are shown ----------------------------------------------------------------------------------------

    def read(self, tx: Transaction, session_id: str, languages: Collection[str]) -> Record:
        """In the transaction that reads the rest of what pages are shown."""
        cards = rows.cards_of(tx, session_id)
        ever: dict[str, set[str]] = {}
        for one in rows.acknowledgements(tx, session_id):
            ever.setdefault(one.card, set()).add(one.member)
        group = sessions.session(tx, session_id).care_group
        kinds = {card.kind for card in cards}
        return Record(
            cards,
            ever,
            {(kind, language): guidelines.card(tx, group, language, kind) for kind in kinds for language in languages},
            rows.open_in_room(tx, rows.home(tx, session_id, "")[0]),
        )

    def show(
        self,
        pages: Collection[Page],
        session: sessions.Session,
        members: Sequence[sessions.Member],
        inside: Collection[str],
        record: Record,
    ) -> None:
        """Hands, cards and concerns to the pages in the room, each its part."""
        if session.state == "ended":
            self._tables.pop(session.id, None)
            return
        table = self._tables.setdefault(session.id, Table())
        self._follow(table, pages, members, inside, record)
        names = {m.id: m.display_name for m in members}
        owed = {member: self._owed(table, member, record) for member in table.lives}
        hands = [{"member": one, "name": names[one]} for one in table.hands]
        concerns = [_told(one) for one in record.concerns]
        sheet = _acknowledged(record, names, owed, table.lives)
        for page in pages:
            if page.staff:
                page.show("concerns", {"open": concerns if page.handles else []})
            if page.member not in inside:
                continue
            page.show("hands", {"queue": hands})
            if page.staff:
                page.show("acknowledged", {"cards": sheet})
            else:
                page.show("cards", {"cards": _cards(owed[page.member], record, page.language)})

    def _follow(
        self,
        table: Table,
        pages: Collection[Page],
        members: Sequence[sessions.Member],
        inside: Collection[str],
        record: Record,
    ) -> None:
        """Who is here, who went, whose hand goes with them."""
        now, newest = self._now(), max((card.number for card in record.cards), default=0)
        here = {page.member: page.name for page in pages if page.member in inside and not page.staff}
        own = {m.id for m in members if m.id in inside and not m.facilitator}
        aside = {m.id for m in members if m.aside}
        for member in table.lives.keys() - own:
            del table.lives[member]
        for member, name in here.items():
            table.lives[member] = rules.arrived(table.lives.get(member), name, newest, now)
        for member in table.lives.keys() - here.keys():
            table.lives[member] = rules.left(table.lives[member], now, aside=member in aside)
        gone = {one for one, life in table.lives.items() if rules.away_for_good(life, now)}
        table.hands = tuple(one for one in table.hands if one in own and one not in gone)
        table.inside, table.patients = frozenset(own), bool(here)

    def _owed(self, table: Table, member: str, record: Record) -> list[Card]:
        ever = {card for card, whose in record.ever.items() if member in whose}
        return rules.owed(record.cards, member, table.lives[member], ever)

    # -- what pages ask ----------------------------------------------------------------------------------------------

    async def ask(self, page: Page, seat: Seat, asked: requests.RoomAsked) -> dict[str, Any]:
        """What an open page asks of the room (PROTOCOL.md). Faults: not_signed_in, refused, wrong_state, not_found."""
        actor, at = seat.actor, now_text()
        place = (seat.session, seat.member)
        match asked:
            case requests.AskHand():
                fresh = asked.up and self._audit.is_new(actor, "raise_hand", seat.member)
                await self._write(page, lambda tx: actions.raise_hand(tx, actor, *place, at, note=fresh))
                self._noted(fresh, actor, "raise_hand", seat.member)
                change = rules.raised if asked.up else rules.lowered
                table = self._tables.setdefault(seat.session, Table())
                table.hands = change(table.hands, seat.member)
            case requests.AskAcknowledge():
                await self._write(page, lambda tx: actions.acknowledge(tx, actor, *place, asked.card, at))
                lives = self._tables.setdefault(seat.session, Table()).lives
                if seat.member in lives:
                    lives[seat.member] = rules.acknowledged(lives[seat.member], asked.card)
            case requests.AskConcern():
                await self._write(page, lambda tx: actions.raise_concern(tx, actor, *place, asked.kind, at))
            case requests.AskPhrase():
                await self._write(page, lambda tx: actions.answer_phrase(tx, actor, *place, asked.text, at))
        await self._live.changed(seat.session)
        return {}

    async def _write(self, page: Page, work: Callable[[Transaction], Any]) -> Any:
        def checked(tx: Transaction) -> Any:
            if not page.stands(tx):
                raise Fault("not_signed_in")
            return work(tx)

        return await self._db.write(checked)

    def _noted(self, fresh: bool, actor: Actor, action: Action, thing: str) -> None:
        if fresh:
            self._audit.noted(actor, action, thing)

    # -- what staff do -----------------------------------------------------------------------------------------------

    async def show_card(self, actor: Actor, session: str, kind: str, member: str = "") -> None:
        """A card to all in the room, or to one. Faults: bad_request, refused, not_found, wrong_state."""
        if kind not in get_args(CardKind):
            raise Fault("bad_request", "no such card")
        wanted: CardKind = kind  # type: ignore[assignment]
        table, now = self._tables.get(session), self._now()
        last = table.last if table else None
        again = last is not None and last[:2] == (kind, member) and now - last[2] < rules.TWICE_SECONDS
        await self._act(
            actor,
            "show_card",
            Facts(session=session, member=member),
            lambda tx: actions.show_card(tx, actor, session, wanted, member, now_text(), again=again),
        )
        if not again:
            self._tables.setdefault(session, Table()).last = (wanted, member, now)
            await self._live.changed(session)

    async def handle_concern(self, actor: Actor, session: str, concern: str) -> None:
        """Somebody looks after it. Faults: refused, not_found."""
        await self._act(
            actor,
            "handle_concern",
            Facts(session=session),
            lambda tx: actions.handle_concern(tx, actor, session, concern, now_text()),
        )
        await self._live.changed(session)

    async def write_concern(self, actor: Actor, kind: str, words: str) -> None:
        """A patient's, from the page outside of the room. Faults: bad_request, too_large, refused, wrong_state."""
        if kind not in get_args(rules.Written):
            raise Fault("bad_request", "no such trouble")
        wanted: rules.Trouble = kind  # type: ignore[assignment]
        session = await self._act(
            actor,
            "raise_concern",
            Facts(member=actor.member),
            lambda tx: actions.write_concern(tx, actor, wanted, words, now_text()),
        )
        await self._live.changed(session)

    async def concerns(self, actor: Actor) -> list[tuple[rows.Concern, sessions.Session]]:
        """The open ones that `actor` may handle, then those handled last; noted before they are shown."""
        found = await self._db.read(lambda tx: rows.open_concerns(tx, actor) + rows.handled(tx, actor, HANDLED_SHOWN))
        await self.looked(actor, sorted({session.id for _, session in found}))
        return found

    async def looked(self, actor: Actor, shown: Sequence[str]) -> None:
        """Note that what was raised in those sessions is shown; once for a console that goes on showing it."""
        await self._audit.looked(
            actor, "handle_concern", shown, lambda tx, one: actions.permit_to_handle(tx, actor, one)
        )

    async def acted(self, actor: Actor, action: Action, session: str, member: str) -> None:
        """After `actions.ask_page` is in the store: what it does to the page. The caller brings all in line."""
        if action == "lower_hand":
            table = self._tables.setdefault(session, Table())
            table.hands = rules.lowered(table.hands, member)
        elif action in ("mute", "ask_unmute"):
            name = ""
            with suppress(Fault):  # it is in the store that the page was asked: this must not fail any more
                name = await self._db.read(lambda tx: rows.name_of(tx, session, actor.person))
            what = "mute" if action == "mute" else "unmute"
            self._live.happen(session, member, "asked", {"what": what, "name": name})

    def hands(self, session: str) -> tuple[str, ...]:
        """Members with a raised hand, the first one first."""
        return self._tables[session].hands if session in self._tables else ()

    async def _act(self, actor: Actor, action: Action, facts: Facts, work: Callable[[Transaction], Any]) -> Any:
        try:
            return await self._db.write(work)
        except Fault as fault:
            if fault.code == "refused":
                found = await self._db.read(lambda tx: stages.mentioned(tx, facts.session, facts.member))
                await self._audit.refused(actor, action, found, fault.code)
            raise

    # -- by itself ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Now and then: remind whom it is time to remind, lower the hands of those who are gone."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """One look at everything that goes by time."""
        now = self._now()
        for session, table in list(self._tables.items()):
            if any(one in table.lives and rules.away_for_good(table.lives[one], now) for one in table.hands):
                await self._live.changed(session)
        if self.remind_minutes:
            await self._remind(now)

    async def _remind(self, now: float) -> None:
        every, found = self.remind_minutes * 60.0, await self._db.read(rows.going)
        self._rhythms = {one.session: self._turn(one, every, now) for one in found}
        for one in found:
            if self._rhythms[one.session][1].waited >= every and one.running and self._anybody(one.session):
                await self._db.write(
                    lambda tx, one=one: actions.remind(tx, BOX, one.session, one.last, now_text())  # type: ignore[misc]
                )
                await self._live.changed(one.session)

    def _anybody(self, session: str) -> bool:
        return session in self._tables and self._tables[session].patients

    def _turn(self, one: rows.Going, every: float, now: float) -> tuple[str, Rhythm]:
        """How long that session has waited since its newest card."""
        known = self._rhythms.get(one.session)
        if known is None:
            since = now_seconds() - parse(one.last_at).timestamp() if one.last_at else 0.0
            return one.last, rules.resumed(since, every, now)
        if known[0] != one.last:
            return one.last, Rhythm(0.0, now)
        return one.last, rules.going_on(known[1], now, running=one.running and self._anybody(one.session))


def _told(concern: rows.Concern) -> dict[str, Any]:
    return {
        "id": concern.id,
        "member": concern.member,
        "name": concern.shown_name or concern.name,
        "kind": concern.kind,
        "at": concern.at,
    }


def _cards(owed: Sequence[Card], record: Record, language: str) -> list[dict[str, Any]]:
    found = [(card, record.texts[card.kind, language]) for card in owed if (card.kind, language) in record.texts]
    return [
        {"id": card.id, "kind": card.kind, "title": title, "paragraphs": list(paragraphs)}
        for card, (title, paragraphs) in found
    ]


def _acknowledged(
    record: Record, names: Mapping[str, str], owed: Mapping[str, Sequence[Card]], here: Collection[str]
) -> list[dict[str, Any]]:
    """The newest cards as who leads sees them: who has read each, and who has it still before them."""
    return [
        {
            "id": card.id,
            "kind": card.kind,
            "at": card.at,
            "to": names.get(card.to, ""),
            "done": sorted(one for one in record.ever.get(card.id, ()) if card not in owed.get(one, ())),
            "open": sorted(one for one in here if card in owed[one]),
        }
        for card in record.cards[-SHOWN_CARDS:]
    ]
