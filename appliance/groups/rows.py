"""The handshake of each session's group in its order, the offers and welcomes around it, and the comparisons.

What is offered, founded, committed and compared is in the audit, as an act and without its content. An offer that only
takes the place of one that nobody has taken up is not: a page may send it again and again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.policy import Permit
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Group:
    """The group that stands. `group_info` is of `epoch`; `founder` is a member's id."""

    id: str
    founder: str
    epoch: int
    group_info: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A commit and whose it is."""

    member: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """All that pages are shown of a session's group. `commit` led to `epoch`; `compared` is (epoch, time).

    `offers` and `welcomes` are by member; a welcome is (the epoch that it leads into, bytes).
    """

    group: str | None
    epoch: int
    commit: bytes | None
    compared: tuple[int, str] | None
    offers: Mapping[str, bytes]
    welcomes: Mapping[str, tuple[int, bytes]]


def group(tx: Transaction, session: str) -> Group | None:
    row = tx.one("SELECT * FROM groups WHERE session = ?", (session,))
    return Group(row["id"], row["founder"], row["epoch"], bytes(row["group_info"])) if row else None


def found(tx: Transaction, permit: Permit, group_id: str, group_info: bytes, at: str) -> None:
    """A group of the permit's session, by the permit's member, instead of any that stood."""
    session, member = permit.facts.session, permit.facts.member
    _drop_group(tx, session)
    tx.execute(
        "INSERT INTO groups (session, id, founder, epoch, group_info) VALUES (?, ?, ?, 0, ?)",
        (session, group_id, member, group_info),
    )
    audit.append(tx, permit, at)


def commit(tx: Transaction, permit: Permit, epoch: int, content: bytes, group_info: bytes, keep: int, at: str) -> None:
    """The commit made in `epoch`, which must be the group's; the newest `keep` commits stay."""
    session = permit.facts.session
    tx.execute(
        "INSERT INTO group_commits (session, epoch, member, bytes) VALUES (?, ?, ?, ?)",
        (session, epoch, permit.facts.member, content),
    )
    tx.execute("UPDATE groups SET epoch = ?, group_info = ? WHERE session = ?", (epoch + 1, group_info, session))
    tx.execute("DELETE FROM group_commits WHERE session = ? AND epoch <= ?", (session, epoch - keep))
    audit.append(tx, permit, at)


def welcome(tx: Transaction, permit: Permit, members: Sequence[str], epoch: int, content: bytes | None) -> None:
    """The members' way into `epoch`; what they offered is used up. In the transaction of its commit."""
    for member in members:
        tx.execute("DELETE FROM key_packages WHERE member = ?", (member,))
        tx.execute(
            "INSERT INTO welcomes (member, session, epoch, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (member)"
            " DO UPDATE SET session = excluded.session, epoch = excluded.epoch, bytes = excluded.bytes",
            (member, permit.facts.session, epoch, content),
        )


def made(tx: Transaction, session: str, epoch: int) -> Made | None:
    """The commit made in `epoch` of the session's group."""
    row = tx.one("SELECT member, bytes FROM group_commits WHERE session = ? AND epoch = ?", (session, epoch))
    return Made(row["member"], bytes(row["bytes"])) if row else None


def commits(tx: Transaction, session: str, after: int, most: int) -> list[tuple[int, bytes]]:
    """(epoch, commit) from epoch `after` on, in order; `most` bytes, but one commit at least."""
    rows = tx.all(
        "SELECT epoch, bytes FROM (SELECT epoch, bytes, sum(length(bytes)) OVER (ORDER BY epoch) AS so_far"
        " FROM group_commits WHERE session = ? AND epoch >= ?) WHERE so_far <= ? OR epoch = ? ORDER BY epoch",
        (session, after, most, after),
    )
    return [(row["epoch"], bytes(row["bytes"])) for row in rows]


def offer(tx: Transaction, permit: Permit, content: bytes, at: str) -> None:
    """The permit's member asks to be let in with that key package; an older one is forgotten."""
    offered_before = tx.one("SELECT 1 FROM key_packages WHERE member = ?", (permit.facts.member,))
    tx.execute(
        "INSERT INTO key_packages (member, session, bytes) VALUES (?, ?, ?)"
        " ON CONFLICT (member) DO UPDATE SET bytes = excluded.bytes",
        (permit.facts.member, permit.facts.session, content),
    )
    if offered_before is None:
        audit.append(tx, permit, at)


def certified(tx: Transaction, permit: Permit, at: str) -> None:
    """Note that the box has said whose key one is. The credential itself is not kept."""
    audit.append(tx, permit, at)


def compare(tx: Transaction, permit: Permit, group_id: str, epoch: int, at: str) -> None:
    """The roster code of that epoch was compared. Each who leads says so once: a tap more tells nothing more."""
    found = tx.one(
        "SELECT 1 FROM comparisons WHERE group_id = ? AND epoch = ? AND member = ?",
        (group_id, epoch, permit.facts.member),
    )
    if found is not None:
        return
    tx.execute(
        "INSERT INTO comparisons (session, group_id, epoch, member, at) VALUES (?, ?, ?, ?, ?)",
        (permit.facts.session, group_id, epoch, permit.facts.member, at),
    )
    audit.append(tx, permit, at)


def compared_at(tx: Transaction, session: str) -> list[str]:
    """When the roster code was compared, in order."""
    return [row["at"] for row in tx.all("SELECT at FROM comparisons WHERE session = ? ORDER BY sequence", (session,))]


def withdraw(tx: Transaction, _permit: Permit, member: str) -> None:
    """A member who is out has neither an offer nor a way in."""
    tx.execute("DELETE FROM key_packages WHERE member = ?", (member,))
    tx.execute("DELETE FROM welcomes WHERE member = ?", (member,))


def forget(tx: Transaction, permit: Permit, room: str = "") -> None:
    """The permit's session is over, or that private room of it: nothing of its group stays but the comparisons."""
    over = room or permit.facts.session
    _drop_group(tx, over)
    tx.execute("DELETE FROM key_packages WHERE session = ?", (over,))


def keys(tx: Transaction, session: str) -> Keys:
    """What pages are shown, each its part."""
    offers = tx.all("SELECT member, bytes FROM key_packages WHERE session = ? ORDER BY member", (session,))
    offered = {row["member"]: bytes(row["bytes"]) for row in offers}
    standing = group(tx, session)
    if standing is None:
        return Keys(None, 0, None, None, offered, {})
    last = made(tx, session, standing.epoch - 1)
    welcomes = tx.all("SELECT member, epoch, bytes FROM welcomes WHERE session = ?", (session,))
    return Keys(
        group=standing.id,
        epoch=standing.epoch,
        commit=last.content if last else None,
        compared=_compared(tx, session, standing.id),
        offers=offered,
        welcomes={row["member"]: (row["epoch"], bytes(row["bytes"])) for row in welcomes},
    )


def credential_seed(tx: Transaction) -> bytes:
    """The seed of the key that signs leaf credentials, and nothing else; made on first use, so `tx` must write."""
    made_now = secrets.token_bytes(32)
    tx.execute("INSERT INTO box_secrets VALUES ('credential_key', ?) ON CONFLICT DO NOTHING", (made_now,))
    row = tx.one("SELECT value FROM box_secrets WHERE name = 'credential_key'")
    return bytes(row["value"]) if row else made_now


def _compared(tx: Transaction, session: str, group_id: str) -> tuple[int, str] | None:
    """Of this group only: the epochs of one that was given up count from 0 as well."""
    row = tx.one(
        "SELECT epoch, at FROM comparisons WHERE session = ? AND group_id = ? ORDER BY sequence DESC LIMIT 1",
        (session, group_id),
    )
    return (row["epoch"], row["at"]) if row else None


def _drop_group(tx: Transaction, session: str) -> None:
    for table in ("welcomes", "group_commits", "groups"):
        tx.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608
