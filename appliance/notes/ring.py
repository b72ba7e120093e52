"""The clinicians' private keys of this moment: in memory only, one for each login, gone with it.

Python cannot wipe memory: a dropped key is unreachable at once, and overwritten when its memory is used again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.notes.access import actions as access
from appliance.notes.access import known, rows
from appliance.notes.sealing import SIGN_IN_COST, Cost, PrivateKey, unwrap, wrap
from appliance.policy import TABLE, Actor
from appliance.store.database import Database, Transaction

log = logging.getLogger(__name__)

MAX_HELD = 1024  # logins with a key; the oldest is dropped, who then signs in again
_AT_ONCE = 2  # derivations of 32 MiB: a crowd at the door must not take the box down


@dataclass(frozen=True, slots=True)
class _Held:
    person: str
    key: PrivateKey


@dataclass(slots=True, eq=False)
class _Opening:
    """A key that is being opened: slow, so the login may get another token or end meanwhile."""

    login: bytes
    person: str
    ended: bool = False


class Ring:
    """Private halves by the hash of the login's token. All methods run on the event loop; slow work goes to threads."""

    def __init__(self, db: Database, cost: Cost = SIGN_IN_COST) -> None:
        self._db, self._cost = db, cost
        self._held: dict[bytes, _Held] = {}
        self._opening: list[_Opening] = []
        self._deriving = asyncio.Semaphore(_AT_ONCE)
        self.on_drop: list[Callable[[bytes], None]] = []

    def __len__(self) -> int:
        return len(self._held)

    def key(self, login: bytes) -> PrivateKey:
        """The private key of that login. Fault("keys_missing") after a restart, or for a role without notes."""
        held = self._held.get(login)
        if held is None:
            raise Fault("keys_missing")
        return held.key

    def holds(self, login: bytes) -> bool:
        return login in self._held

    async def unlock(self, login: bytes, person: str, password: str) -> None:
        """Unwrap that clinician's private key with their password and hold it for `login`; make one at the first time.

        A password that was set anew does not open the old key: then there is a new one, and the old one stays for the
        old password (`reopen`). Does nothing for a role without notes. Never fails a sign-in: without a key notes stay
        closed.
        """
        opening = _Opening(login, person)
        self._opening.append(opening)
        try:
            try:
                await self._unlock(opening, person, password)
            except Fault as fault:
                if fault.code != "wrong_state":
                    raise
                await self._unlock(opening, person, password)  # the other login's key is there now, and opens
        except Fault as fault:
            log.error("notes: a key could not be opened at sign-in: %s %s", fault.code, fault.detail)
        finally:
            self._opening.remove(opening)

    async def _unlock(self, opening: _Opening, person: str, password: str) -> None:
        role, kept = await self._db.read(lambda tx: (rows.role_in_use(tx, person), rows.own_keys(tx, person)[:1]))
        if role not in TABLE["read_note"]:
            return
        key = await self._unwrapped(kept[0], password) if kept else None
        if key is None:
            key = await self._make(person, password, kept[0].number if kept else 0)
        if role == "clinical_lead":
            await self._db.write(lambda tx: _first_recovery(tx, person, key, now_text()))
        if not opening.ended:
            self._hold(opening.login, _Held(person, key))

    async def _make(self, person: str, password: str, seen: int) -> PrivateKey:
        """A new key pair after number `seen`; Fault("wrong_state") if another login made one at the same moment."""
        key = PrivateKey.new()
        async with self._deriving:
            kept = await asyncio.to_thread(wrap, key, person, password, self._cost)

        def work(tx: Transaction) -> None:
            if [found.number for found in rows.own_keys(tx, person)[:1]] != [seen] * (seen > 0):
                raise Fault("wrong_state", "another key by now")
            rows.add_key(tx, person, key.public, kept, known.sealed({}, person, key), now_text())

        await self._db.write(work)
        return key

    async def _unwrapped(self, kept: rows.OwnKey, password: str) -> PrivateKey | None:
        async with self._deriving:
            return await asyncio.to_thread(unwrap, kept.kept, kept.person, kept.public, password)

    def _hold(self, login: bytes, held: _Held) -> None:
        self._held[login] = held
        while len(self._held) > MAX_HELD:
            self.drop(next(iter(self._held)))

    def move(self, old: bytes, new: bytes) -> None:
        """The login got a new token: after the second factor."""
        for opening in self._opening:
            if opening.login == old:
                opening.login = new
        held = self._held.get(old)
        if held is not None and old != new:
            self._held[new] = held
            self.drop(old)

    def drop(self, login: bytes) -> None:
        """The login has ended."""
        for opening in self._opening:
            opening.ended |= opening.login == login
        if self._held.pop(login, None) is not None:
            for tell in self.on_drop:
                tell(login)

    def drop_person(self, person: str) -> None:
        """All of that person's logins have ended."""
        for opening in self._opening:
            opening.ended |= opening.person == person
        for login in [login for login, held in self._held.items() if held.person == person]:
            self.drop(login)

    async def changing(self, person: str, old: str, new: str) -> Callable[[Transaction], Any]:
        """What rewraps the private key for a new password, to be run in the transaction that changes the password.

        It raises Fault("wrong_state") if the key became another one meanwhile: then nothing is changed.
        """
        kept = (await self._db.read(lambda tx: rows.own_keys(tx, person)))[:1]
        key = await self._unwrapped(kept[0], old) if kept else None
        if key is None:  # a role without notes, or a key that the old password does not open either
            return _unless_changed(person, [one.number for one in kept])
        found = key
        async with self._deriving:
            wrapped = await asyncio.to_thread(wrap, found, person, new, self._cost)

        def rewrap(tx: Transaction) -> None:
            current = rows.own_keys(tx, person)[:1]
            if not current or current[0].hash != found.hash:
                raise Fault("wrong_state", "the clinician's key is another one by now")
            rows.rewrap(tx, person, current[0].number, wrapped)

        return rewrap

    async def reopen(self, login: bytes, actor: Actor, old_password: str) -> int:
        """After a password was set anew: what the old one opened, through the old one. How many keys of groups.

        Faults: keys_missing, wrong_sign_in (that was not it, or nothing is sealed to an older key).
        """
        new = self.key(login)
        kept = (await self._db.read(lambda tx: rows.own_keys(tx, actor.person)))[1:]
        for older in kept:
            old = await self._unwrapped(older, old_password)
            if old is not None:
                return await self._db.write(_reopening(actor, old, new))
        raise Fault("wrong_sign_in", "no older key opens")


def _unless_changed(person: str, seen: list[int]) -> Callable[[Transaction], None]:
    """Another login may have made the first key meanwhile, under the password that is about to go."""

    def check(tx: Transaction) -> None:
        if [one.number for one in rows.own_keys(tx, person)[:1]] != seen:
            raise Fault("wrong_state", "the clinician's key is another one by now")

    return check


def _reopening(actor: Actor, old: PrivateKey, new: PrivateKey) -> Callable[[Transaction], int]:
    return lambda tx: access.reopen(tx, actor, old, new, now_text())


def _first_recovery(tx: Transaction, person: str, key: PrivateKey, at: str) -> None:
    """The clinic's recovery key is made by the first clinical lead who signs in."""
    if rows.recovery(tx) is None:
        access.make_recovery(tx, person, key.public, PrivateKey.new(), at)
