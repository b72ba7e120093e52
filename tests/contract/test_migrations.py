"""The rules of appliance/store/migrations/README.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.faults import Fault
from appliance.store import freeze, migrate
from appliance.store.connection import Connection, StoreError, connect_writer
from appliance.store.key import StoreKey

HOW = "run `make freeze` when the migration is ready to land"


@pytest.fixture
def store(tmp_path: Path) -> Connection:
    return connect_writer(tmp_path / "a.db", StoreKey(bytes(32)), create=True)


def folder_of(tmp_path: Path, *scripts: str) -> tuple[migrate.Migration, ...]:
    folder = tmp_path / "migrations"
    folder.mkdir(exist_ok=True)
    for number, script in enumerate(scripts, 1):
        (folder / f"{number:04}_step.sql").write_text(script)
    return migrate.load(folder)


def test_a_released_migration_is_never_edited() -> None:
    assert freeze.changed(migrate.load(), freeze.digests()) == []


def test_every_migration_is_frozen() -> None:
    assert set(freeze.digests()) == {migration.number for migration in migrate.load()}, HOW


def test_the_schema_file_is_what_the_migrations_add_up_to() -> None:
    assert freeze.SCHEMA.read_text() == freeze.schema(migrate.load()), HOW


def test_an_edited_or_missing_migration_is_noticed(tmp_path: Path) -> None:
    frozen = {m.number: m.digest for m in folder_of(tmp_path, "CREATE TABLE a (x);", "CREATE TABLE b (x);")}
    assert freeze.changed(folder_of(tmp_path, "CREATE TABLE a (y);"), frozen) == [1]
    assert freeze.changed((), frozen) == [1, 2]


def test_every_table_is_strict_and_no_constraint_waits_for_the_commit() -> None:
    for migration in migrate.load():
        assert "DEFERRABLE" not in migration.sql.upper()
        assert migration.sql.count("CREATE TABLE") == migration.sql.count("STRICT;")


def test_each_migration_runs_once_and_in_order(store: Connection, tmp_path: Path) -> None:
    first = folder_of(tmp_path, "CREATE TABLE a (x);")
    assert migrate.apply(store, first) == 1
    both = folder_of(tmp_path, "CREATE TABLE a (x);", "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2);")
    assert migrate.apply(store, both) == 1
    assert migrate.apply(store, both) == 0
    assert len(store.execute("SELECT * FROM a").fetchall()) == 1


def test_a_migration_that_fails_leaves_nothing_behind(store: Connection, tmp_path: Path) -> None:
    broken = folder_of(tmp_path, "CREATE TABLE a (x);", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError):
        migrate.apply(store, broken)
    assert "CREATE TABLE b" not in migrate.schema(store)
    assert store.execute("PRAGMA user_version").fetchone()[0] == 1
    mended = folder_of(tmp_path, "CREATE TABLE a (x);", "CREATE TABLE b (x);")
    assert migrate.apply(store, mended) == 1


def test_a_store_newer_than_the_code_is_refused(store: Connection, tmp_path: Path) -> None:
    both = folder_of(tmp_path, "CREATE TABLE a (x);", "CREATE TABLE b (x);")
    migrate.apply(store, both)
    migrate.check(store, both)
    with pytest.raises(Fault, match="store_newer"):
        migrate.check(store, both[:1])


MAY, MAY_NOT = migrate.OLDER_MAY + "\n", migrate.OLDER_MAY_NOT + "\n"


def test_a_release_goes_on_with_a_newer_store_that_needs_nothing_it_lacks(store: Connection, tmp_path: Path) -> None:
    """A box that falls back to the release before, with what was written in the meantime."""
    newer = folder_of(
        tmp_path, "CREATE TABLE a (x);", MAY + "ALTER TABLE a ADD COLUMN y DEFAULT 2;", MAY + "CREATE TABLE b (x);"
    )
    migrate.apply(store, newer)
    migrate.check(store, newer[:1])
    assert migrate.apply(store, newer[:1]) == 0
    store.execute("INSERT INTO a (x) VALUES (1)")
    migrate.check(store, newer)
    assert migrate.apply(store, newer) == 0
    assert [tuple(row) for row in store.execute("SELECT x, y FROM a")] == [(1, 2)]


def test_a_release_refuses_a_store_that_needs_more_than_it_has(store: Connection, tmp_path: Path) -> None:
    newer = folder_of(
        tmp_path,
        "CREATE TABLE a (x);",
        MAY_NOT + "DROP TABLE a;",
        MAY + "CREATE TABLE c (x);",
        MAY + "CREATE TABLE d (x);",
    )
    migrate.apply(store, newer[:3])
    migrate.apply(store, newer)
    with pytest.raises(Fault, match="store_newer"):
        migrate.check(store, newer[:1])
    migrate.check(store, newer[:2])


def test_a_release_from_before_the_declarations_is_never_let_in_by_one(store: Connection, tmp_path: Path) -> None:
    """What said nothing of older releases is needed."""
    newer = folder_of(tmp_path, "CREATE TABLE a (x);", "CREATE TABLE b (x);", MAY + "CREATE TABLE c (x);")
    migrate.apply(store, newer)
    migrate.check(store, newer[:2])
    with pytest.raises(Fault, match="store_newer"):
        migrate.check(store, newer[:1])


def test_from_0019_on_each_file_declares_what_older_releases_may_do(tmp_path: Path) -> None:
    scripts = ["CREATE TABLE a (x);"] * migrate.FIRST_DECLARED
    with pytest.raises(ValueError, match="first line"):
        folder_of(tmp_path, *scripts)


def test_who_lets_older_releases_go_on_only_adds() -> None:
    adds = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "ALTER TABLE ")
    for migration in migrate.load():
        if not migration.older:
            continue
        sql = "\n".join(line.partition("--")[0] for line in migration.sql.splitlines())
        for statement in filter(None, map(str.strip, sql.split(";"))):
            assert statement.startswith(adds), migration.name
            if statement.startswith("ALTER"):
                assert " ADD COLUMN " in statement, migration.name
                assert "NOT NULL" not in statement or "DEFAULT" in statement, migration.name


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"], ["0001_A b.sql"]])
def test_numbers_have_no_gaps_and_names_are_plain(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match="migration"):
        migrate.load(tmp_path)
