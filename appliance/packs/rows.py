"""Packs in the store, and what they brought that has no feature of its own: policy, resources, roster, certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from appliance.audit import rows as audit
from appliance.packs.naming import Named
from appliance.packs.rules import Head
from appliance.policy import Permit, StaffRole
from appliance.store.database import Row, Transaction
from sync.pack import Pack

Audience = Literal["anyone", "patients", "staff"]

# -- the chain ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """`applied`: up to which pack all was applied or passed over; `waiting` behind it; why the next one was refused."""

    applied: int
    waiting: int
    refused: str


def head(tx: Transaction) -> Head:
    """The newest pack in the store."""
    row = tx.one("SELECT number, hash FROM packs ORDER BY number DESC LIMIT 1")
    return Head() if row is None else Head(row["number"], row["hash"])


def hash_of(tx: Transaction, number: int) -> bytes | None:
    row = tx.one("SELECT hash FROM packs WHERE number = ?", (number,))
    return None if row is None else row["hash"]


def standing(tx: Transaction) -> Standing:
    first = tx.one("SELECT number, code FROM packs WHERE state = 'waiting' ORDER BY number LIMIT 1")
    newest = head(tx).number
    if first is None:
        return Standing(newest, 0, "")
    return Standing(first["number"] - 1, newest - first["number"] + 1, first["code"])


def waiting(tx: Transaction) -> list[int]:
    """Numbers of the packs that wait, rising."""
    return [row["number"] for row in tx.all("SELECT number FROM packs WHERE state = 'waiting' ORDER BY number")]


def raw(tx: Transaction, number: int) -> bytes:
    """The bytes of one that waits."""
    row = tx.one("SELECT raw FROM packs WHERE number = ?", (number,))
    return row["raw"] if row and row["raw"] is not None else b""


def keep(tx: Transaction, pack: Pack, at: str) -> None:
    """Before anything of it is done, and after its signature was checked."""
    tx.execute(
        "INSERT INTO packs (number, hash, raw, arrived_at, state) VALUES (?, ?, ?, ?, 'waiting')",
        (pack.number, pack.hash, pack.raw, at),
    )


def refuse(tx: Transaction, number: int, code: str) -> bool:
    """Note why it waits; whether that is news."""
    return tx.execute("UPDATE packs SET code = ? WHERE number = ? AND code <> ?", (code, number, code)) > 0


def end(tx: Transaction, permit: Permit, number: int, state: Literal["applied", "void"], at: str) -> None:
    """It is done with, with the audit entry; its bytes go, its hash stays."""
    tx.execute("UPDATE packs SET state = ?, raw = NULL, ended_at = ? WHERE number = ?", (state, at, number))
    audit.append(tx, permit, at)


# -- what was applied --------------------------------------------------------------------------------------------------


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def known(tx: Transaction, kind: str, thing: str) -> tuple[int, bytes] | None:
    """Version and hash of the newest item about that thing."""
    row = tx.one("SELECT version, hash FROM pack_items WHERE kind = ? AND thing = ?", (kind, thing))
    return None if row is None else (row["version"], row["hash"])


def remember(
    tx: Transaction, _permit: Permit, kind: str, thing: str, version: int, body: bytes, kept: bool, pack: int, at: str
) -> None:
    """That item counts now. `kept`: its bytes are read later."""
    tx.execute(
        "INSERT INTO pack_items (kind, thing, version, hash, body, pack, applied_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, thing) DO UPDATE SET version = excluded.version, hash = excluded.hash,"
        " body = excluded.body, pack = excluded.pack, applied_at = excluded.applied_at",
        (kind, thing, version, digest(body), body if kept else b"", pack, at),
    )


def kept(tx: Transaction, kind: str) -> bytes | None:
    """The bytes of the only thing of a kind."""
    row = tx.one("SELECT body FROM pack_items WHERE kind = ? AND thing = ''", (kind,))
    return None if row is None else row["body"]


def hold_back(tx: Transaction, _permit: Permit, classes: Sequence[str]) -> None:
    """Exactly these record classes stay on the box from now on."""
    tx.execute("DELETE FROM held_back")
    for one in sorted(set(classes)):
        tx.execute("INSERT INTO held_back (record_class) VALUES (?)", (one,))


# -- agreements --------------------------------------------------------------------------------------------------------


def newest_agreement(tx: Transaction) -> int:
    row = tx.one("SELECT coalesce(max(version), 0) AS version FROM agreements")
    return int(row["version"]) if row else 0


def note_origin(tx: Transaction, _permit: Permit, version: int, hq_version: int) -> None:
    tx.execute("INSERT INTO agreement_origins (version, hq_version) VALUES (?, ?)", (version, hq_version))


@dataclass(frozen=True, slots=True)
class Counting:
    """The agreement that counts: its number here, since when, and HQ's number for it; 0: the clinic's own."""

    version: int
    since: str
    hq_version: int


def counting_agreement(tx: Transaction) -> Counting | None:
    row = tx.one(
        "SELECT a.version, a.published_at, coalesce(o.hq_version, 0) AS hq_version FROM agreements a"
        " LEFT JOIN agreement_origins o ON o.version = a.version ORDER BY a.version DESC LIMIT 1"
    )
    return None if row is None else Counting(row["version"], row["published_at"], row["hq_version"])


# -- resources ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resource:
    """What is offered to read or hear, without its bytes. `size` in bytes."""

    id: str
    title: str
    language: str
    kind: Literal["text", "document", "audio"]
    audience: Audience
    media_type: str
    size: int
    placed_at: str
    version: int


def resources(tx: Transaction) -> list[Resource]:
    """All of them, by title."""
    rows = tx.all(
        "SELECT id, title, language, kind, audience, media_type, size, placed_at, version FROM resources"
        " ORDER BY title, id"
    )
    return [_resource(row) for row in rows]


def resource(tx: Transaction, thing: str) -> Resource | None:
    """One of them."""
    row = tx.one(
        "SELECT id, title, language, kind, audience, media_type, size, placed_at, version FROM resources WHERE id = ?",
        (thing,),
    )
    return None if row is None else _resource(row)


def piece(tx: Transaction, one: Resource, first: int, length: int) -> bytes | None:
    """Bytes of just this version from `first` on, at most `length`; None when another has taken its place."""
    row = tx.one(
        "SELECT substr(body, ?, ?) AS piece FROM resources WHERE id = ? AND version = ? AND placed_at = ?",
        (first + 1, length, one.id, one.version, one.placed_at),
    )
    return None if row is None else row["piece"]


def _resource(row: Row) -> Resource:
    return Resource(
        id=row["id"],
        title=row["title"],
        language=row["language"],
        kind=row["kind"],
        audience=row["audience"],
        media_type=row["media_type"],
        size=row["size"],
        placed_at=row["placed_at"],
        version=row["version"],
    )


def place(tx: Transaction, _permit: Permit, one: Resource, body: bytes) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO resources"
        " (id, title, language, kind, audience, media_type, size, placed_at, version, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(one.id, one.title, one.language, one.kind, one.audience),
            *(one.media_type, one.size, one.placed_at, one.version, body),
        ),
    )


def remove(tx: Transaction, _permit: Permit, thing: str) -> None:
    tx.execute("DELETE FROM resources WHERE id = ?", (thing,))


def library(tx: Transaction, but: str) -> tuple[int, int]:
    """How many resources there are besides that one, and their bytes."""
    row = tx.one("SELECT count(*) AS n, coalesce(sum(size), 0) AS size FROM resources WHERE id <> ?", (but,))
    return (row["n"], row["size"]) if row else (0, 0)


def keep_part(tx: Transaction, _permit: Permit, digest: str, part: int, data: bytes) -> int:
    """The bytes of all parts that wait now."""
    tx.execute("INSERT OR REPLACE INTO resource_parts (digest, part, data) VALUES (?, ?, ?)", (digest, part, data))
    row = tx.one("SELECT sum(length(data)) AS held FROM resource_parts")
    return int(row["held"]) if row else 0


def drop_oldest_parts(tx: Transaction, _permit: Permit, but: str) -> bool:
    """Let go of the file that was added to the longest ago, other than `but`; False when there is none."""
    oldest = tx.one(
        "SELECT digest FROM resource_parts WHERE digest <> ? GROUP BY digest ORDER BY max(rowid) LIMIT 1", (but,)
    )
    if oldest is not None:
        tx.execute("DELETE FROM resource_parts WHERE digest = ?", (oldest["digest"],))
    return oldest is not None


def joined(tx: Transaction, digest: str) -> bytes:
    """The parts in order; the caller checks that they are all there, by the digest."""
    rows = tx.all("SELECT data FROM resource_parts WHERE digest = ? ORDER BY part", (digest,))
    return b"".join(row["data"] for row in rows)


def drop_parts(tx: Transaction, _permit: Permit, digest: str) -> None:
    tx.execute("DELETE FROM resource_parts WHERE digest = ?", (digest,))


# -- staff -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of HQ's roster."""

    id: str
    name: str
    username: str
    role: StaffRole
    state: Literal["active", "retired"]


def list_colleague(tx: Transaction, _permit: Permit, one: Listed) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO hq_roster (id, name, username, role, state) VALUES (?, ?, ?, ?, ?)",
        (one.id, one.name, one.username, one.role, one.state),
    )


def listed(tx: Transaction, colleague: str) -> Listed | None:
    """What HQ has told of that id so far."""
    row = tx.one("SELECT id, name, username, role, state FROM hq_roster WHERE id = ?", (colleague,))
    return None if row is None else Listed(row["id"], row["name"], row["username"], row["role"], row["state"])


def rename(tx: Transaction, permit: Permit, person: str, username: str, at: str) -> None:
    tx.execute("UPDATE accounts SET username = ? WHERE person = ?", (username, person))
    audit.append(tx, permit, at, person=person)


def to_appoint(tx: Transaction) -> list[Listed]:
    """Who works here by HQ's roster and has no account."""
    rows = tx.all(
        "SELECT id, name, username, role, state FROM hq_roster r WHERE state = 'active' AND NOT EXISTS"
        " (SELECT 1 FROM accounts a WHERE a.username = r.username) ORDER BY name, id"
    )
    return [Listed(row["id"], row["name"], row["username"], row["role"], row["state"]) for row in rows]


def to_reinstate(tx: Transaction) -> set[str]:
    """Persons of retired accounts who work here by HQ's roster."""
    rows = tx.all(
        "SELECT a.person FROM hq_roster r JOIN accounts a ON a.username = r.username"
        " WHERE r.state = 'active' AND a.retired_at IS NOT NULL"
    )
    return {row["person"] for row in rows}


def account_named(tx: Transaction, username: str) -> str | None:
    """The person of the account with that user name, retired or not."""
    row = tx.one("SELECT person FROM accounts WHERE username = ?", (username,))
    return None if row is None else row["person"]


def set_role(tx: Transaction, permit: Permit, person: str, role: StaffRole, at: str) -> None:
    tx.execute("UPDATE accounts SET role = ? WHERE person = ?", (role, person))
    audit.append(tx, permit, at, person=person)


def wish(tx: Transaction, _permit: Permit, person: str, role: str) -> None:
    """`role`: which one they are to have, "" to be retired."""
    tx.execute("INSERT OR REPLACE INTO staff_wishes (person, role) VALUES (?, ?)", (person, role))


def forget_wish(tx: Transaction, _permit: Permit, person: str) -> None:
    tx.execute("DELETE FROM staff_wishes WHERE person = ?", (person,))


def wishes(tx: Transaction) -> dict[str, str]:
    """What HQ wants of which account and could not be done yet: the role, "" to be retired."""
    return {row["person"]: row["role"] for row in tx.all("SELECT person, role FROM staff_wishes")}


# -- the certificate of the box's name ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """The key that waits for its certificate."""

    name: str
    key: bytes = field(repr=False)


def requested(tx: Transaction) -> Request | None:
    row = tx.one("SELECT name, key FROM portal_request")
    return None if row is None else Request(row["name"], row["key"])


def keep_request(tx: Transaction, _permit: Permit, request: Request, at: str) -> None:
    """Instead of the one before; a certificate that is in use keeps its own key."""
    tx.execute(
        "INSERT OR REPLACE INTO portal_request (id, name, key, made_at) VALUES (1, ?, ?, ?)",
        (request.name, request.key, at),
    )


def named(tx: Transaction) -> Named | None:
    """The newest certificate that HQ got, with its key."""
    row = tx.one("SELECT name, key, chain, ends_at FROM portal_certificate")
    return None if row is None else Named(row["name"], row["key"], row["chain"], datetime.fromisoformat(row["ends_at"]))


def keep_named(tx: Transaction, _permit: Permit, one: Named, at: str) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO portal_certificate (id, name, key, chain, ends_at, applied_at)"
        " VALUES (1, ?, ?, ?, ?, ?)",
        (one.name, one.key, one.chain, one.ends.astimezone(UTC).isoformat(timespec="seconds"), at),
    )
