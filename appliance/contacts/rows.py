"""The two lists in the store. Writing takes a permit and writes the audit entry from it."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.audit import rows as audit
from appliance.contacts.rules import Contact, List
from appliance.policy import Permit
from appliance.store.database import Transaction


def contacts(tx: Transaction, which: List) -> tuple[Contact, ...]:
    """The list, in its order."""
    found = tx.all("SELECT name, phone, about FROM contacts WHERE list = ? ORDER BY place", (which,))
    return tuple(Contact(row["name"], row["phone"], row["about"]) for row in found)


def replace(tx: Transaction, permit: Permit, which: List, new: Sequence[Contact], at: str) -> None:
    """This list from now on."""
    tx.execute("DELETE FROM contacts WHERE list = ?", (which,))
    for place, one in enumerate(new, 1):
        tx.execute(
            "INSERT INTO contacts (list, place, name, phone, about) VALUES (?, ?, ?, ?, ?)",
            (which, place, one.name, one.phone, one.about),
        )
    audit.append(tx, permit, at)
