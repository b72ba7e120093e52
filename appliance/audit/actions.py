"""What is done with the audit: note looks and refusals, show it, export it, prove from it, verify it, sign it.

Reading the audit stands in the audit. Nothing here can change or remove an entry.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from appliance.audit import proof, repeats, rows, tree
from appliance.audit.checking import Finding, Seen, Stored
from appliance.audit.rows import Filter
from appliance.clock import now_seconds, now_text, parse
from appliance.faults import Fault
from appliance.policy import BOX, Action, Actor, Facts, Permit, decide
from appliance.store.database import Database, Transaction

LOOK_SECONDS = 10.0  # between two looks whether a count or a checkpoint is due: two short reads
SIGN_SECONDS = 24 * 3600  # the longest that an entry of a quiet box is under no signed checkpoint
DAY_SECONDS = 23 * 3600.0  # between two looks of the box's own at every entry: a timer that asks each hour stays daily
PAGE = 50  # entries on a page
PORTION = 200  # entries of an export read at once: between two portions others may read too


@dataclass(frozen=True, slots=True)
class Page:
    """Entries as the auditor sees them, newest first, with the names of the record by id and the sessions' times."""

    entries: Sequence[Stored]
    names: dict[str, str]
    starts: dict[str, str]
    more: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found; `size` entries, the last one signed being number `signed`."""

    findings: Sequence[Finding]
    size: int
    root: bytes
    signed: int


def signature_due(signed_at: str, now: float) -> bool:
    """Whether the last checkpoint is old, or bears a time that has not come: the clock was ahead, or is wrong now."""
    return not 0 <= now - parse(signed_at).timestamp() < SIGN_SECONDS


@dataclass(slots=True)
class Auditing:
    """One for the whole box. `seen`: heads of the log that are known from outside of the store."""

    db: Database
    seen: Callable[[], Sequence[Seen]] = tuple
    now: Callable[[], float] = time.monotonic
    _looks: repeats.Looks = field(default_factory=repeats.Looks)
    _refusals: repeats.Refusals = field(default_factory=repeats.Refusals)
    _verified: float | None = None  # when the box itself looked at every entry last, since the start

    # -- what others do ----------------------------------------------------------------------------------------------

    async def refused(self, actor: Actor, action: Action, facts: Facts, code: str) -> None:
        """Note a refusal; an equal one of the last quarter of an hour is counted instead (repeats.py)."""
        now = self.now()
        due = self._refusals.due(now)
        first = self._refusals.note(repeats.Refusal(actor, action, facts, code), now)
        if first is not None:
            due.append((first, 1))
        await self._write_refusals(due)

    async def done(self, actor: Actor, action: Action, facts: Facts) -> None:
        """Note what is done outside of the store, to the machine; call before it is. Faults: refused, store_failed."""
        await self.db.write(lambda tx: rows.append(tx, decide(actor, action, facts), now_text()))

    async def _write_refusals(self, due: Sequence[tuple[repeats.Refusal, int]]) -> None:
        if not due:
            return
        at = now_text()

        def work(tx: Transaction) -> None:
            for no, times in due:
                rows.append_refused(tx, no.actor, no.action, no.facts, no.code, at, times)

        await self.db.write(work)

    async def looked(
        self, actor: Actor, action: Action, things: Sequence[str], permit: Callable[[Transaction, str], Permit]
    ) -> None:
        """Note that `actor` is shown those things, before they are. One who goes on looking is noted once.

        `permit` asks the policy for each. Faults: those of `permit`; store_failed: what cannot be noted is not shown.
        """
        now = self.now()
        fresh = [thing for thing in things if self._looks.is_new(actor, action, thing, now)]
        if not fresh:
            return
        at = now_text()

        def work(tx: Transaction) -> None:
            for thing in fresh:
                rows.append(tx, permit(tx, thing), at)

        await self.db.write(work)
        for thing in fresh:
            self._looks.noted(actor, action, thing, now)

    def begins_anew(self, person: str) -> None:
        """That person signed in: what they look at now is noted again."""
        self._looks.forget(lambda actor: actor.person == person)

    def is_new(self, actor: Actor, action: Action, thing: str) -> bool:
        """Whether that act is none that was noted in the last quarter of an hour. Its noter calls `noted` then."""
        return self._looks.is_new(actor, action, thing, self.now())

    def noted(self, actor: Actor, action: Action, thing: str) -> None:
        """It stands in the audit now."""
        self._looks.noted(actor, action, thing, self.now())

    # -- what auditors do --------------------------------------------------------------------------------------------

    async def page(self, actor: Actor, wanted: Filter, before: int = 0) -> Page:
        """A page of the audit. Faults: refused."""
        facts = Facts(person=wanted.person)
        await self._asked(actor, "read_audit", facts)
        await self.looked(actor, "read_audit", [wanted.person], lambda tx, _: decide(actor, "read_audit", facts))
        return await self.db.read(lambda tx: _page(tx, wanted, before))

    async def choices(self, actor: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Staff and everybody, for the filter. Faults: refused."""
        await self._asked(actor, "read_audit", Facts())
        return await self.db.read(rows.choices)

    async def prove(self, actor: Actor, sequence: int) -> dict[str, Any]:
        """The entry with its proof against a checkpoint of now. Faults: refused, not_found, audit_broken."""
        checkpoint, size = await self._begin_export(actor, Facts(thing=str(sequence)))
        return await self.db.read(lambda tx: _proved(tx, sequence, size, checkpoint, rows.nodes(tx)))

    async def export(
        self, actor: Actor, wanted: Filter, after: int = 0
    ) -> AsyncIterator[Sequence[tuple[Stored, Page]]]:
        """All entries that fit, oldest first, in portions; each with the page that names it. Faults: refused."""
        _, size = await self._begin_export(actor, Facts(person=wanted.person))
        while (found := await self.db.read(partial(_portion, wanted=wanted, after=after, size=size))).entries:
            yield [(row, found) for row in found.entries]
            after = found.entries[-1].entry.sequence

    async def export_proved(self, actor: Actor, wanted: Filter, after: int = 0) -> AsyncIterator[list[dict[str, Any]]]:
        """The same, each with its proof (proof.py). Faults: refused, audit_broken."""
        checkpoint, size = await self._begin_export(actor, Facts(person=wanted.person))
        work = partial(_proved_portion, wanted=wanted, size=size, checkpoint=checkpoint)
        while found := await self.db.read(partial(work, after=after)):
            yield found
            after = int(found[-1]["entry"]["sequence"])

    async def _begin_export(self, actor: Actor, facts: Facts) -> tuple[str, int]:
        """The export's own entry is the last one under the checkpoint that everything is proved against."""
        permit = await self._asked(actor, "export_audit", facts)
        at = now_text()

        def work(tx: Transaction) -> tuple[str, int]:
            rows.append(tx, permit, at)
            return rows.sign(tx, at), rows.head(tx)[0]

        return await self.db.write(work)

    async def verify(self, actor: Actor, more: Sequence[Seen] = ()) -> Verified:
        """Look at every entry. Takes about a second for 40,000 entries, beside everything else. Faults: refused."""
        permit = await self._asked(actor, "verify_audit", Facts())
        seen = (*self.seen(), *more)
        found = await self.db.read(lambda tx: verified(tx, seen))
        at = now_text()
        await self.db.write(lambda tx: rows.append(tx, permit, at))
        if not more:  # a file from elsewhere may be of another box
            self.db.trouble.audit = bool(found.findings)
        return found

    async def daily(self) -> Verified | None:
        """What the box does by itself once a day and after a start; None where that was done. The console tells it."""
        now = self.now()
        if self._verified is not None and now - self._verified < DAY_SECONDS:
            return None
        self._verified = now
        return await self.verify(BOX)

    async def _asked(self, actor: Actor, action: Action, facts: Facts) -> Permit:
        try:
            return decide(actor, action, facts)
        except Fault as fault:
            await self.refused(actor, action, facts, fault.code)
            raise

    # -- by itself ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write counts that are due and sign what has waited for a day, until cancelled. Begins with a checkpoint."""
        await self.sign()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._write_refusals(self._refusals.due(self.now()))
            unsigned, at = await self.db.read(rows.unsigned)
            if unsigned and (not at or signature_due(at, now_seconds())):
                await self.sign()

    async def sign(self) -> None:
        """A checkpoint of what is there, if anything is new."""
        at = now_text()
        await self.db.write(lambda tx: rows.sign(tx, at))

    async def close(self) -> None:
        """Write what was only counted, and sign the last entries."""
        await self._write_refusals(self._refusals.due(math.inf))
        await self.sign()


def verified(tx: Transaction, seen: Sequence[Seen] = ()) -> Verified:
    """What `rows.verify` finds, with what it was looked for in."""
    findings = rows.verify(tx, seen)
    try:
        size, root = rows.head(tx)
    except ValueError:  # a head that is none is among the findings
        size, root = 0, b""
    kept = rows.checkpoints(tx)
    return Verified(findings, size, root, kept[-1].size if kept else 0)


def _page(tx: Transaction, wanted: Filter, before: int) -> Page:
    found = rows.page(tx, wanted, before=before, most=PAGE + 1)
    return _named(tx, found[:PAGE], more=len(found) > PAGE)


def _portion(tx: Transaction, wanted: Filter, after: int, size: int) -> Page:
    return _named(tx, rows.page(tx, wanted, after=after, before=size + 1, most=PORTION), more=False)


def _named(tx: Transaction, found: Sequence[Stored], *, more: bool) -> Page:
    entries = [row.entry for row in found]
    names = rows.people(tx, [who for e in entries for who in (e.actor, e.person, e.subject)])
    return Page(found, names, rows.session_starts(tx, [e.session for e in entries]), more)


def _proved_portion(tx: Transaction, wanted: Filter, after: int, size: int, checkpoint: str) -> list[dict[str, Any]]:
    nodes = rows.nodes(tx)
    found = rows.page(tx, wanted, after=after, before=size + 1, most=PORTION)
    return [_proved(tx, row.entry.sequence, size, checkpoint, nodes) for row in found]


def _proved(tx: Transaction, sequence: int, size: int, checkpoint: str, nodes: tree.Nodes) -> dict[str, Any]:
    row = rows.stored(tx, sequence)
    if row is None or not 0 < sequence <= size:
        raise Fault("not_found", "no such entry of the audit")
    try:
        return proof.write(row, tree.inclusion(nodes, sequence - 1, size), checkpoint)
    except KeyError:
        raise Fault("audit_broken", "an entry is missing") from None
