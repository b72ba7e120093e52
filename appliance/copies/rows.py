"""What the store remembers of copies: which were made, and whether it came out of one itself."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction

# What belongs to browsers and consoles that talked to the box then: nobody is signed in at a box that was restored.
# With the visits goes who was on the way into a session; their places and tickets stay.
_GONE = ("logins", "half_logins", "known_devices", "visits")


# What staff measured was the clock of the machine of then. Where there was something to measure they are asked anew.
_OTHER_MACHINE = "UPDATE clock SET doubt = doubt OR correction <> 0, correction = 0, boot = ''"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was made and checked. `size` in bytes, `entries` of the audit as it was then."""

    number: int
    at: str
    name: str
    place: str
    size: int
    entries: int


@dataclass(frozen=True, slots=True)
class Restoration:
    """That the store came out of a copy: when, out of which, and how old that one was."""

    at: str
    name: str
    copied_at: str


def add(tx: Transaction, permit: Permit, copy: Copy) -> None:
    """Note a copy that was made, with its audit entry."""
    tx.execute(
        "INSERT INTO backups (number, at, name, place, size, entries) VALUES (?, ?, ?, ?, ?, ?)",
        (copy.number, copy.at, copy.name, copy.place, copy.size, copy.entries),
    )
    audit.append(tx, permit, copy.at)


def last(tx: Transaction, place: str = "") -> Copy | None:
    """The newest copy, or the newest in that place."""
    row = tx.one(
        "SELECT number, at, name, place, size, entries FROM backups"
        " WHERE ? IN ('', place) ORDER BY number DESC LIMIT 1",
        (place,),
    )
    return Copy(row["number"], row["at"], row["name"], row["place"], row["size"], row["entries"]) if row else None


def restored(tx: Transaction, permit: Permit, restoration: Restoration) -> None:
    """Note that this store came out of a copy, and end every login and visit that was in it."""
    for table in _GONE:
        tx.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
    tx.execute(_OTHER_MACHINE)
    tx.execute(
        "INSERT INTO restorations (at, name, copied_at) VALUES (?, ?, ?)",
        (restoration.at, restoration.name, restoration.copied_at),
    )
    audit.append(tx, permit, restoration.at)


def untold(tx: Transaction) -> Restoration | None:
    """The newest restoration that nobody at the console was told of yet."""
    row = tx.one("SELECT at, name, copied_at FROM restorations WHERE seen_at IS NULL ORDER BY sequence DESC LIMIT 1")
    return Restoration(row["at"], row["name"], row["copied_at"]) if row else None


def told(tx: Transaction, at: str) -> None:
    """One who may back up was told. A mark for the page, no deed of theirs: it leaves no audit entry."""
    tx.execute("UPDATE restorations SET seen_at = ? WHERE seen_at IS NULL", (at,))
