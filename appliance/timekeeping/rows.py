"""What the store remembers of the time: the correction and the last time seen."""

from __future__ import annotations

from appliance.audit import rows as audit
from appliance.clock import parse
from appliance.policy import Permit
from appliance.store.database import Transaction
from appliance.timekeeping.rules import Kept


def kept(tx: Transaction) -> Kept | None:
    """What was noted last; of a store from before it was noted, the time of the newest audit entry."""
    row = tx.one("SELECT correction, seen_at, steady, boot, doubt FROM clock")
    if row is not None:
        return Kept(row["correction"], row["seen_at"], row["steady"], row["boot"], bool(row["doubt"]))
    newest = tx.one("SELECT at FROM audit ORDER BY sequence DESC LIMIT 1")
    return Kept(0, int(parse(newest["at"]).timestamp())) if newest else None


def floor(tx: Transaction) -> float:
    """When the newest audit entry was noted, Unix seconds; 0 where there is none."""
    newest = tx.one("SELECT at FROM audit ORDER BY sequence DESC LIMIT 1")
    return parse(newest["at"]).timestamp() if newest else 0.0


def note(tx: Transaction, found: Kept) -> None:
    """No permit: the box notes what time it sees, nobody does it."""
    tx.execute(
        "INSERT INTO clock (only, correction, seen_at, steady, boot, doubt) VALUES (1, ?, ?, ?, ?, ?)"
        " ON CONFLICT (only) DO UPDATE SET correction = excluded.correction, seen_at = excluded.seen_at,"
        " steady = excluded.steady, boot = excluded.boot, doubt = excluded.doubt",
        (found.correction, found.seen_at, found.steady, found.boot, int(found.doubt)),
    )


def tell(tx: Transaction, permit: Permit, found: Kept, at: str) -> None:
    """Somebody said what time it is. `at` is the new time."""
    note(tx, found)
    audit.append(tx, permit, at)


def going_back(tx: Transaction, permit: Permit, at: str) -> None:
    """From here on the log has earlier times. `at` is the time of before."""
    audit.append(tx, permit, at)


def carry_over(tx: Transaction, before: int, after: int, ticket_seconds: int) -> None:
    """The clock goes from `before` to `after`: visits that stand go on for as long as they would have.

    Else setting the clock would throw out everybody who sits in a session. Logins go by the steady clock and need
    nothing. A ticket's end is a day in the calendar and stays, but none may last longer than a new one would: it was
    issued under a clock that was ahead.
    """
    tx.execute("UPDATE visits SET expires_at = expires_at + ? WHERE expires_at > ?", (after - before, before))
    tx.execute(
        "UPDATE tickets SET expires_at = min(expires_at, ? + max(?, coalesce((SELECT unixepoch(s.starts_at)"
        " FROM members m JOIN sessions s ON s.id = m.session WHERE m.id = tickets.member), 0)))",
        (ticket_seconds, after),
    )
