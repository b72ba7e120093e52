"""Which key slots are ours: kept inside the store, since the slots' file lies open to whoever holds the card.

The file alone could be given a slot with a stranger's public key, and the next rekey would seal the new key to it; or
an old copy, and a slot that was removed would work again. So a slot counts only while the store knows its id and the
hash of all that it says of itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from appliance.store.slotfile import Slot
from appliance.store.transaction import Transaction

_NAME = "key_slots"
MAX_REMOVED = 256  # ids; the oldest are forgotten: their slots are strangers then, which are not sealed to either


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """`known`: slot id to SHA-256 (hex) of its header. `removed`: ids, the newest last."""

    known: dict[str, str] = {}
    removed: tuple[str, ...] = ()

    def knows(self, slot: Slot) -> bool:
        """Whether the slot is ours, as it stands."""
        return self.known.get(slot.id) == _digest(slot)

    def holding(self, slots: Iterable[Slot], removed: Iterable[str] = ()) -> Ledger:
        """A ledger of just these slots; `removed` are never let in again under their old ids."""
        known = {slot.id: _digest(slot) for slot in slots}
        gone = [one for one in (*self.removed, *removed) if one not in known]
        return Ledger(known=known, removed=tuple(dict.fromkeys(gone))[-MAX_REMOVED:])


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
