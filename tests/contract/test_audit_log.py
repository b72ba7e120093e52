"""The log in a real store, and everything that somebody with the store's key can do to it, one by one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import note, record, tree
from appliance.audit import rows as audit
from appliance.audit.checking import Finding, Seen
from appliance.audit.rules import GENESIS, Entry, entry_hash, leaf_bytes
from appliance.outbox import rows as outbox
from appliance.policy import Actor, Facts, Permit, decide
from appliance.store import migrate
from appliance.store.connection import Connection, connect_writer
from appliance.store.database import Database, Transaction, store_path
from appliance.store.key import StoreKey
from sync import suite
from sync.checkpoint import pack_peaks, root

KEY = StoreKey(bytes(range(32)))
AT = "2026-01-31T09:30:00Z"
SIZE = 150  # entries: two whole subtrees of 64, and some
SIGNED = 100  # the size of the first checkpoint
WHO = Actor("anna", "operator", "console", address="192.0.2.7")


def permit(number: int) -> Permit:
    return decide(WHO, "vouch", Facts(session="s", member=f"m{number}", person=f"p{number}", thing="t"))


def fill(tx: Transaction) -> None:
    for number in range(1, SIZE + 1):
        audit.append(tx, permit(number), AT)
        if number == SIGNED:
            audit.sign(tx, AT)
    audit.sign(tx, AT)


class Log:
    """A closed store with a log in it, and how to get at it beside all that guards it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.head: tuple[int, bytes] = (0, b"")

    async def make(self) -> None:
        database = await Database.create(self.folder, KEY)
        await database.write(fill)
        self.head = await database.read(audit.head)
        await database.close()

    def tamper(self, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
        """With the store's key, and the triggers out of the way for that moment."""
        with self._raw() as raw:
            guards = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for guard in guards:
                raw.execute(f"DROP TRIGGER {guard['name']}")
            for statement in statements:
                raw.execute(*([statement] if isinstance(statement, str) else statement))
            for guard in guards:
                raw.execute(guard["sql"])

    def recompute(self, change: Callable[[Entry], Entry | None], *, sign: bool) -> None:
        """Everything made anew as the box would: entries, chain, tree and, with `sign`, its checkpoints."""
        with self._raw() as raw:
            entries = [audit._stored(row).entry for row in raw.execute("SELECT * FROM audit ORDER BY sequence")]
            kept = [entry for entry in map(change, entries) if entry is not None]
            head, previous, statements, heads = (
                tree.EMPTY,
                GENESIS,
                ["DELETE FROM audit", "DELETE FROM audit_nodes"],
                {},
            )
            rows: list[tuple[str, tuple[Any, ...]]] = []
            for number, entry in enumerate(kept, 1):
                fresh = replace(entry, sequence=number)
                hashed = entry_hash(previous, fresh)
                names = [*Entry.__slots__, "previous", "hash"]
                marks = ", ".join("?" * len(names))
                values = (*(getattr(fresh, name) for name in Entry.__slots__), previous, hashed)
                rows.append((f"INSERT INTO audit ({', '.join(names)}) VALUES ({marks})", values))  # noqa: S608
                head, whole = tree.append(head, hashed)
                heads[number], previous = root(head), hashed
                for node in whole:
                    if node.level >= tree.NODE_LEVEL:
                        row = (node.level, node.index, node.hash)
                        rows.append(("INSERT INTO audit_nodes VALUES (?, ?, ?)", row))
            last = "UPDATE audit_head SET size = ?, peaks = ?, last = ?"
            rows.append((last, (head.size, pack_peaks(head), previous)))
            if sign:
                rows += self._signed_anew(raw, heads)
        self.tamper(*statements, *rows)

    @staticmethod
    def _signed_anew(raw: Connection, heads: dict[int, bytes]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        seed, box = raw.execute("SELECT signing_seed, box FROM box_identity").fetchone()
        key = suite.SigningKey(bytes(seed))
        for row in raw.execute("SELECT * FROM audit_checkpoints"):
            size = min(row["size"], len(heads))
            said = note.Signed(bytes(box), size, heads[size], row["number"], row["at"])
            change = "UPDATE audit_checkpoints SET size = ?, root = ?, note = ? WHERE number = ?"
            yield change, (size, said.root, note.write(said, key), row["number"])

    async def findings(self, *seen: Seen) -> list[Finding]:
        database = await Database.open(self.folder, KEY)
        try:
            return await database.read(lambda tx: audit.verify(tx, seen))
        finally:
            await database.close()

    def _raw(self) -> closing[Any]:
        return closing(connect_writer(store_path(self.folder), KEY))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """One store, made once and copied for each test."""
    log = Log(tmp_path_factory.mktemp("log") / "store")
    asyncio.run(log.make())
    return log


@pytest.fixture
def log(made: Log, tmp_path: Path) -> Log:
    found = Log(tmp_path / "store")
    shutil.copytree(made.folder, found.folder)
    found.head = made.head
    return found


def only(what: str, first: int, last: int = 0, source: str = "") -> list[tuple[str, int, int, str]]:
    return [(what, first, last or first, source)]


def told(findings: list[Finding]) -> list[tuple[str, int, int, str]]:
    return [(found.what, found.first, found.last, found.source) for found in findings]


async def test_an_untouched_log_is_whole(log: Log) -> None:
    assert await log.findings(Seen(*log.head, "witness")) == []


TEXTS = ("at", "actor", "role", "surface", "action", "session", "subject", "outcome", "address", "person", "thing")


@pytest.mark.parametrize("column", TEXTS)
async def test_a_changed_text_of_an_entry_is_named(log: Log, column: str) -> None:
    log.tamper(f"UPDATE audit SET {column} = 'x' WHERE sequence = 70")  # noqa: S608
    assert told(await log.findings()) == only("changed", 70)


@pytest.mark.parametrize(
    "change", ["times = 2", "form = 1", "form = 3", "previous = zeroblob(32)", "hash = zeroblob(32)"]
)
async def test_a_changed_number_or_hash_of_an_entry_is_named(log: Log, change: str) -> None:
    log.tamper(f"UPDATE audit SET {change} WHERE sequence = 70")  # noqa: S608
    assert told(await log.findings()) == only("changed", 70)


@pytest.mark.parametrize("sequence", [1, 70, SIGNED, SIGNED + 1, SIZE])
async def test_a_changed_entry_is_named_wherever_it_stands(log: Log, sequence: int) -> None:
    log.tamper(f"UPDATE audit SET outcome = 'refused' WHERE sequence = {sequence}")  # noqa: S608
    assert told(await log.findings()) == only("changed", sequence)


@pytest.mark.parametrize("sequence", [1, 70, SIZE])
async def test_a_removed_entry_is_named(log: Log, sequence: int) -> None:
    log.tamper(f"DELETE FROM audit WHERE sequence = {sequence}")  # noqa: S608
    assert told(await log.findings()) == only("missing", sequence)


async def test_a_removed_tail_is_named(log: Log) -> None:
    log.tamper("DELETE FROM audit WHERE sequence > 120")
    assert told(await log.findings()) == only("missing", 121, SIZE)


async def test_a_log_without_any_entry_left_is_named(log: Log) -> None:
    log.tamper("DELETE FROM audit")
    assert told(await log.findings()) == only("missing", 1, SIZE)


async def test_a_tail_removed_together_with_the_head_is_named_by_the_checkpoint(log: Log) -> None:
    log.recompute(lambda entry: entry if entry.sequence <= 120 else None, sign=False)
    assert told(await log.findings()) == only("missing", 121, SIZE)


async def test_swapped_entries_are_named_both(log: Log) -> None:
    log.tamper(
        "UPDATE audit SET sequence = 9999 WHERE sequence = 70",
        "UPDATE audit SET sequence = 70 WHERE sequence = 80",
        "UPDATE audit SET sequence = 80 WHERE sequence = 9999",
    )
    assert told(await log.findings()) == only("moved", 70) + only("moved", 80)


async def test_an_entry_put_in_behind_the_end_is_named(log: Log) -> None:
    columns = [*Entry.__slots__, "previous", "hash"]
    others = ", ".join(name for name in columns if name != "sequence")
    log.tamper(f"INSERT INTO audit (sequence, {others}) SELECT {SIZE + 1}, {others} FROM audit WHERE sequence = 70")  # noqa: S608
    assert told(await log.findings())[0][:2] in (("changed", SIZE + 1), ("moved", SIZE + 1))


async def test_an_entry_whose_own_hash_was_made_anew_is_named(log: Log) -> None:
    with log._raw() as raw:
        row = audit._stored(raw.execute("SELECT * FROM audit WHERE sequence = 70").fetchone())
    fresh = entry_hash(row.previous, replace(row.entry, actor="eve"))
    log.tamper(("UPDATE audit SET actor = 'eve', hash = ? WHERE sequence = 70", (fresh,)))
    assert told(await log.findings()) == only("replaced", 70)


async def test_a_chain_made_anew_is_narrowed_to_since_the_last_checkpoint_that_agrees(log: Log) -> None:
    log.recompute(lambda entry: replace(entry, actor="eve") if entry.sequence == 120 else entry, sign=False)
    assert told(await log.findings()) == only("rewritten", SIGNED + 1, SIZE, "checkpoint")
    assert told(await log.findings(Seen(*log.head, "witness"))) == [
        ("rewritten", 1, SIZE, "witness"),
        ("rewritten", SIGNED + 1, SIZE, "checkpoint"),
    ]


async def test_a_chain_made_anew_without_its_tree_is_narrowed_to_a_subtree(log: Log) -> None:
    with log._raw() as raw:
        kept = [tuple(row) for row in raw.execute("SELECT * FROM audit_nodes")]
    log.recompute(lambda entry: replace(entry, actor="eve") if entry.sequence == 70 else entry, sign=False)
    log.tamper("DELETE FROM audit_nodes", *(("INSERT INTO audit_nodes VALUES (?, ?, ?)", row) for row in kept))
    assert told(await log.findings()) == only("rewritten", 65, SIGNED, "checkpoint")


async def test_a_log_made_and_signed_anew_is_found_by_what_was_seen_outside_and_by_nothing_else(log: Log) -> None:
    log.recompute(lambda entry: replace(entry, actor="eve") if entry.sequence == 70 else entry, sign=True)
    assert await log.findings() == []
    assert told(await log.findings(Seen(*log.head, "witness"))) == only("rewritten", 1, SIZE, "witness")


async def test_the_range_is_as_narrow_as_what_was_seen_outside(log: Log) -> None:
    with log._raw() as raw:
        early = bytes(raw.execute("SELECT root FROM audit_checkpoints WHERE number = 1").fetchone()[0])
    log.recompute(lambda entry: replace(entry, actor="eve") if entry.sequence == 120 else entry, sign=True)
    seen = Seen(SIGNED, early, "hq"), Seen(*log.head, "witness")
    assert told(await log.findings(*seen)) == only("rewritten", SIGNED + 1, SIZE, "witness")


async def test_a_tail_that_was_seen_outside_and_is_gone_is_named(log: Log) -> None:
    log.recompute(lambda entry: entry if entry.sequence <= 120 else None, sign=True)
    assert ("missing", 121, SIZE, "") in told(await log.findings(Seen(*log.head, "witness")))


@pytest.mark.parametrize(
    "change",
    ["size = 99", "root = zeroblob(32)", "at = 'x'", "note = replace(note, 'at 2026', 'at 2025')", "note = ''"],
)
async def test_a_changed_checkpoint_is_named(log: Log, change: str) -> None:
    log.tamper(f"UPDATE audit_checkpoints SET {change} WHERE number = 1")  # noqa: S608
    assert told(await log.findings()) == only("checkpoint", 1)


async def test_a_removed_checkpoint_is_named(log: Log) -> None:
    log.tamper("DELETE FROM audit_checkpoints WHERE number = 1")
    assert told(await log.findings()) == only("checkpoint_missing", 1)


@pytest.mark.parametrize(("which", "first"), [("number = 2", 2), ("1", 1)])
async def test_checkpoints_removed_from_the_end_are_named(log: Log, which: str, first: int) -> None:
    log.tamper(f"DELETE FROM audit_checkpoints WHERE {which}")  # noqa: S608
    assert told(await log.findings()) == only("checkpoint_missing", first, 2)


async def test_a_checkpoint_with_another_number_is_named(log: Log) -> None:
    log.tamper("UPDATE audit_checkpoints SET number = 7 WHERE number = 2")
    assert ("checkpoint", 7, 7, "") in told(await log.findings())


async def test_checkpoints_signed_with_another_key_are_named(log: Log) -> None:
    log.tamper("UPDATE box_identity SET signing_seed = zeroblob(32)")
    assert told(await log.findings()) == only("checkpoint", 1) + only("checkpoint", 2)


@pytest.mark.parametrize("change", ["size = 149", "size = 3", "peaks = zeroblob(length(peaks))", "last = zeroblob(32)"])
async def test_a_changed_head_is_noticed(log: Log, change: str) -> None:
    log.tamper(f"UPDATE audit_head SET {change}")  # noqa: S608
    assert await log.findings() != []


async def test_a_removed_head_is_noticed(log: Log) -> None:
    log.tamper("DELETE FROM audit_head")
    assert told(await log.findings()) == only("head", SIZE)


@pytest.mark.parametrize("change", ["hash = zeroblob(32)", "position = 7"])
async def test_a_changed_part_of_the_tree_is_named(log: Log, change: str) -> None:
    log.tamper(f"UPDATE audit_nodes SET {change} WHERE level = 6 AND position = 1")  # noqa: S608
    assert told(await log.findings()) == only("node", 65, 128)


async def test_missing_guards_are_named(log: Log) -> None:
    with log._raw() as raw:
        raw.execute("DROP TRIGGER audit_is_append_only_delete")
    assert [found.what for found in await log.findings()] == ["guard"]


async def test_a_guard_that_guards_nothing_is_named(log: Log) -> None:
    with log._raw() as raw:
        raw.execute("DROP TRIGGER audit_is_append_only_delete")
        raw.execute("CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit WHEN 0 BEGIN SELECT 1; END")
    assert [found.what for found in await log.findings()] == ["guard"]


@pytest.mark.parametrize("text", ["CAST(x'ff' AS TEXT)", "actor || char(0)", "actor || char(0) || 'eve'"])
async def test_an_entry_is_named_whatever_bytes_somebody_put_into_it(log: Log, text: str) -> None:
    log.tamper(f"UPDATE audit SET actor = {text} WHERE sequence = 70")  # noqa: S608
    assert told(await log.findings()) == only("changed", 70)


@pytest.mark.parametrize("number", [-(2**63), -5, 0])
async def test_an_entry_before_the_first_is_named(log: Log, number: int) -> None:
    columns = f"{', '.join(Entry.__slots__[1:])}, previous, hash"
    copied = f"SELECT {number}, {columns} FROM audit WHERE sequence = 70"  # noqa: S608
    log.tamper(f"INSERT INTO audit (sequence, {columns}) {copied}")
    assert told(await log.findings()) == only("replaced", number)


async def test_a_second_entry_of_a_number_is_named_also_where_two_portions_meet(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_BATCH", 100)
    log.tamper(
        "CREATE TABLE copy AS SELECT * FROM audit",
        "DROP TABLE audit",
        "ALTER TABLE copy RENAME TO audit",
        "INSERT INTO audit SELECT * FROM audit WHERE sequence = 100",
    )
    assert ("replaced", 100, 100, "") in told(await log.findings())


async def test_no_entry_is_replaced_past_the_guards(log: Log) -> None:
    with log._raw() as raw, pytest.raises(Exception, match="append-only"):
        raw.execute("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE sequence = 5")


@pytest.mark.parametrize("table", ["audit", "audit_nodes", "audit_checkpoints"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET rowid = rowid", "DELETE FROM {}", "UPDATE {} SET hash = hash"])
async def test_nobody_changes_the_log_without_taking_the_guards_away(log: Log, table: str, statement: str) -> None:
    column = {"audit": "hash", "audit_nodes": "hash", "audit_checkpoints": "root"}[table]
    sql = statement.format(table).replace("rowid", column).replace("hash", column)
    with log._raw() as raw, pytest.raises(Exception, match="append-only"):
        raw.execute(sql)


# -- growing, signing, proving -----------------------------------------------------------------------------------------


@pytest.fixture
async def db(log: Log) -> AsyncIterator[Database]:
    database = await Database.open(log.folder, KEY)
    yield database
    await database.close()


async def test_a_log_goes_on_after_it_was_opened_again(db: Database) -> None:
    await db.write(lambda tx: audit.append(tx, permit(1), AT))
    assert (await db.read(audit.head))[0] == SIZE + 1
    assert await db.read(audit.verify) == []


async def test_an_act_that_is_rolled_back_leaves_no_entry_and_no_hole(db: Database) -> None:
    def fail(tx: Transaction) -> None:
        audit.append(tx, permit(1), AT)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(fail)
    await db.write(lambda tx: audit.append(tx, permit(1), AT))
    assert await db.read(audit.verify) == []


async def test_every_entry_is_proved_against_the_newest_checkpoint(db: Database) -> None:
    def prove(tx: Transaction) -> list[bool]:
        last, nodes = audit.checkpoints(tx)[-1], audit.nodes(tx)
        found = [audit.stored(tx, number) for number in range(1, SIZE + 1)]
        return [
            tree.included(row.hash, row.entry.sequence - 1, last.size, path, last.root)
            for row in found
            if row is not None
            for path in [tree.inclusion(nodes, row.entry.sequence - 1, last.size)]
        ]

    assert await db.read(prove) == [True] * SIZE


async def test_hq_gets_every_checkpoint_with_the_proof_that_the_log_only_grew(db: Database) -> None:
    rows = await db.read(
        lambda tx: tx.all("SELECT * FROM outbox WHERE record_class = 'audit_checkpoint' ORDER BY number")
    )
    told = [record.decode(row["body"]) for row in rows]
    public = (await db.write(outbox.identity)).signing_key.public
    heads = [note.read(found.note, public) for found in told]
    assert [(head.number, head.size, found.since) for head, found in zip(heads, told, strict=True)] == [
        (1, SIGNED, 0),
        (2, SIZE, SIGNED),
    ]
    assert tree.consistent(SIGNED, SIZE, heads[0].root, heads[1].root, record.proof(told[1]))


async def test_nothing_is_signed_where_nothing_is_new(db: Database) -> None:
    before = await db.write(lambda tx: audit.sign(tx, AT))
    assert await db.write(lambda tx: audit.sign(tx, "2026-02-01T09:30:00Z")) == before
    assert await db.read(audit.unsigned) == (0, AT)


async def test_a_busy_box_signs_by_itself(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SIGN_EVERY", SIZE + 10)
    for _ in range(12):
        await db.write(lambda tx: audit.append(tx, permit(1), AT))
    assert [kept.size for kept in await db.read(audit.checkpoints)] == [SIGNED, SIZE, SIZE + 10]


# -- a store from before the tree ------------------------------------------------------------------------------------


async def test_a_store_from_before_the_tree_keeps_its_entries_and_goes_on(tmp_path: Path) -> None:
    key, path = StoreKey(bytes(32)), tmp_path / "store" / "hearth.db"
    path.parent.mkdir()
    old, before = 70, GENESIS
    with closing(connect_writer(path, key, create=True)) as raw:
        raw.execute("PRAGMA application_id = 0x48525448")
        migrate.apply(raw, migrate.load()[:4])
        for number in range(1, old + 1):
            entry = Entry(number, AT, "p", "operator", "portal", "vouch", "s", f"m{number}", "done", form=1)
            values = (number, AT, "p", "operator", "portal", "vouch", "s", f"m{number}", "done")
            digest = entry_hash(before, entry)
            marks = ", ".join("?" * 11)
            columns = "sequence, at, actor, role, surface, action, session, subject, outcome, previous, hash"
            raw.execute(f"INSERT INTO audit ({columns}) VALUES ({marks})", (*values, before, digest))  # noqa: S608
            before = digest
    database = await Database.open(path.parent, key)
    assert await database.read(audit.verify) == []
    size, early = await database.read(audit.head)
    await database.write(lambda tx: audit.append(tx, permit(1), AT))
    assert await database.read(lambda tx: audit.verify(tx, [Seen(size, early, "witness")])) == []
    forms = [entry.form for entry in await database.read(audit.entries)]
    assert (size, forms) == (old, [1] * old + [2])
    first = await database.read(lambda tx: audit.stored(tx, 1))
    assert first is not None
    path_of_first = await database.read(lambda tx: tree.inclusion(audit.nodes(tx), 0, old))
    assert tree.included(tree.leaf_hash(leaf_bytes(first.previous, first.entry)), 0, old, path_of_first, early)
    await database.close()


@pytest.mark.parametrize("column", ["address", "person", "thing"])
async def test_nothing_is_written_into_an_old_entry_unnoticed(log: Log, column: str) -> None:
    log.tamper(f"UPDATE audit SET form = 1, {column} = 'x' WHERE sequence = 70")  # noqa: S608
    assert told(await log.findings()) == only("changed", 70)
