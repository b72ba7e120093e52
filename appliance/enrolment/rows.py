"""What the box asks of its HQ, and what HQ said: kept so that a power cut costs nobody a second code."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Asked:
    """`code` is "" for a renewal; `request` is b"" while there is no courier's key to ask for."""

    url: str
    code: str
    request: bytes
    asked_at: str
    fault: str

    def __repr__(self) -> str:
        return f"Asked(fault={self.fault!r})"


@dataclass(frozen=True, slots=True)
class Known:
    """What HQ calls this box, since when, and by how many seconds this box's clock was ahead of HQ's."""

    name: str
    enrolled_at: str
    clock_off: int


def asked(tx: Transaction) -> Asked | None:
    row = tx.one("SELECT url, code, request, asked_at, fault FROM enrolment_asked")
    if row is None:
        return None
    return Asked(row["url"], row["code"], row["request"] or b"", row["asked_at"], row["fault"])


def ask(tx: Transaction, permit: Permit, url: str, code: str, at: str) -> None:
    """Ask from now on, instead of anything asked before."""
    tx.execute("DELETE FROM enrolment_asked")
    tx.execute("INSERT INTO enrolment_asked (id, url, code, asked_at) VALUES (1, ?, ?, ?)", (url, code, at))
    audit.append(tx, permit, at)


def keep_request(tx: Transaction, request: bytes) -> None:
    """The bytes that go, from the first time on. No entry in the audit: that somebody asks is there already."""
    tx.execute("UPDATE enrolment_asked SET request = ?", (request,))


def keep_fault(tx: Transaction, fault: str) -> None:
    tx.execute("UPDATE enrolment_asked SET fault = ?", (fault,))


def forget(tx: Transaction) -> None:
    """Nothing is asked any more."""
    tx.execute("DELETE FROM enrolment_asked")


def known(tx: Transaction) -> Known | None:
    row = tx.one("SELECT name, enrolled_at, clock_off FROM enrolment_known")
    return None if row is None else Known(row["name"], row["enrolled_at"], row["clock_off"])


def keep_known(tx: Transaction, name: str, at: str, clock_off: int) -> None:
    """HQ's word with its newest answer; the moment of the first one stays."""
    tx.execute(
        "INSERT INTO enrolment_known (id, name, enrolled_at, clock_off) VALUES (1, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, clock_off = excluded.clock_off",
        (name, at, clock_off),
    )
