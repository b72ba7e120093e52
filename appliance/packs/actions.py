"""From the spool to the store to their effect: packs are taken, applied in order, answered.

Each step is found again after a crash by looking: files in the spool that the store has, packs that wait, packs.json
that is behind. A pack is in the store before anything of it is done; all of it and the answer to HQ are one
transaction; what happens outside the store follows the commit. One that cannot be applied stays, and those behind it
wait: `void` in a later one lets it be passed over, an upgrade may understand it.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from pathlib import Path

import msgspec

from appliance import clock
from appliance.faults import Fault
from appliance.outbox import pinned
from appliance.outbox import rows as outbox
from appliance.packs import effects, record, rows, rules, staffing
from appliance.packs.effects import After, Now
from appliance.policy import BOX, Facts, decide
from appliance.returned import rows as returned
from appliance.store.database import Database, Transaction
from sync import items, pack
from sync.content import Record
from sync.faults import SyncFault
from sync.keys import HqFacts
from sync.pack import Pack
from sync.spool import read_bounded, write_whole

LOOK_SECONDS = 2.0  # between two looks: one folder listing and one short read of the store
AGAIN_SECONDS = 3600.0  # a pack that was refused is tried again: the clock may have been wrong, or a key not there yet
MOST_FILES = 2048  # in down/ looked at. The courier brings a few before they are applied, a stick a library
MOST_FORKS = 16  # told to HQ since the start; more say nothing new
BAD_SECONDS = 600.0  # bytes that are no pack of ours stay that long, so that a courier that fetches them again rests
_NAME = re.compile(r"^([0-9]{16})\.pack$")

_log = logging.getLogger("hearth.packs")


async def _nobody(_: str) -> None:
    return None


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Told:
    """What the console shows of HQ's side. Days are whole; `certificate_days` None: there is none."""

    enrolled: bool = False
    heard_at: str = ""
    silent_days: int = 0  # more than HQ's policy allows; 0: not silent, or nobody can tell
    applied: int = 0
    waiting: int = 0
    fault: str = ""  # why packs do not go on
    release: str = ""
    release_since: str = ""
    certificate_name: str = ""
    certificate_days: int | None = None
    to_appoint: int = 0
    kept_accounts: int = 0  # HQ wants them changed, and they are the last that manage the others


# -- one transaction each ----------------------------------------------------------------------------------------------


def take(tx: Transaction, raw: bytes, hq: HqFacts, at: str) -> bool:
    """Keep a pack that follows on ours, or know it again; whether its file can go. Raises SyncFault."""
    parsed = pack.parse(raw)
    own = outbox.known_identity(tx)
    pack.verify(parsed, hq.pack_keys, own.box if own else b"")
    head = rows.head(tx)
    where = rules.placed(parsed, head, rows.hash_of(tx, parsed.number))
    if where == "early" or (where == "next" and len(rows.waiting(tx)) >= rules.MAX_WAITING):
        return False
    if where == "next":
        rows.keep(tx, parsed, at)
        pinned.heard(tx, at)
    return True


def opened(tx: Transaction, number: int, hq: HqFacts) -> tuple[Pack, tuple[Record, ...]]:
    """A pack that waits and what is in it. Its signature is checked again: the keys of HQ may have changed. Writes."""
    parsed = pack.parse(rows.raw(tx, number))
    own = outbox.identity(tx)
    pack.verify(parsed, hq.pack_keys, own.box)
    return parsed, pack.open_records(parsed, pinned.inbox(tx))


def apply_next(tx: Transaction, number: int, hq: HqFacts, at: str, moment: datetime) -> After:
    """All of pack `number`, and the answer to HQ. Raises SyncFault, and then nothing of it may stay."""
    parsed, records = opened(tx, number, hq)
    if parsed.kind == pack.RETURNED:
        after = give_back(tx, parsed, records)
    else:
        after = effects.apply(tx, records, Now(number, at, moment))
    rows.end(tx, decide(BOX, "apply_pack", Facts(thing=str(number))), number, "applied", at)
    outbox.add(tx, record.APPLIED, record.fate(record.APPLIED, number, parsed.hash, kinds=after.kinds), at)
    return after


def give_back(tx: Transaction, parsed: Pack, records: tuple[Record, ...]) -> After:
    """Records of a lost box, kept as they came."""
    permit = decide(BOX, "apply_pack", Facts(thing=str(parsed.number)))
    returned.keep(tx, permit, parsed.subject, records, parsed.number)
    return After(kinds=["returned"])


def refuse(tx: Transaction, number: int, code: str, at: str) -> None:
    """Note why pack `number` waits, and tell HQ once."""
    if rows.refuse(tx, number, code):
        answer = record.fate(record.REFUSED, number, rows.hash_of(tx, number) or b"", code)
        outbox.add(tx, record.REFUSED, answer, at)


def pass_over(tx: Transaction, number: int, hq: HqFacts, at: str) -> bool:
    """End pack `number` without applying it, if a pack behind it that waits says so."""
    for later in rows.waiting(tx):
        if later > number and number in _voided(tx, later, hq):
            digest = rows.hash_of(tx, number) or b""
            rows.end(tx, decide(BOX, "apply_pack", Facts(thing=str(number))), number, "void", at)
            outbox.add(tx, record.REFUSED, record.fate(record.REFUSED, number, digest, "void"), at)
            return True
    return False


def _voided(tx: Transaction, number: int, hq: HqFacts) -> Sequence[int]:
    """The numbers that a pack which waits lets be passed over; a pack that cannot be read says nothing."""
    with suppress(SyncFault):
        for one in opened(tx, number, hq)[1]:
            if one.record_class == "void":
                item = items.decode("void", one.body)
                return item.numbers if isinstance(item, items.Void) else ()
    return ()


# -- the driver --------------------------------------------------------------------------------------------------------


class Applier:
    """Runs in the appliance beside the open store.

    `on_change`: `told()` is new. `ended`: a person's logins were ended in the store. `wake`: records wait to be sent.
    `certificate`: look at the portal's certificate again. `believed`: whether the box's clock is.
    """

    def __init__(
        self,
        db: Database,
        spool: Path,
        *,
        on_change: Callable[[], None] = lambda: None,
        ended: Callable[[str], Awaitable[None]] = _nobody,
        sent: Callable[[], None] = lambda: None,
        certificate: Callable[[], Awaitable[None]] = _nothing,
        believed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._db, self._spool = db, spool
        self._on_change, self._ended, self._sent = on_change, ended, sent
        self._certificate, self._believed = certificate, believed
        self._wake = asyncio.Event()
        self._bad: dict[int, tuple[float, int, str]] = {}  # files that are no packs of ours: since when, stamp, code
        self._forks: set[bytes] = set()  # that HQ was told of: the same file may be laid there again and again
        self._tried = (0, 0)  # the pack that was refused last, and the head then: only news are a reason to try again
        self._tried_at = 0.0
        self._written: tuple[int, int] | None = None
        self._heard: tuple[str, float | None] | None = None  # when HQ was heard, and when that was by the even clock
        self._told = Told()

    def told(self) -> Told:
        """The newest facts."""
        return self._told

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        """Apply until cancelled."""
        while True:
            self._wake.clear()
            await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    async def look(self) -> None:
        """One round. A store or disk that fails ends it; the next one tries again."""
        try:
            hq = await self._db.read(pinned.pinned)
            if hq is not None:
                await self._take_all(hq)
                await self._apply_all(hq)
                await self._grant()
                await self._tell_courier()
        except (Fault, OSError) as problem:
            _log.warning("packs do not go on: %s", type(problem).__name__)
        with suppress(Fault, OSError):
            await self._tell()

    # -- from the spool into the store

    async def _take_all(self, hq: HqFacts) -> None:
        found = await asyncio.to_thread(self._files)
        self._bad = {number: kept for number, kept in self._bad.items() if number in found}
        for number, stamp in sorted(found.items()):
            if self._bad.get(number, (0.0, 0, ""))[1] != stamp and not await self._take(number, stamp, hq):
                break
        await asyncio.to_thread(self._forget_bad)

    async def _take(self, number: int, stamp: int, hq: HqFacts) -> bool:
        """Whether the next file is worth a look."""
        path, at = self._path(number), clock.now_text()
        raw = await asyncio.to_thread(read_bounded, path, pack.MAX_PACK)
        try:
            if raw is not None and not await self._db.write(lambda tx: take(tx, raw, hq, at)):
                return False
        except SyncFault as fault:
            self._bad[number] = (time.monotonic(), stamp, fault.code)
            _log.warning("a pack was not taken: %s", fault.code)
            digest = hashlib.sha256(raw or b"").digest()
            if fault.code == "pack_fork" and digest not in self._forks and len(self._forks) < MOST_FORKS:
                self._forks.add(digest)
                answer = record.fate(record.REFUSED, number, digest, fault.code)
                await self._db.write(lambda tx: outbox.add(tx, record.REFUSED, answer, at))
            return True
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return True

    def _files(self) -> dict[int, int]:
        folder = self._spool / "down"
        if not folder.is_dir():
            return {}
        with os.scandir(folder) as entries:  # whoever took the courier over may lay links and pipes there
            packs = ((match, one) for one in entries if (match := _NAME.match(one.name)))
            numbered = ((int(match.group(1)), one) for match, one in packs if one.is_file(follow_symlinks=False))
            first = heapq.nsmallest(MOST_FILES, numbered, key=itemgetter(0))
        return {number: one.stat(follow_symlinks=False).st_mtime_ns for number, one in first}

    def _forget_bad(self) -> None:
        """What was damaged on its way can be fetched again; what a newer version can read, or is evidence, stays."""
        for number, (since, _, code) in self._bad.items():
            old = time.monotonic() - since > BAD_SECONDS
            if old and code not in ("unsupported_version", "pack_fork", "pack_other_key"):
                self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._spool / "down" / f"{number:016d}.pack"

    # -- from the store to their effect

    async def _apply_all(self, hq: HqFacts) -> None:
        while True:
            waiting, head = await self._db.read(lambda tx: (rows.waiting(tx)[:1], rows.head(tx).number))
            recent = time.monotonic() - self._tried_at < AGAIN_SECONDS
            if not waiting or (self._tried == (waiting[0], head) and recent):
                return
            if not await self._apply(waiting[0], hq):
                self._tried, self._tried_at = (waiting[0], head), time.monotonic()
                return
            newest = await self._db.read(pinned.pinned)
            hq = newest or hq  # it may have brought other keys

    async def _apply(self, number: int, hq: HqFacts) -> bool:
        at, moment = clock.now_text(), clock.moment()
        try:
            after = await self._db.write(lambda tx: apply_next(tx, number, hq, at, moment))
        except (Fault, OSError):
            raise  # the store's or the disk's: nothing is wrong with the pack
        except Exception as fault:  # noqa: BLE001 - whatever an item trips over, its pack must be refused, to be voided
            code = fault.code if isinstance(fault, SyncFault) else "malformed_item"
            over = await self._db.write(lambda tx: pass_over(tx, number, hq, at))
            if not over:
                _log.warning("pack %d is refused: %s", number, code)
                await self._db.write(lambda tx: refuse(tx, number, code, at))
            self._sent()
            return over
        self._sent()
        await self._follow(after)
        return True

    async def _follow(self, after: After) -> None:
        for person in dict.fromkeys(after.ended):
            await self._ended(person)
        if "tls_certificate" in after.kinds:
            await self._certificate()

    async def _grant(self) -> None:
        if await self._db.read(rows.wishes):
            at = clock.now_text()
            for person in await self._db.write(lambda tx: staffing.grant_wishes(tx, at)):
                await self._ended(person)

    # -- what others hear

    async def _tell_courier(self) -> None:
        """packs.json: up to which number all was applied, and which pack the courier is to bring next."""
        standing, head = await self._db.read(lambda tx: (rows.standing(tx), rows.head(tx).number))
        now = (standing.applied, head + 1)
        if now != self._written:
            body = msgspec.json.encode({"applied": now[0], "next": now[1]})
            await asyncio.to_thread(write_whole, self._spool / "packs.json", body)
            self._written = now

    async def _tell(self) -> None:
        moment, believed = clock.moment(), self._believed()
        heard = await self._db.read(pinned.heard_at)
        if believed and rules.heard_in_the_future(heard, moment):
            heard = clock.now_text()
            await self._db.write(lambda tx: pinned.heard(tx, heard))
        if self._heard is None:
            self._heard = (heard, None)  # before this start, or just now: the time of day has to tell
        elif self._heard[0] != heard:
            self._heard = (heard, clock.elapsed())
        running = None if self._heard[1] is None else clock.elapsed() - self._heard[1]
        told = await self._db.read(lambda tx: facts(tx, moment, believed=believed, running=running))
        bad = next((code for _, _, code in self._bad.values()), "")
        if bad and not told.fault:
            told = replace(told, fault=bad)
        if told != self._told:
            self._told = told
            self._on_change()


def facts(tx: Transaction, moment: datetime, *, believed: bool, running: float | None = None) -> Told:
    """What the store knows of HQ's side."""
    heard, standing, certificate = pinned.heard_at(tx), rows.standing(tx), rows.named(tx)
    policy, update = rows.kept(tx, "policy"), rows.kept(tx, "update")
    within = msgspec.json.decode(policy, type=items.Policy).hear_within_days if policy else rules.HEAR_WITHIN_DAYS
    news = msgspec.json.decode(update, type=items.Update) if update else None
    silent = rules.silent_days(heard, moment, believed=believed, running=running)
    return Told(
        enrolled=pinned.pinned_json(tx) is not None,
        heard_at=heard,
        silent_days=silent if silent >= within else 0,
        applied=standing.applied,
        waiting=standing.waiting,
        fault=standing.refused,
        release=news.release if news else "",
        release_since=news.since if news else "",
        certificate_name=certificate.name if certificate else "",
        certificate_days=(certificate.ends - moment).days if certificate else None,
        to_appoint=len(rows.to_appoint(tx)),
        kept_accounts=len(rows.wishes(tx)),
    )
