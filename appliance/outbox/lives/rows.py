"""Where the log stands against HQ's: what keeps it from going on, and how it goes on after HQ's head. Rows only.

A box that was set back (a backup, an image of its card) does not know what it had sealed afterwards. Whatever it sealed
under those numbers would be a fork. So it first hears HQ's head, and a person lets it go on behind that: a new life.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from appliance.audit import rows as audit
from appliance.clock import parse
from appliance.outbox import rows
from appliance.outbox.rows import OutboxRows
from appliance.policy import Permit
from appliance.store.database import Transaction
from sync.receipt import Receipt

LIFE_BITS = 40  # numbers of life n begin at n << 40
JUMP = 1 << 32  # the most that numbers skip at an unlock. Two copies of a box then number their records apart

TroubleCode = Literal["set_back", "receipt_other_bytes"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """HQ signed for what this box never sealed (`set_back`), or for other bytes under its numbers."""

    code: TroubleCode
    receipt: bytes
    found_at: str


@dataclass(frozen=True, slots=True)
class Life:
    """One adoption: the log went on after `size` segments of HQ's, while `sealed` were known here; `again` records that
    had been sealed without a receipt go once more. `actor` is a person, "" for the box."""

    life: int
    size: int
    sealed: int
    again: int
    code: str
    reason: str
    actor: str
    adopted_at: str


def trouble_code(code: str) -> TroubleCode | None:
    """A fault that only a person can decide on, or None."""
    return "set_back" if code == "set_back" else "receipt_other_bytes" if code == "receipt_other_bytes" else None


def trouble(tx: Transaction) -> Trouble | None:
    """What a person must decide on, or None."""
    row = tx.one("SELECT code, receipt, found_at FROM log_trouble")
    return None if row is None else Trouble(row["code"], row["receipt"], row["found_at"])


def note_trouble(tx: Transaction, permit: Permit, code: TroubleCode, receipt: Receipt, at: str) -> None:
    """Keep HQ's word, whose signature the caller has checked. The newest head counts, the first moment stays, with its
    audit entry."""
    if trouble(tx) is None:
        audit.append(tx, permit, at)
    tx.execute(
        "INSERT INTO log_trouble (id, code, receipt, found_at) VALUES (1, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET code = excluded.code, receipt = excluded.receipt",
        (code, receipt.raw, at),
    )


def forget_trouble(tx: Transaction) -> None:
    """HQ's newest head agrees with what was sealed here after all, or the log went on after it."""
    tx.execute("DELETE FROM log_trouble")


def returned(tx: Transaction) -> int:
    """How often this store came out of a backup, or was gone on with although something was missing from it."""
    row = tx.one(
        "SELECT coalesce((SELECT max(sequence) FROM restorations), 0)"
        " + coalesce((SELECT max(sequence) FROM rollbacks_accepted), 0) AS times"
    )
    return row["times"] if row else 0


def came_back_at(tx: Transaction) -> float:
    """When it did so last, by its own clock, in Unix seconds; 0 when it never did."""
    row = tx.one("SELECT max(at) AS at FROM (SELECT at FROM restorations UNION ALL SELECT at FROM rollbacks_accepted)")
    return parse(row["at"]).timestamp() if row and row["at"] else 0.0


def must_ask(tx: Transaction) -> bool:
    """Whether the store came back from somewhere since HQ last told where the log stands."""
    row = tx.one("SELECT returned FROM log_heard")
    return returned(tx) > (row["returned"] if row else 0)


def note_heard(tx: Transaction) -> None:
    """HQ told where the log stands, or a person said to go on without that."""
    tx.execute(
        "INSERT INTO log_heard (id, returned) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET returned = excluded.returned",
        (returned(tx),),
    )


def lives(tx: Transaction) -> list[Life]:
    """All adoptions, the oldest first."""
    found = tx.all("SELECT life, size, sealed, again, code, reason, actor, adopted_at FROM log_lives ORDER BY life")
    return [Life(**{name: row[name] for name in Life.__slots__}) for row in found]


def next_life(tx: Transaction) -> int:
    """The number of the life that an adoption begins."""
    row = tx.one("SELECT coalesce(max(life), 0) + 1 AS next FROM log_lives")
    return row["next"] if row else 1


def go_on_after(tx: Transaction, permit: Permit, head: Receipt, code: str, reason: str, at: str) -> Life:
    """Unseal what has no receipt, take HQ's head for ours, begin a life of numbers. With its audit entry.

    The caller has checked the head's signature, and that it is not behind our own receipt.
    """
    store = OutboxRows(tx)
    kept, sealed = store.settled().size, store.last_sealed().sequence
    row = tx.one("SELECT count(*) AS again FROM outbox WHERE segment > ?", (kept,))
    again = row["again"] if row else 0
    tx.execute("UPDATE outbox SET segment = NULL WHERE segment > ?", (kept,))
    tx.execute("DELETE FROM segments WHERE sequence > ?", (kept,))
    store.settle(head, at)
    life = Life(next_life(tx), head.size, sealed, again, code, reason, permit.actor.person, at)
    _note(tx, permit, life, head.raw)
    return life


def go_on_unheard(tx: Transaction, permit: Permit, reason: str, at: str) -> Life:
    """Seal on under our own numbers although HQ was not heard since this store came back. With its audit entry."""
    sealed = OutboxRows(tx).last_sealed().sequence
    life = Life(next_life(tx), sealed, sealed, 0, "restored", reason, permit.actor.person, at)
    _note(tx, permit, life, None)
    return life


def _note(tx: Transaction, permit: Permit, life: Life, receipt: bytes | None) -> None:
    tx.execute(
        "INSERT INTO log_lives (life, size, sealed, again, code, reason, actor, adopted_at, receipt)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (life.life, life.size, life.sealed, life.again, life.code, life.reason, life.actor, life.adopted_at, receipt),
    )
    forget_trouble(tx)
    note_heard(tx)
    skip_numbers(tx, life.life << LIFE_BITS)
    audit.append(tx, permit, life.adopted_at)


def skip_numbers(tx: Transaction, least: int = 0) -> None:
    """Let the next record's number be at least `least`, and a random way above those of before. Done at each unlock:

    two copies of one store, each going on by itself, then never give one number to two records. With the odds: both
    would have to skip to within as many numbers of each other as either then uses, out of 2^32.
    """
    start = max(least, rows.last_number(tx)) + 1 + secrets.randbelow(JUMP)
    if tx.one("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'") is None:
        tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (start,))
    else:
        tx.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'outbox'", (start,))
