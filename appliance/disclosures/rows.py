"""The ledger of consents to disclosure, and what went to HQ under each.

Every function that writes takes a permit and writes the audit entry from it, but for `note` and `hold`, which are part
of a permitted action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.audit import rows as audit
from appliance.disclosures import rules
from appliance.disclosures.rules import Consent, Scope
from appliance.faults import Fault
from appliance.policy import Permit
from appliance.store.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One record that went, or is to go, to HQ. `state`: waits on the box, is sealed and on its way, HQ has it, or was
    taken out since the consent ended before."""

    at: str
    record_class: str
    scope: Scope
    state: Literal["waiting", "sealed", "arrived", "held"]


def grant(tx: Transaction, permit: Permit, consent: Consent, at: str) -> None:
    tx.execute(
        "INSERT INTO disclosure_consents (id, person, scopes, version, language, digest, signature, how, granted_at,"
        " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            consent.id,
            consent.person,
            " ".join(consent.scopes),
            consent.version,
            consent.language,
            consent.digest,
            consent.signature,
            consent.how,
            consent.granted_at,
            consent.expires_at,
        ),
    )
    audit.append(tx, permit, at)


def end(tx: Transaction, permit: Permit, consent: str, why: rules.Why, at: str) -> None:
    tx.execute(
        "UPDATE disclosure_consents SET ended_at = ?, why = ? WHERE id = ? AND ended_at = ''", (at, why, consent)
    )
    audit.append(tx, permit, at)


def of_person(tx: Transaction, person: str) -> list[Consent]:
    """All consents of a person, the newest first."""
    found = tx.all("SELECT * FROM disclosure_consents WHERE person = ? ORDER BY granted_at DESC, rowid DESC", (person,))
    return [_consent(row) for row in found]


def copied_at(tx: Transaction, consent: Consent) -> str:
    """When the copy was made that this store came out of with that consent in it, "" for none: whatever became of the
    consent between that and the restoration is not known here."""
    row = tx.one("SELECT max(copied_at) AS at FROM restorations WHERE copied_at >= ?", (consent.granted_at,))
    return (row["at"] or "") if row else ""


def run_out(tx: Transaction, now: str) -> list[Consent]:
    """All that have not ended and whose time is over, whosever they are."""
    found = tx.all("SELECT * FROM disclosure_consents WHERE ended_at = '' AND expires_at <= ?", (now,))
    return [_consent(row) for row in found]


def consent(tx: Transaction, consent_id: str) -> Consent:
    """Fault("not_found")."""
    row = tx.one("SELECT * FROM disclosure_consents WHERE id = ?", (consent_id,))
    if row is None:
        raise Fault("not_found", "consent")
    return _consent(row)


def in_force(tx: Transaction, person: str, record_class: str, now: str) -> Consent | None:
    """The consent that a record of that class may go under, or None: then it stays. KeyError for a class without a
    scope: nobody has thought yet about what its people must sign."""
    scope = rules.CLASS_SCOPE[record_class]
    return next((one for one in of_person(tx, person) if rules.in_force(one, scope, now)), None)


def note(tx: Transaction, number: int, consent: Consent, record_class: str) -> None:
    """That record `number` of the outbox tells of this person under this consent. 0: HQ's policy holds the class back,
    and nothing was put in."""
    if not number:
        return
    tx.execute(
        "INSERT INTO disclosures (number, person, consent, scope) VALUES (?, ?, ?, ?)",
        (number, consent.person, consent.id, rules.CLASS_SCOPE[record_class]),
    )


def hold(tx: Transaction, first: int) -> None:
    """Take what is not sealed yet out of the records that tell of a person under a consent that has ended: of the
    `first` ones to be sealed. Those behind them are looked at in their turn, so a long queue costs nothing."""
    _take_out(
        tx,
        tx.all(
            "SELECT o.number, o.record_class, d.consent FROM (SELECT number, record_class FROM outbox INDEXED BY"
            " outbox_waiting WHERE segment IS NULL ORDER BY priority, number LIMIT ?) o"
            " CROSS JOIN disclosures d ON d.number = o.number CROSS JOIN disclosure_consents c ON c.id = d.consent"
            " WHERE d.held = 0 AND c.ended_at != ''",
            (first,),
        ),
    )


def hold_of(tx: Transaction, consent: str) -> None:
    """The same for all that waits under one consent, which has ended."""
    _take_out(
        tx,
        tx.all(
            "SELECT o.number, o.record_class, d.consent FROM disclosures d CROSS JOIN outbox o ON o.number = d.number"
            " WHERE d.consent = ? AND d.held = 0 AND o.segment IS NULL",
            (consent,),
        ),
    )


def _take_out(tx: Transaction, found: Sequence[Row]) -> None:
    for row in found:
        before = tx.one("SELECT body FROM outbox WHERE number = ?", (row["number"],))
        if before is None or before["body"] is None:
            continue
        body = rules.without(row["record_class"], before["body"], row["consent"])
        tx.execute("UPDATE outbox SET body = ? WHERE number = ?", (body, row["number"]))
        tx.execute("UPDATE disclosures SET held = 1 WHERE number = ? AND consent = ?", (row["number"], row["consent"]))


def history(tx: Transaction, person: str) -> list[Disclosure]:
    """What of this person went to HQ or waits for it, the newest first: the accounting that a person may ask for."""
    found = tx.all(
        "SELECT o.at, o.record_class, d.scope, d.held, o.segment, s.size FROM disclosures d"
        " JOIN outbox o ON o.number = d.number LEFT JOIN outbox_settled s ON s.size >= o.segment"
        " WHERE d.person = ? ORDER BY d.number DESC",
        (person,),
    )
    return [Disclosure(row["at"], row["record_class"], row["scope"], _state(row)) for row in found]


def _state(row: Row) -> Literal["waiting", "sealed", "arrived", "held"]:
    if row["held"]:
        return "held"
    if row["segment"] is None:
        return "waiting"
    return "sealed" if row["size"] is None else "arrived"


def _consent(row: Row) -> Consent:
    return Consent(
        id=row["id"],
        person=row["person"],
        scopes=rules.scopes(row["scopes"].split()),
        version=row["version"],
        language=row["language"],
        digest=row["digest"],
        signature=row["signature"],
        how=row["how"],
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        why=row["why"],
    )
