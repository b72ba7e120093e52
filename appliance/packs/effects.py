"""What each kind of item does to the store, in the transaction of its pack; what follows the commit is told.

An effect raises SyncFault for what HQ must mend: then nothing of the whole pack is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from appliance.consent import rows as consent
from appliance.outbox import pinned
from appliance.outbox import rows as outbox
from appliance.packs import naming, record, rows, rules, staffing
from appliance.policy import BOX, Facts, Permit, decide
from appliance.store.database import Transaction
from sync import items
from sync.content import Record
from sync.faults import SyncFault
from sync.rollover import acceptable

KEPT = ("policy", "update", "tls_name")  # items that are read again later


@dataclass(slots=True)
class After:
    """What goes on outside the store when the pack is in it. All of it is found again by looking after a crash:
    logins that ended are ended in the store, the certificate's file is compared with it at each look."""

    ended: list[str] = field(default_factory=list)  # persons
    kinds: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Now:
    """The pack's number, and the time, as it is noted and as certificates are held against it."""

    pack: int
    at: str
    moment: datetime


def apply(tx: Transaction, records: tuple[Record, ...], now: Now) -> After:
    """All items of one pack. SyncFault for what cannot be taken: the caller's transaction must roll back."""
    permit, after = decide(BOX, "apply_pack", Facts(thing=str(now.pack))), After()
    for one in records:
        item = items.decode(one.record_class, one.body)
        after.kinds.append(one.record_class)
        kind = items.KINDS[one.record_class]
        if kind.ordered:
            known = rows.known(tx, one.record_class, item.thing)
            if not rules.is_new(item.version, rows.digest(one.body), known):
                continue
        effect = EFFECTS.get(type(item))
        if effect is not None:
            effect(tx, permit, item, now, after)
        if kind.ordered:
            kept = one.record_class in KEPT
            rows.remember(tx, permit, one.record_class, item.thing, item.version, one.body, kept, now.pack, now.at)
    return after


def _policy(tx: Transaction, permit: Permit, item: items.Policy, _now: Now, _after: After) -> None:
    rows.hold_back(tx, permit, item.hold_back)


def _agreement(tx: Transaction, permit: Permit, item: items.Agreement, now: Now, _after: After) -> None:
    version = rules.agreement_version(rows.newest_agreement(tx), item.version)
    for text in item.texts:
        consent.publish(tx, permit, consent.Agreement(version, text.language, text.title, text.body), now.at)
    rows.note_origin(tx, permit, version, item.version)


def _resource(tx: Transaction, permit: Permit, item: items.Resource, now: Now, _after: After) -> None:
    if item.removed:
        rows.remove(tx, permit, item.id)
        return
    body = item.text.encode() if item.kind == "text" else _whole(tx, permit, item)
    count, size = rows.library(tx, item.id)
    if count >= rules.MAX_RESOURCES or size + len(body) > rules.MAX_LIBRARY:
        raise SyncFault("too_large")
    facts = rows.Resource(
        item.id,
        item.title,
        item.language,
        item.kind,
        item.audience,
        item.media_type or "text/plain",
        len(body),
        now.at,
        item.version,
    )
    rows.place(tx, permit, facts, body)


def _whole(tx: Transaction, permit: Permit, item: items.Resource) -> bytes:
    body = rows.joined(tx, item.digest)
    if len(body) != item.size or hashlib.sha256(body).hexdigest() != item.digest:
        raise SyncFault("parts_missing")
    rows.drop_parts(tx, permit, item.digest)
    return body


def _part(tx: Transaction, permit: Permit, item: items.ResourcePart, _now: Now, _after: After) -> None:
    """HQ ends one file before it begins another: what it began and never ended must not keep later files out."""
    while rows.keep_part(tx, permit, item.digest, item.part, item.raw) > rules.MAX_PARTS_HELD:
        if not rows.drop_oldest_parts(tx, permit, item.digest):
            raise SyncFault("too_large")


def _roster(tx: Transaction, permit: Permit, item: items.Roster, now: Now, after: After) -> None:
    after.ended += staffing.take_roster(tx, permit, item, now.at)


def _revocations(tx: Transaction, permit: Permit, item: items.Revocations, now: Now, after: After) -> None:
    after.ended += staffing.revoke(tx, permit, item, now.at)


def _tls_name(tx: Transaction, permit: Permit, item: items.TlsName, now: Now, _after: After) -> None:
    key, csr = naming.new_request(item.name)
    rows.keep_request(tx, permit, rows.Request(item.name, key), now.at)
    outbox.add(tx, record.TLS_REQUEST, record.tls_request(item.name, csr), now.at)


def _tls_certificate(tx: Transaction, permit: Permit, item: items.TlsCertificate, now: Now, _after: After) -> None:
    wanted = rows.requested(tx)
    if wanted is None:
        raise SyncFault("certificate_unfit")
    rows.keep_named(tx, permit, naming.fitted(wanted.name, wanted.key, item.chain, now.moment), now.at)


def _hq_facts(tx: Transaction, permit: Permit, item: items.HqKeys, now: Now, _after: After) -> None:
    known = pinned.pinned(tx)
    if known is not None and item.parsed != known and not acceptable(known, item.parsed):
        raise SyncFault("item_older")
    pinned.pin(tx, permit, item.parsed, now.at)


# Without an effect of its own: an update is only shown; what a void names was passed over when its turn came.
EFFECTS: dict[type[items.Item], Callable[[Transaction, Permit, Any, Now, After], None]] = {
    items.Policy: _policy,
    items.Agreement: _agreement,
    items.Resource: _resource,
    items.ResourcePart: _part,
    items.Roster: _roster,
    items.Revocations: _revocations,
    items.TlsName: _tls_name,
    items.TlsCertificate: _tls_certificate,
    items.HqKeys: _hq_facts,
}
