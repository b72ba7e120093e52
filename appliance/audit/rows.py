"""The audit's rows: append, read, verify, sign. No update, no delete; triggers in the schema refuse both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from appliance.audit import note, record, tree
from appliance.audit.checking import MAX_FINDINGS, Beside, Finding, Head, Kept, Seen, Stored, check
from appliance.audit.rules import FORM, GENESIS, Entry, entry_hash, leaf_bytes
from appliance.audit.tree import NODE_LEVEL
from appliance.outbox import rows as outbox
from appliance.policy import Action, Actor, Facts, Permit
from appliance.store.database import Row, Transaction
from sync.checkpoint import EMPTY, Checkpoint, from_peaks, pack_peaks, root

SIGN_EVERY = 1024  # entries: the most that are not under a signed checkpoint, whatever happens
_BATCH = 500  # rows read at once: a log of years does not fit into memory
_LEAVES_KEPT = 1024  # by one look at the tree
_GUARDS = {  # as the migrations have them: one of that name that does nothing guards nothing
    f"{table}_{verb}_append_only_{deed.lower()}": f"CREATE TRIGGER {table}_{verb}_append_only_{deed.lower()}"
    f" BEFORE {deed} ON {table} BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
    for table, verb in (("audit", "is"), ("audit_checkpoints", "are"), ("audit_nodes", "are"))
    for deed in ("DELETE", "UPDATE")
}
# Text as bytes: what somebody put in that is no UTF-8 is a changed entry, and must not keep the log from being read.
_TEXTS = ("at", "actor", "role", "surface", "action", "session", "subject", "outcome", "address", "person", "thing")
_ENTRIES = "SELECT sequence, times, form, previous, hash, " + ", ".join(
    f"CAST({column} AS BLOB) AS {column}" for column in _TEXTS
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries to show, "" for all. `person`: whose record; `since`, `until`: RFC 3339, the latter not included.

    `outcome`: "done", or "refused" for everything else.
    """

    actor: str = ""
    person: str = ""
    action: str = ""
    surface: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""


EVERYTHING = Filter()


# -- append ----------------------------------------------------------------------------------------------------------


def append(tx: Transaction, permit: Permit, at: str, *, person: str = "") -> None:
    """Note a permitted action in the transaction that does it.

    `person`: whose record, where the policy could not be asked about them, since they were only noted down by this.
    """
    facts = replace(permit.facts, person=person) if person else permit.facts
    _append(tx, permit.actor, permit.action, facts, "done", at)


def append_refused(
    tx: Transaction, actor: Actor, action: Action, facts: Facts, code: str, at: str, times: int = 1
) -> None:
    """Note a refused action; `code` is the fault's, `times` how often it was refused like this."""
    _append(tx, actor, action, facts, code, at, times)


def _append(tx: Transaction, actor: Actor, action: str, facts: Facts, outcome: str, at: str, times: int = 1) -> None:
    kept = _head(tx)
    entry = Entry(
        sequence=kept.tree.size + 1,
        at=at,
        actor=actor.person or actor.member,
        role=actor.role,
        surface=actor.surface,
        action=action,
        session=facts.session,
        subject=facts.member,
        outcome=outcome,
        address=actor.address,
        person=facts.person,
        thing=facts.thing,
        times=times,
    )
    hashed = entry_hash(kept.last, entry)
    tx.execute(
        "INSERT INTO audit (sequence, at, actor, role, surface, action, session, subject, outcome,"
        " address, person, thing, times, form, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(entry.sequence, at, entry.actor, entry.role, entry.surface, action, entry.session, entry.subject),
            *(outcome, entry.address, entry.person, entry.thing, times, FORM, kept.last, hashed),
        ),
    )
    grown = _grow(tx, kept.tree, hashed)
    _keep_head(tx, Head(grown, hashed))
    if grown.size % SIGN_EVERY == 0:
        sign(tx, at)


def _grow(tx: Transaction, head: Checkpoint, leaf: bytes) -> Checkpoint:
    grown, whole = tree.append(head, leaf)
    for node in whole:
        if node.level >= NODE_LEVEL:
            tx.execute("INSERT OR IGNORE INTO audit_nodes VALUES (?, ?, ?)", (node.level, node.index, node.hash))
    return grown


def _keep_head(tx: Transaction, head: Head) -> None:
    tx.execute(
        "INSERT INTO audit_head (id, size, peaks, last) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET size = excluded.size, peaks = excluded.peaks, last = excluded.last",
        (head.tree.size, pack_peaks(head.tree), head.last),
    )


def _head(tx: Transaction) -> Head:
    """The head to append to. A store from before the tree has none: it is built from its entries, once."""
    kept = _kept_head(tx)
    if kept is not None:
        return kept
    grown, last = EMPTY, GENESIS
    for row in _walk(tx):
        grown, last = _grow(tx, grown, _leaf(row)), row.hash
    return Head(grown, last)


def _kept_head(tx: Transaction) -> Head | None:
    row = tx.one("SELECT size, peaks, last FROM audit_head WHERE id = 1")
    return Head(from_peaks(row["size"], row["peaks"]), bytes(row["last"])) if row else None


# -- sign ------------------------------------------------------------------------------------------------------------


def sign(tx: Transaction, at: str) -> str:
    """The newest signed checkpoint; a new one, for the store and for HQ, if there are entries after it.

    "" while there is no entry at all. Needs a transaction that writes.
    """
    head, last = _head(tx).tree, _last_checkpoint(tx)
    if (last is not None and last.size == head.size) or not head.size:
        return last.note if last else ""
    own = outbox.identity(tx)
    signed = note.Signed(own.box, head.size, root(head), last.number + 1 if last else 1, at)
    text = note.write(signed, own.signing_key)
    tx.execute(
        "INSERT INTO audit_checkpoints (number, size, root, at, note) VALUES (?, ?, ?, ?, ?)",
        (signed.number, signed.size, signed.root, at, text),
    )
    since = last.size if last else 0
    proof = tree.consistency(nodes(tx), since, head.size) if since else []
    outbox.add(tx, record.RECORD_CLASS, record.encode(text, since, proof), at)
    return text


def checkpoints(tx: Transaction) -> list[Kept]:
    """All signed checkpoints, oldest first."""
    return [_checkpoint(row) for row in tx.all(f"{_CHECKPOINTS} ORDER BY number")]


def unsigned(tx: Transaction) -> tuple[int, str]:
    """How many entries are not under a signed checkpoint yet, and when the last one was signed ("" for never)."""
    size, last = head(tx)[0], _last_checkpoint(tx)
    return (size - last.size, last.at) if last else (size, "")


def _last_checkpoint(tx: Transaction) -> Kept | None:
    row = tx.one(f"{_CHECKPOINTS} ORDER BY number DESC LIMIT 1")
    return _checkpoint(row) if row else None


def _checkpoint(row: Row) -> Kept:
    return Kept(row["number"], row["size"], bytes(row["root"]), _text(row["at"]), _text(row["note"]))


_CHECKPOINTS = "SELECT number, size, root, CAST(at AS BLOB) AS at, CAST(note AS BLOB) AS note FROM audit_checkpoints"


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else bytes(raw).decode("utf-8", "replace")


# -- read ------------------------------------------------------------------------------------------------------------


def head(tx: Transaction) -> tuple[int, bytes]:
    """How many entries there are, and the root over them (32 bytes): what a witness outside keeps."""
    kept = _kept_head(tx)
    found = kept.tree if kept else _grown(tx)
    return found.size, root(found)


def _grown(tx: Transaction) -> Checkpoint:
    found = EMPTY
    for row in _walk(tx):
        found, _ = tree.append(found, _leaf(row))
    return found


def entries(tx: Transaction) -> list[Entry]:
    """All entries in order; for a log that fits into memory."""
    return [row.entry for row in _walk(tx)]


def page(tx: Transaction, wanted: Filter, *, before: int = 0, after: int | None = None, most: int = 50) -> list[Stored]:
    """At most `most` entries that fit: the newest ones before number `before` (0: the newest of all), newest first.

    With `after` the oldest ones after that number, and oldest first.
    """
    conditions, values = _conditions(wanted)
    if after is not None:
        conditions.append("sequence > ?")
        values.append(after)
    if before:
        conditions.append("sequence < ?")
        values.append(before)
    order = "DESC" if after is None else "ASC"
    sql = f"{_ENTRIES} FROM audit WHERE {' AND '.join(conditions)} ORDER BY sequence {order} LIMIT ?"
    return [_stored(row) for row in tx.all(sql, (*values, most))]


def _conditions(wanted: Filter) -> tuple[list[str], list[object]]:
    """SQL for the filter. Whose record: form 1 named a member of a session only."""
    conditions, values = ["1"], []  # type: tuple[list[str], list[object]]
    for column in ("actor", "action", "surface"):
        if value := getattr(wanted, column):
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.person:
        conditions.append("(person = ? OR subject IN (SELECT id FROM members WHERE person = ?))")
        values += [wanted.person, wanted.person]
    if wanted.outcome:
        conditions.append("outcome = 'done'" if wanted.outcome == "done" else "outcome <> 'done'")
    if wanted.since:
        conditions.append("at >= ?")
        values.append(wanted.since)
    if wanted.until:
        conditions.append("at < ?")
        values.append(wanted.until)
    return conditions, values


def stored(tx: Transaction, sequence: int) -> Stored | None:
    """That entry with its hashes."""
    row = tx.one(f"{_ENTRIES} FROM audit WHERE sequence = ?", (sequence,))
    return _stored(row) if row else None


def people(tx: Transaction, wanted: Sequence[str]) -> dict[str, str]:
    """The record's names of those persons, and of members of sessions, by id. For the auditor's eyes only."""
    found: dict[str, str] = {}
    for identifier in set(wanted) - {""}:
        row = tx.one(
            "SELECT name FROM people WHERE id = ?"
            " UNION ALL SELECT p.name FROM members m JOIN people p ON p.id = m.person WHERE m.id = ? LIMIT 1",
            (identifier, identifier),
        )
        if row is not None:
            found[identifier] = row["name"]
    return found


def choices(tx: Transaction) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(id, name) of all staff, retired ones too, and of everybody: what a filter offers."""
    staff = tx.all("SELECT p.id, p.name FROM people p JOIN accounts a ON a.person = p.id ORDER BY p.name, p.id")
    everybody = tx.all("SELECT id, name FROM people ORDER BY name, id")
    return [(row["id"], row["name"]) for row in staff], [(row["id"], row["name"]) for row in everybody]


def session_starts(tx: Transaction, sessions: Sequence[str]) -> dict[str, str]:
    """When those sessions start, which is how an auditor tells them apart: a title can be clinical."""
    found: dict[str, str] = {}
    for identifier in set(sessions) - {""}:
        row = tx.one("SELECT starts_at FROM sessions WHERE id = ?", (identifier,))
        if row is not None:
            found[identifier] = row["starts_at"]
    return found


# -- verify and prove ------------------------------------------------------------------------------------------------


def verify(tx: Transaction, seen: Sequence[Seen] = ()) -> list[Finding]:
    """Everything that is wrong with the audit; nothing for a sound one. `seen`: heads that are known from elsewhere."""
    kept = {(row[0], row[1]): bytes(row[2]) for row in tx.all("SELECT level, position, hash FROM audit_nodes")}
    own = outbox.known_identity(tx)
    try:
        head, trouble = _kept_head(tx), []
    except ValueError:  # peaks that do not belong to the size
        head, trouble = None, [Finding("head")]
    beside = Beside(head, checkpoints(tx), seen, kept, own.signing_key.public if own else b"")
    return [*_guards(tx), *trouble, *check(_walk(tx), beside), *_beside_the_walk(tx), *_unsent(tx, beside.checkpoints)]


def _guards(tx: Transaction) -> list[Finding]:
    there = {row["name"]: row["sql"] for row in tx.all("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")}
    return [Finding("guard")] if any(there.get(name) != sql for name, sql in _GUARDS.items()) else []


def _beside_the_walk(tx: Transaction) -> list[Finding]:
    """Entries that a walk by number passes over: second ones of a number, where its key was dropped, and below 1."""
    rows = tx.all(
        "SELECT sequence FROM audit GROUP BY sequence HAVING count(*) > 1 OR sequence < 1 LIMIT ?", (MAX_FINDINGS,)
    )
    return [Finding("replaced", row["sequence"], row["sequence"]) for row in rows]


def _unsent(tx: Transaction, kept: Sequence[Kept]) -> list[Finding]:
    """Checkpoints at the end that are gone: the outbox had one record of each for HQ."""
    row = tx.one("SELECT count(*) AS made FROM outbox WHERE record_class = ?", (record.RECORD_CLASS,))
    made, last = int(row["made"]) if row else 0, kept[-1].number if kept else 0
    return [Finding("checkpoint_missing", last + 1, made)] if made > last else []


def nodes(tx: Transaction) -> tree.Nodes:
    """The tree's whole subtrees, for proofs; what was read once is remembered. KeyError where an entry is missing."""
    return _Nodes(tx)


class _Nodes:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._leaves: dict[int, bytes] = {}
        self._above: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        if level == 0:
            if index not in self._leaves:
                self._read(index)
            return self._leaves[index]
        key = (level, index)
        if key not in self._above:
            self._above[key] = self._kept(*key) or tree.join(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))
        return self._above[key]

    def _kept(self, level: int, index: int) -> bytes | None:
        if level < NODE_LEVEL:
            return None
        row = self._tx.one("SELECT hash FROM audit_nodes WHERE level = ? AND position = ?", (level, index))
        return bytes(row["hash"]) if row else None

    def _read(self, index: int) -> None:
        """The leaves of the 64 around. A path needs those at the log's end as well; an export of years stays small."""
        if len(self._leaves) >= _LEAVES_KEPT:
            self._leaves.clear()
        first = index >> NODE_LEVEL << NODE_LEVEL
        rows = self._tx.all(
            f"{_ENTRIES} FROM audit WHERE sequence > ? AND sequence <= ?", (first, first + (1 << NODE_LEVEL))
        )
        self._leaves.update({row["sequence"] - 1: _leaf(_stored(row)) for row in rows})


def _leaf(row: Stored) -> bytes:
    """The tree's leaf hash. Form 2 keeps it as it is; form 1 has another hash."""
    return row.hash if row.entry.form > 1 else tree.leaf_hash(leaf_bytes(row.previous, row.entry))


def _walk(tx: Transaction) -> Iterator[Stored]:
    """Every entry in order, read by and by."""
    last = -(2**63)
    while rows := tx.all(f"{_ENTRIES} FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?", (last, _BATCH)):
        yield from map(_stored, rows)
        last = rows[-1]["sequence"]


def _stored(row: Row) -> Stored:
    entry = Entry(
        sequence=row["sequence"],
        **{column: _text(row[column]) for column in _TEXTS},
        times=row["times"],
        form=row["form"],
    )
    return Stored(entry, bytes(row["previous"]), bytes(row["hash"]))
