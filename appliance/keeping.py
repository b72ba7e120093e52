"""What keeps the open store: its key, its slots. Made at the unlock, gone with the process.

Every change asks the policy, is noted in the audit and in the ledger of slots inside the store, and then written to
both copies of the file, in that order: no slot works before the audit knows of it. Slow work runs off the event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.policy import BOX, Action, Actor, Facts, Permit, decide
from appliance.store import ledger, rekey, sheet, slotfile, slotpair, slots
from appliance.store.database import Database, Transaction, store_path
from appliance.store.key import SIZE, StoreKey
from appliance.store.ledger import Ledger
from appliance.store.sheet import Language
from appliance.store.slotfile import Argon2, Hkdf, Kind, Slot, Slots
from appliance.store.slots import BOX_COST, MAX_PASSPHRASE, MIN_PASSPHRASE, Cost, Numbered

T = TypeVar("T")

# works: its secret was seen to open the box. untried: a sheet that nobody has typed back, or the machine's slot before
# a start that opened the box with it. elsewhere: HQ or the machine holds it. foreign: not made by this box as it
# stands, so no new key is sealed to it.
State = Literal["works", "untried", "elsewhere", "foreign"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One slot as the list shows it. `removable`: another one that works would stay. `tried_at`: "" before."""

    slot: Slot
    state: State
    removable: bool
    tried_at: str


@dataclass(frozen=True, slots=True)
class NewSheet:
    """A recovery sheet, shown once: nobody keeps the words."""

    slot: str
    words: tuple[str, ...]

    def __repr__(self) -> str:
        return "NewSheet(…)"


@dataclass(slots=True)
class Keeper:
    """`store` is the folder of store and slots. `key`, which has a `number`, opens it; a rekey replaces both."""

    store: Path
    db: Database
    key: StoreKey
    number: int = 1
    cost: Cost = BOX_COST
    _file: Slots | None = None  # as it was written or read last: outlives both copies on a disk that loses them
    still: asyncio.Lock = field(default_factory=asyncio.Lock)
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    # -- at the unlock -------------------------------------------------------------------------------------------

    async def reconcile(self, at: str, opened_by: str = "") -> None:
        """Note which slot opened the box, take over the slots of a new store, throw out those that were removed.

        Fault("wrong_passphrase") if the slot that opened it was removed once: somebody put an old file in its place.
        """
        async with self._changing:
            file = await asyncio.to_thread(self._current)

            def work(tx: Transaction) -> Ledger:
                known = ledger.read(tx)
                before = known
                known = Ledger().holding(file.slots) if known is None else known
                known = known.settled(file.slots) if known.leaving else known
                for slot in file.slots:
                    known = known.having_opened(slot, at) if slot.id == opened_by else known
                if known != before:
                    ledger.write(tx, known)
                if _removed(opened_by, file, known):
                    audit.append_refused(tx, BOX, "unlock_box", Facts(thing=opened_by), "wrong_passphrase", at)
                elif opened_by:
                    audit.append(tx, decide(BOX, "unlock_box", Facts(thing=opened_by)), at)
                return known

            known = await self.db.write(work)
            kept = tuple(self._only_this_key(slot) for slot in file.slots if not known.refuses(slot))
            kept = tuple(slot for slot in kept if slot.seals)
            if kept and kept != file.slots:
                with suppress(Fault):  # a full disk: what was removed is refused by the ledger all the same
                    await self._save(kept)
            if _removed(opened_by, file, known):
                raise Fault("wrong_passphrase", "a removed slot")

    # -- looking -------------------------------------------------------------------------------------------------

    async def list(self, actor: Actor, at: str) -> list[Seen]:
        """All slots, the oldest first. Faults: refused."""
        await self._ask(actor, "list_keys", "", at)
        file, known = await self._file_and_ledger()
        working = {slot.id for slot in file.slots if _state(slot, known) == "works"}
        return [
            Seen(slot, _state(slot, known), bool(working - {slot.id}), slot.tried_at or known.opened.get(slot.id, ""))
            for slot in file.slots
        ]

    async def machines(self) -> bytes | None:
        """The public key of the machine's slot, None where it has none."""
        file, known = await self._file_and_ledger()
        return next((slot.public for slot in file.slots if slot.kind == "machine" and known.knows(slot)), None)

    def rekey_seconds(self) -> tuple[float, float]:
        """What a rekey is expected to take: on a fast machine and on a slow one."""
        return rekey.estimate(store_path(self.store))

    async def may_add(self, actor: Actor, at: str) -> None:
        """Fault("refused"), noted, for one who may add no slot."""
        await self._ask(actor, "add_key", "", at)

    # -- adding --------------------------------------------------------------------------------------------------

    async def add_passphrase(self, actor: Actor, passphrase: str, label: str, at: str) -> str:
        """The new slot's id. Faults: refused, weak_passphrase, bad_request, too_many_slots, store_failed."""
        await self._ask(actor, "add_key", "", at)
        _check(passphrase, label)
        async with self._changing:
            return await self._add(
                actor, at, lambda keys: slots.of_passphrase(passphrase, label, at, keys, self.cost), drop=_nothing
            )

    async def add_sheet(self, actor: Actor, language: Language, label: str, at: str) -> NewSheet:
        """A sheet that counts once it was tried. Sheets made before and never tried are dropped. Faults: as above."""
        await self._ask(actor, "add_key", "", at)
        _check_label(label)
        entropy = os.urandom(sheet.ENTROPY_SIZE)
        async with self._changing:
            slot = await self._add(
                actor,
                at,
                lambda keys: slots.of_sheet(entropy, label, at, keys),
                drop=lambda old: old.kind == "sheet" and not old.tried_at,
            )
        return NewSheet(slot, sheet.words(entropy, language))

    async def add_public(self, actor: Actor, kind: Kind, public: bytes, label: str, at: str) -> str:
        """A slot for HQ's or the machine's key; there is one of each kind, so it takes the place of another.

        Faults: as above; bad_request for what is no public key.
        """
        await self._ask(actor, "add_key", "", at)
        _check_label(label)
        if kind not in ("hq", "machine"):
            raise Fault("bad_request", "kind")
        async with self._changing:
            file, known = await self._file_and_ledger()
            for slot in file.slots:
                if (slot.kind, slot.public) == (kind, public) and known.knows(slot):
                    return slot.id
            return await self._add(
                actor,
                at,
                lambda keys: slots.of_public(kind, public, label, at, keys),
                drop=lambda old: old.kind == kind,
            )

    async def try_out(self, actor: Actor, identifier: str, secret: str, at: str) -> None:
        """See that a sheet's words, or a passphrase, open their slot; from then on it counts.

        Faults: refused, not_found, wrong_state (nobody here can type HQ's key), wrong_sheet, wrong_passphrase.
        """
        permit = await self._ask(actor, "add_key", identifier, at)
        async with self._changing:
            file, known = await self._file_and_ledger()
            slot = file.slot(identifier)
            if slot.kdf is None:
                raise Fault("wrong_state", "held elsewhere")
            if not await asyncio.to_thread(_opens, slot, secret, self.key):
                raise Fault("wrong_sheet" if slot.kind == "sheet" else "wrong_passphrase")
            tried = msgspec.structs.replace(slot, tried_at=at)
            ours = [one for one in file.slots if known.knows(one) or one.id == identifier]
            await self._write(permit, at, known.holding(ours), _with(file.slots, tried))

    # -- changing ------------------------------------------------------------------------------------------------

    async def remove(self, actor: Actor, identifier: str, at: str) -> Kind:
        """The kind of what was removed.

        Faults: refused, not_found, last_slot (no other passphrase or tried sheet would stay).
        """
        permit = await self._ask(actor, "remove_key", identifier, at)
        async with self._changing:
            file, known = await self._file_and_ledger()
            gone = file.slot(identifier)
            left = tuple(slot for slot in file.slots if slot.id != identifier)
            if not any(_state(slot, known) == "works" for slot in left):
                raise Fault("last_slot")
            ours = [slot for slot in left if known.knows(slot)]
            await self._write(permit, at, known.holding(ours, [gone]), left)
        return gone.kind

    async def rotate(self, actor: Actor, identifier: str, passphrase: str, at: str) -> None:
        """Another passphrase for the same slot, in one step: the old one stops as the new one begins.

        Faults: refused, not_found, wrong_state (not a passphrase's slot), weak_passphrase.
        """
        permit = await self._ask(actor, "add_key", identifier, at)
        _check(passphrase, "")
        async with self._changing:
            file, known = await self._file_and_ledger()
            old = file.slot(identifier)
            if old.kind != "passphrase":
                raise Fault("wrong_state", "only a passphrase is rotated")
            keys = (self._numbered(),)
            fresh = await asyncio.to_thread(slots.of_passphrase, passphrase, old.label, at, keys, self.cost, identifier)
            changed = _with(file.slots, fresh)
            ours = [slot for slot in changed if known.knows(slot) or slot.id == identifier]
            await self._write(permit, at, known.holding(ours).changing(old), changed)
            with suppress(Fault):  # else the next start does it
                await self.db.write(lambda tx: _settle(tx, changed))

    async def rekey(self, actor: Actor, at: str) -> float:
        """Another key for the store, sealed into all slots that are ours; how many seconds it took.

        While it is under way both keys are in the slots, so whichever opens the store after a power cut is found.
        Being cancelled does not stop it. Faults: refused, backup_busy, disk_full, store_failed: then the old key stays.
        """
        permit = await self._ask(actor, "rekey", "", at)
        if self.still.locked():
            raise Fault("backup_busy")
        return await asyncio.shield(asyncio.ensure_future(self._rekey(actor, permit, at)))

    async def _rekey(self, actor: Actor, permit: Permit, at: str) -> float:
        async with self._changing, self.still:
            file, known = await self._file_and_ledger()
            ours = tuple(slot for slot in file.slots if known.knows(slot))
            now = self._numbered()
            new = Numbered(now.number + 1, StoreKey(os.urandom(SIZE)))
            both = await asyncio.to_thread(lambda: tuple(slots.resealed(slot, (now, new)) for slot in ours))
            await self._write(permit, at, known.holding(ours), both)
            try:
                took = await self.db.rekey(new.key)
            except Fault as fault:
                code = fault.code
                with suppress(Fault):
                    await self.db.write(lambda tx: audit.append_refused(tx, actor, "rekey", Facts(), code, at))
                if self.db.key == now.key:  # else both stay in the slots: the next unlock finds the one that opens
                    await self._save(ours)
                raise
            finally:
                if self.db.key == new.key:
                    self.key, self.number = new.key, new.number
            with suppress(Fault):  # the new key is the store's; the next unlock drops the old one from the slots
                await self._save(tuple(self._only_this_key(slot) for slot in both))
            return took

    # -- inside --------------------------------------------------------------------------------------------------

    async def _ask(self, actor: Actor, action: Action, thing: str, at: str) -> Permit:
        try:
            return decide(actor, action, Facts(thing=thing))
        except Fault as fault:
            code = fault.code
            await self.db.write(lambda tx: audit.append_refused(tx, actor, action, Facts(thing=thing), code, at))
            raise

    async def _add(
        self,
        actor: Actor,
        at: str,
        make: Callable[[tuple[Numbered, ...]], Slot],
        drop: Callable[[Slot], bool],
    ) -> str:
        file, known = await self._file_and_ledger()
        left = tuple(slot for slot in file.slots if not drop(slot))
        if len(left) >= slotfile.MAX_SLOTS:
            raise Fault("too_many_slots")
        fresh = await asyncio.to_thread(make, (self._numbered(),))
        permit = decide(actor, "add_key", Facts(thing=fresh.id))
        ours = [slot for slot in left if known.knows(slot)]
        dropped = [slot for slot in file.slots if slot not in left]
        await self._write(permit, at, known.holding([*ours, fresh], dropped), (*left, fresh))
        return fresh.id

    async def _write(self, permit: Permit, at: str, new: Ledger, changed: tuple[Slot, ...]) -> None:
        """Audit and ledger, then the file; if the file's disk refuses, both are told that it did not come about."""
        before = await self.db.read(ledger.read)

        def work(tx: Transaction) -> None:
            ledger.write(tx, new)
            audit.append(tx, permit, at)

        await self.db.write(work)
        try:
            await self._save(changed)
        except Fault as fault:
            code = fault.code

            def undo(tx: Transaction) -> None:
                ledger.write(tx, before or Ledger())
                audit.append_refused(tx, permit.actor, permit.action, permit.facts, code, at)

            await self.db.write(undo)
            raise

    async def _save(self, changed: tuple[Slot, ...]) -> None:
        file = Slots(generation=self._file.generation if self._file else 0, slots=changed)
        self._file = await asyncio.to_thread(slotpair.save, self.store, file)

    async def _file_and_ledger(self) -> tuple[Slots, Ledger]:
        file = await asyncio.to_thread(self._current)
        return file, await self.db.read(ledger.read) or Ledger()

    def _current(self) -> Slots:
        """The file, a damaged copy mended; from memory if both are gone. Blocks. Fault("slots_missing")."""
        with suppress(Fault):  # a disk that refuses keeps nobody from the copy that is whole
            slotpair.mend(self.store)
        try:
            found = slotpair.load(self.store)
            if isinstance(found, Slots):
                self._file = found
        except Fault:
            if self._file is None:
                raise
            self._file = slotpair.save(self.store, self._file)
        if self._file is None:
            raise Fault("slots_missing", "version 1 on a disk that refuses")
        return self._file

    def _numbered(self) -> Numbered:
        return Numbered(self.number, self.key)

    def _only_this_key(self, slot: Slot) -> Slot:
        return slots.without(slot, self.number)


def _removed(opened_by: str, file: Slots, known: Ledger) -> bool:
    return opened_by in known.removed or any(slot.id == opened_by and known.refuses(slot) for slot in file.slots)


def _settle(tx: Transaction, changed: tuple[Slot, ...]) -> None:
    known = ledger.read(tx)
    if known is not None:
        ledger.write(tx, known.settled(changed))


def _state(slot: Slot, known: Ledger) -> State:
    if not known.knows(slot):
        return "foreign"
    if slot.kdf is None:
        return "untried" if slot.kind == "machine" and slot.id not in known.opened else "elsewhere"
    return "works" if slot.tried_at else "untried"


def _opens(slot: Slot, secret: str, key: StoreKey) -> bool:
    if len(secret) > MAX_PASSPHRASE:
        return False
    if isinstance(slot.kdf, Argon2):
        seed = slots.seed_of_passphrase(secret, slot.kdf)
    else:
        entropy = sheet.entropy(secret)
        if entropy is None or not isinstance(slot.kdf, Hkdf):
            return False
        seed = slots.seed_of_sheet(entropy, slot.kdf)
    return any(one.key == key for one in slots.opened(slot, seed))


def _with(all_: Iterable[Slot], changed: Slot) -> tuple[Slot, ...]:
    return tuple(changed if slot.id == changed.id else slot for slot in all_)


def _check(passphrase: str, label: str) -> None:
    if len(passphrase) < MIN_PASSPHRASE:
        raise Fault("weak_passphrase")
    if len(passphrase) > MAX_PASSPHRASE:
        raise Fault("bad_request", "passphrase length")
    _check_label(label)


def _check_label(label: str) -> None:
    if not slotfile.fit_label(label):
        raise Fault("bad_request", "label")


def _nothing(_: Slot) -> bool:
    return False
