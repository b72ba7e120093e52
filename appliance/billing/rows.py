"""Attendances of sessions that are over, as billing sees them."""

from __future__ import annotations

from appliance.billing.rules import Attendance, minutes
from appliance.clock import parse
from appliance.store.database import Row, Transaction


def attendances(tx: Transaction, since: str, until: str, limit: int) -> list[Attendance]:
    """Who of the patients was at sessions opened from `since` until before `until`, in order of day and name."""
    rows = tx.all(
        "SELECT s.id, s.opened_at, s.ended_at, m.person, p.name, group_concat(a.joined_at || ' ' ||"
        " coalesce(a.left_at, s.ended_at), ',') AS spans FROM sessions s JOIN members m ON m.session = s.id"
        " AND m.facilitator = 0 JOIN people p ON p.id = m.person JOIN attendances a ON a.member = m.id"
        " WHERE s.state = 'ended' AND s.parent IS NULL AND s.opened_at >= ? AND s.opened_at < ? GROUP BY s.id, m.id"
        " ORDER BY s.opened_at, s.id, p.name, m.id LIMIT ?",
        (since, until, limit),
    )
    return [_attendance(row) for row in rows]


def months(tx: Transaction) -> list[str]:
    """The months in which sessions were opened that are over, newest first: "2026-11"."""
    rows = tx.all(
        "SELECT DISTINCT substr(opened_at, 1, 7) AS month FROM sessions WHERE state = 'ended' AND parent IS NULL"
        " AND opened_at IS NOT NULL ORDER BY 1 DESC LIMIT 120"
    )
    return [row["month"] for row in rows]


def _attendance(row: Row) -> Attendance:
    spans = [span.split(" ") for span in row["spans"].split(",")]
    covered = minutes((parse(begin), parse(end)) for begin, end in spans)
    return Attendance(row["id"], row["person"], row["name"], row["opened_at"], covered)
