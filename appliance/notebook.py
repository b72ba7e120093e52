"""What the portal asks of notes: keys from the ring, one transaction each, refusals noted, the search's index told.

`Reader` is a signed-in member of staff with the hash of their login's token, by which the ring knows their key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.audit.actions import Auditing
from appliance.care import actions as care
from appliance.care import rows as care_rows
from appliance.care.actions import Seen
from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.notes import actions, glass, rows, rules
from appliance.notes.access import actions as access
from appliance.notes.access import rows as keys
from appliance.notes.access.rules import RECOVERY, HqShare
from appliance.notes.ring import Ring
from appliance.notes.sealing import PrivateKey
from appliance.notes.search import EVERYTHING, Indexes, Reach
from appliance.policy import TABLE, Action, Actor, Facts, decide
from appliance.store.database import Database, Transaction

T = TypeVar("T")
Work = Callable[[Transaction, PrivateKey, str], T]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and by which login."""

    actor: Actor
    login: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """What a request named: it stands in the audit if the request is refused."""

    note: str = ""
    group: str = ""
    person: str = ""


NOTHING = Named()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the notes' first page shows beside the list."""

    groups: list[Seen]
    access: list[access.Access]
    notices: list[glass.Notice]
    old_key: bool  # something is still sealed to a key under an older password
    recovery: str  # "none", "lost" (nobody can use it), "there"


@dataclass(frozen=True, slots=True)
class Results:
    """A page of what a search found. `more`: the number to go on below, 0 at the end."""

    entries: list[actions.Entry]
    more: int
    reach: Reach


@dataclass(frozen=True, slots=True)
class Waiter:
    """One who waits for keys, as the page names them. `mark`: of their public key, to compare aloud."""

    group: str
    group_name: str
    holder: str
    name: str
    key_hash: str
    made_at: str


class Notebook:
    """One for the open clinic."""

    def __init__(
        self, db: Database, ring: Ring, audit: Auditing, record_key: Callable[[], bytes | None] = lambda: None
    ) -> None:
        self._db, self._ring, self._audit, self._record_key = db, ring, audit, record_key
        self.indexes = Indexes(db)
        ring.on_drop.append(self.indexes.left)

    # -- reading and writing ------------------------------------------------------------------------------------

    async def desk(self, who: Reader) -> Desk:
        """Faults: keys_missing, refused."""
        desk = await self._do(who, "see_notes", lambda tx, key, at: _desk(tx, who.actor, key))
        await self._shown(who.actor, desk.groups)
        return desk

    async def listed(self, who: Reader, group: str, subject: str | None, before: int) -> list[actions.Entry]:
        """A page of notes and one more, of one care group or ("") of all of one's own."""

        def work(tx: Transaction, key: PrivateKey, at: str) -> list[actions.Entry]:
            own = [g.id for g in actions.own_groups(tx, who.actor) if group in ("", g.id)]
            if group and not own:
                raise Fault("refused" if group in {g.id for g in care_rows.groups(tx)} else "not_found")
            return actions.listed(tx, who.actor, key, own, subject, before, at)

        return await self._do(who, "see_notes", work, Named(group=group, person=subject or ""))

    async def place(self, who: Reader, where: actions.Place) -> tuple[care_rows.CareGroup, str]:
        """For the form of a new note. Faults: not_found, refused, keys_missing."""
        return await self._do(who, "write_note", lambda tx, key, at: actions.place(tx, who.actor, where), _named(where))

    async def write(self, who: Reader, where: actions.Place, title: str, text: str) -> actions.Written:
        """Faults: note_empty, note_too_long, not_found, refused, notes_closed, keys_missing."""
        words = rules.words(title, text)
        written = await self._do(
            who, "write_note", lambda tx, key, at: actions.write(tx, who.actor, key, where, words, at), _named(where)
        )
        self.indexes.wrote(written)
        return written

    async def amend(self, who: Reader, note: str, base: int, title: str, text: str) -> actions.Written:
        """A new version over version `base`. Faults: as `write`, and note_changed."""
        words = rules.words(title, text)
        written = await self._do(
            who,
            "write_note",
            lambda tx, key, at: actions.amend(tx, who.actor, key, note, base, words, at),
            Named(note),
        )
        self.indexes.wrote(written)
        return written

    async def read(self, who: Reader, note: str, version: int = 0) -> actions.Opened:
        """Faults: not_found, refused, notes_closed, note_damaged, keys_missing."""
        return await self._do(
            who, "read_note", lambda tx, key, at: actions.read(tx, who.actor, key, note, at, version), Named(note)
        )

    async def search(self, who: Reader, query: str, before: int = 0) -> Results:
        """One's own notes with all of those words, newest first. Faults: bad_request, refused, keys_missing."""
        terms = rules.terms(query)
        await self.allowed(who, "search_notes")
        key = self._ring.key(who.login)
        groups = await self._noting(
            who, "search_notes", self._db.write(lambda tx: _searching(tx, who.actor, key, before, now_text()))
        )
        try:
            return await self._search(who, key, groups, terms, before)
        finally:
            if not self._ring.holds(who.login):  # signed out meanwhile
                self.indexes.left(who.login)

    async def _search(
        self, who: Reader, key: PrivateKey, groups: dict[str, access.Keys], terms: Sequence[rules.Term], before: int
    ) -> Results:
        reach = await self.indexes.reach(who.login, groups)
        entries: list[actions.Entry] = []
        below, match = before or EVERYTHING, rules.match(terms)
        while terms and len(entries) <= rules.PAGE:
            numbers = await self.indexes.find(list(groups), match, below, rules.PAGE + 1)
            entries += await self._db.write(_finding(who.actor, key, numbers, terms, rules.PAGE + 1 - len(entries)))
            if len(numbers) <= rules.PAGE:
                break
            below = numbers[-1]
        shown = entries[: rules.PAGE]
        return Results(shown, shown[-1].number if len(entries) > rules.PAGE else 0, reach)

    # -- access -------------------------------------------------------------------------------------------------

    async def waiters(self, who: Reader) -> list[Waiter]:
        """Who waits for keys that `who` could hand on."""
        return await self._do(who, "give_access", lambda tx, key, at: _waiters(tx, who.actor, key))

    async def give(self, who: Reader, group: str, holder: str, seen: str) -> None:
        """Faults: refused, bad_request, notes_closed, wrong_state, keys_missing."""
        await self._do(
            who,
            "give_access",
            lambda tx, key, at: access.give(tx, who.actor, key, group, holder, seen, at),
            Named("", group, holder),
        )

    async def recovering(self, who: Reader) -> tuple[bool, list[Waiter], list[Waiter]]:
        """For a clinical lead: can they use the recovery key, who lacks keys of a group, which leads a share."""
        return await self._do(who, "recover_notes", lambda tx, key, at: _recovering(tx, who.actor, key))

    async def recover(self, who: Reader, group: str, person: str) -> None:
        """Faults: refused, bad_request, notes_closed, keys_missing."""
        await self._do(
            who,
            "recover_notes",
            lambda tx, key, at: glass.recover(tx, who.actor, key, group, person, at),
            Named("", group, person),
        )

    async def share_recovery(self, who: Reader, person: str, seen: str) -> None:
        await self._do(
            who,
            "recover_notes",
            lambda tx, key, at: access.share_recovery(tx, who.actor, key, person, seen, at),
            Named(person=person),
        )

    async def hq_share(self, who: Reader) -> HqShare:
        """Whether headquarters has a share of the recovery key; "" for a box that knows none. Faults: refused."""
        try:
            public = await asyncio.to_thread(self._record_key)
        except Fault:  # the spool cannot be read, which status and console tell
            public = None
        if public is None:
            return ""
        return await self._do(who, "recover_notes", lambda tx, key, at: access.hq_share(tx, who.actor, public))

    async def share_with_hq(self, who: Reader) -> None:
        """Faults: refused, notes_closed, keys_missing, not_enrolled, store_failed."""
        await self.allowed(who, "recover_notes")
        public = await asyncio.to_thread(self._record_key)
        if public is None:
            raise Fault("not_enrolled")
        await self._do(who, "recover_notes", lambda tx, key, at: access.share_with_hq(tx, who.actor, key, public, at))

    async def renew_recovery(self, who: Reader) -> None:
        made = PrivateKey.new()
        await self._do(who, "recover_notes", lambda tx, key, at: access.renew_recovery(tx, who.actor, key, made, at))

    # -- the glass ----------------------------------------------------------------------------------------------

    async def behind(self, who: Reader) -> list[glass.Behind]:
        return await self._do(who, "break_glass", lambda tx, key, at: glass.behind(tx, who.actor, at))

    async def break_glass(self, who: Reader, group: str, subject: str, reason: str) -> str:
        """Faults: refused, not_found, reason_short, wrong_state, notes_closed, keys_missing."""
        return await self._do(
            who,
            "break_glass",
            lambda tx, key, at: glass.break_glass(tx, who.actor, key, group, subject, reason, at, now_seconds()),
            Named("", group, subject),
        )

    async def seen_through(self, who: Reader, glass_id: str, before: int) -> tuple[rows.Glass, list[actions.Entry]]:
        return await self._do(
            who,
            "break_glass",
            lambda tx, key, at: glass.seen_through(tx, who.actor, key, glass_id, before, at, now_seconds()),
        )

    async def read_through(
        self, who: Reader, glass_id: str, note: str, version: int = 0
    ) -> tuple[rows.Glass, actions.Opened]:
        return await self._do(
            who,
            "break_glass",
            lambda tx, key, at: glass.read_through(tx, who.actor, key, glass_id, note, at, now_seconds(), version),
            Named(note),
        )

    async def open_glasses(self, who: Reader) -> list[rows.Glass]:
        """What `who` opened and may still read."""
        return await self._db.read(lambda tx: rows.glass_of(tx, who.actor.person, now_seconds()))

    async def put_away(self, who: Reader, glass_id: str) -> None:
        await self._do(who, "see_notes", lambda tx, key, at: glass.put_away(tx, who.actor, glass_id, at))

    # -- care groups --------------------------------------------------------------------------------------------

    async def care(
        self, actor: Actor, action: Action, work: Callable[[Transaction, str], T], named: Named = NOTHING
    ) -> T:
        """One action on care groups, which needs no key; a refusal noted."""
        return await self._noting(Reader(actor, b""), action, self._db.write(lambda tx: work(tx, now_text())), named)

    async def see_care_groups(self, actor: Actor) -> list[Seen]:
        """Those that `actor` may see, noted before they are shown. Faults: refused."""
        return await self._shown(
            actor, await self.care(actor, "see_care_groups", lambda tx, at: care.see_all(tx, actor))
        )

    async def see_care_group(self, actor: Actor, group: str) -> Seen:
        """One of them. Faults: refused, not_found."""
        seen = await self.care(actor, "see_care_groups", lambda tx, at: care.see(tx, actor, group), Named(group=group))
        return (await self._shown(actor, [seen]))[0]

    async def _shown(self, actor: Actor, groups: list[Seen]) -> list[Seen]:
        """Who belongs to a care group is of their record: an entry for each, once for who goes on looking."""
        things = [seen.group.id for seen in groups]
        await self._audit.looked(
            actor, "see_care_groups", things, lambda tx, one: decide(actor, "see_care_groups", care_rows.facts(tx, one))
        )
        return groups

    async def allowed(self, who: Reader, action: Action, named: Named = NOTHING) -> None:
        """Fault("refused") for a role that the table never lets do that, before anybody is asked for a key."""
        if who.actor.role not in TABLE[action]:
            await self._noting(who, action, _refuse(), named)

    async def _do(self, who: Reader, action: Action, work: Work[T], named: Named = NOTHING) -> T:
        await self.allowed(who, action, named)
        key, at = self._ring.key(who.login), now_text()
        return await self._noting(who, action, self._db.write(lambda tx: work(tx, key, at)), named)

    async def _noting(self, who: Reader, action: Action, doing: Awaitable[T], named: Named = NOTHING) -> T:
        try:
            return await doing
        except Fault as fault:
            if fault.code == "refused":
                about = await self._db.read(lambda tx: rows.mentioned(tx, named.note, named.group, named.person))
                session, person, thing = about
                facts = Facts(session=session, person=person, thing=thing)
                await self._audit.refused(who.actor, action, facts, fault.code)
            raise


async def _refuse() -> None:
    raise Fault("refused")


def _named(where: actions.Place) -> Named:
    return Named(group=where.group, person=where.subject)


def _desk(tx: Transaction, actor: Actor, key: PrivateKey) -> Desk:
    groups = [
        care.Seen(group, care_rows.clinicians(tx, group.id), [], care_rows.people(tx, group.id))
        for group in actions.own_groups(tx, actor)
    ]
    older = keys.own_keys(tx, actor.person)[1:]
    recovery = "none" if keys.recovery(tx) is None else "there" if access.usable_by(tx) else "lost"
    return Desk(groups, access.access(tx, actor, key), glass.notices(tx, actor, key), bool(older), recovery)


def _searching(tx: Transaction, actor: Actor, key: PrivateKey, before: int, at: str) -> dict[str, access.Keys]:
    groups = actions.searchable(tx, actor, key)
    if not before:  # going on in the same results is not another search
        actions.note_search(tx, actor, list(groups), at)
    return groups


def _finding(
    actor: Actor, key: PrivateKey, numbers: Sequence[int], terms: Sequence[rules.Term], limit: int
) -> Callable[[Transaction], list[actions.Entry]]:
    return lambda tx: actions.found(tx, actor, key, numbers[:limit], terms, now_text())


def _waiters(tx: Transaction, actor: Actor, key: PrivateKey) -> list[Waiter]:
    found = []
    for one in access.access(tx, actor, key):
        if not one.mine:
            continue
        mine = access.group_keys(tx, one.group.id, actor.person, key)
        found += [
            _waiter(tx, one.group, w.holder)
            for w in one.waiting
            if w.holder != actor.person and w.has_key and set(w.epochs) & set(mine)
        ]
    return found


def _waiter(tx: Transaction, group: care_rows.CareGroup, holder: str) -> Waiter:
    current = keys.recovery(tx)
    if holder == RECOVERY and current is not None:
        name = rows.person_name(tx, current.made_by)
        return Waiter(group.id, group.name, holder, name, current.hash.hex(), current.made_at)
    own = keys.own_keys(tx, holder)[0]
    return Waiter(group.id, group.name, holder, rows.person_name(tx, holder), own.hash.hex(), own.made_at)


def _recovering(tx: Transaction, actor: Actor, key: PrivateKey) -> tuple[bool, list[Waiter], list[Waiter]]:
    usable = access.usable_by(tx)
    lacking = [_waiter(tx, group, person) for group, person in access.lacking(tx, actor)]
    leads = [
        _waiter(tx, care_rows.CareGroup("", "", ()), person)
        for person, _ in keys.leads(tx)
        if person not in usable and keys.own_keys(tx, person)
    ]
    return actor.person in usable, lacking, leads
