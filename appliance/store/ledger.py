"""Which key slots are ours: kept inside the store, since the slots' file lies open to whoever holds the card.

The file alone could be given a slot with a stranger's public key, and the next rekey would seal the new key to it; or
an old copy, and a slot that was removed would work again. So a slot counts only while the store knows its id and the
hash of all that it says of itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable

import msgspec

from appliance.faults import Fault
from appliance.store.slotfile import Slot
from appliance.store.transaction import Transaction

_NAME = "key_slots"
MAX_REMOVED = (
    256  # of each kind; the oldest are forgotten: their slots are strangers then, which are not sealed to either
)


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """`known`: slot id to SHA-256 (hex) of its header. `removed`: ids, the newest last.

    `retired`: SHA-256 (hex) of the public keys of what was removed or changed, so that a passphrase that was taken back
    stays so under whatever id an old file gives it. `leaving`: slot id to the retired key that a change of passphrase
    leaves; it is retired once the file holds the new one, or a power cut in between would lock everybody out.
    `opened`: id of the machine's slot to when it first opened the box (UTC).
    """

    known: dict[str, str] = {}
    removed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    leaving: dict[str, str] = {}
    opened: dict[str, str] = {}

    def knows(self, slot: Slot) -> bool:
        """Whether the slot is ours, as it stands."""
        return self.known.get(slot.id) == _digest(slot)

    def refuses(self, slot: Slot) -> bool:
        """Whether the slot was taken back: it opens the box no more, whoever put it into the file again."""
        return slot.id in self.removed or _public(slot) in self.retired

    def holding(self, slots: Iterable[Slot], removed: Iterable[Slot] = ()) -> Ledger:
        """A ledger of just these slots; `removed` are never let in again, unless one of these has their secret."""
        ours, gone = list(slots), list(removed)
        known = {slot.id: _digest(slot) for slot in ours}
        return Ledger(
            known=known,
            removed=_newest((*self.removed, *(slot.id for slot in gone)), known),
            retired=_newest((*self.retired, *map(_public, gone)), set(map(_public, ours))),
            leaving={identifier: left for identifier, left in self.leaving.items() if identifier in known},
            opened={identifier: at for identifier, at in self.opened.items() if identifier in known},
        )

    def having_opened(self, slot: Slot, at: str) -> Ledger:
        """As it is, and that slot of the machine's is seen to work; when it did so first is kept."""
        if slot.kind != "machine" or slot.id in self.opened or not self.knows(slot):
            return self
        return msgspec.structs.replace(self, opened={**self.opened, slot.id: at})

    def changing(self, old: Slot) -> Ledger:
        """As it is, with the new slot of that id in `known` already: `old` goes when `settled` has seen the new one."""
        return msgspec.structs.replace(self, leaving={**self.leaving, old.id: _public(old)})

    def settled(self, slots: Iterable[Slot]) -> Ledger:
        """What became of changes of a passphrase by the file: done, or never come about."""
        known, retired = dict(self.known), list(self.retired)
        file = {slot.id: slot for slot in slots}
        for identifier, left in self.leaving.items():
            slot = file.get(identifier)
            if slot is not None and _public(slot) == left:
                known[identifier] = _digest(slot)
            else:
                retired.append(left)
        kept = _newest(retired, {_public(slot) for slot in file.values() if known.get(slot.id) == _digest(slot)})
        return msgspec.structs.replace(self, known=known, retired=kept, leaving={})


def refuse_removed(tx: Transaction, slots: Iterable[Slot], opened_by: str) -> None:
    """Fault("wrong_passphrase") if the slot that opened the store was taken back."""
    known = read(tx)
    if known is not None and any(slot.id == opened_by and known.refuses(slot) for slot in slots):
        raise Fault("wrong_passphrase", "a removed slot")


def read(tx: Transaction) -> Ledger | None:
    """The ledger, None in a store that never had one."""
    row = tx.one("SELECT value FROM box_secrets WHERE name = ?", (_NAME,))
    return None if row is None else msgspec.json.decode(bytes(row["value"]), type=Ledger)


def write(tx: Transaction, ledger: Ledger) -> None:
    """Put it in place of the one before."""
    content = msgspec.json.encode(ledger)
    tx.execute(
        "INSERT INTO box_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_NAME, content),
    )


def _digest(slot: Slot) -> str:
    return hashlib.sha256(slot.header()).hexdigest()


def _public(slot: Slot) -> str:
    return hashlib.sha256(slot.public).hexdigest()


def _newest(gone: Iterable[str], back: Container[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in gone if one not in back))[-MAX_REMOVED:]
