"""Migrations: numbered files, once, in order, by digest. A store that is newer than this code is refused, unless each
file that this code does not have said of itself that older releases may go on with the store (`OLDER_MAY`).

Each file runs in one transaction together with its note in the table `migrations` and the store's `user_version`, so a
power cut leaves the store before or after it, never between. The rules for a new one are in migrations/README.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.faults import Fault
from appliance.store.connection import Connection

FOLDER = Path(__file__).parent / "migrations"

# The first line of each file from 0019 on: whether a box that goes back to the release before can use its store.
OLDER_MAY = "-- Older releases may go on with the store after this."
OLDER_MAY_NOT = "-- Older releases cannot use the store after this."
FIRST_DECLARED = 19  # the first migration that came when a box could go back by itself

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# `number`: of the last migration that a release must have to use this store.
_NEEDED_TABLE = "CREATE TABLE IF NOT EXISTS needed_migration (number INTEGER NOT NULL) STRICT;"
_OWN_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL  -- SHA-256 of the file, hex
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `number` from 1 without gaps, `digest` is SHA-256 of its bytes in hex.

    `older`: whether a release without it may use the store all the same; None: written before that was declared.
    """

    number: int
    name: str
    sql: str
    digest: str
    older: bool | None = None


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations in order. ValueError for a gap, a number used twice, a name that does not fit, or a file from
    0019 on that does not declare what older releases may do."""
    migrations = tuple(_read(path) for path in sorted(folder.glob("*.sql")))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError("migrations are numbered 0001, 0002 … without gaps")
    if silent := [one.name for one in migrations if one.older is None and one.number >= FIRST_DECLARED]:
        raise ValueError(f"the first line says whether older releases may use the store: {silent[0]}")
    return migrations


def _read(path: Path) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"not a migration's name: {path.name}")
    content = path.read_bytes()
    sql = content.decode()
    older = {OLDER_MAY: True, OLDER_MAY_NOT: False}.get(sql.partition("\n")[0])
    return Migration(int(match[1]), match[2], sql, hashlib.sha256(content).hexdigest(), older)


def check(connection: Connection, migrations: tuple[Migration, ...]) -> None:
    """Fault("store_newer") if the store needs a migration that we don't have, or has another one of the same number."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations) and _needed(connection, version) > len(migrations):
        raise _newer(connection, f"store {version}, here {len(migrations)}")
    if version == 0:
        return
    for row in connection.execute("SELECT number, digest FROM migrations WHERE number <= ?", (len(migrations),)):
        if migrations[row["number"] - 1].digest != row["digest"]:
            raise _newer(connection, f"migration {row['number']} is another one")


def _needed(connection: Connection, version: int) -> int:
    """The last migration that one must have to use the store; all that it has, if it does not say."""
    there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'needed_migration'").fetchone()
    row = connection.execute("SELECT number FROM needed_migration").fetchone() if there else None
    return int(row[0]) if row else version


def note_program(connection: Connection, program: str) -> None:
    """Keep which version of Hearth had the store open last, so that an older one can name it."""
    if _program(connection) != program:
        connection.execute("INSERT OR REPLACE INTO keeping VALUES ('program', ?)", (program,))


def _program(connection: Connection) -> str:
    there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'keeping'").fetchone()
    row = connection.execute("SELECT value FROM keeping WHERE name = 'program'").fetchone() if there else None
    return str(row[0]) if row else ""


def _newer(connection: Connection, why: str) -> Fault:
    """With the version to start instead, where the store says it. Its own word: bounded, and one line."""
    program = "".join(char for char in _program(connection)[:40] if char.isprintable())
    return Fault("store_newer", f"start Hearth {program} or newer" if program else why, about=program)


def apply(connection: Connection, migrations: tuple[Migration, ...]) -> int:
    """Run what the store does not have yet; how many were run. An error leaves it at the last whole migration."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    missing = migrations[version:]
    for migration in missing:
        try:
            connection.executescript(_script(migration))
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(missing)


def _script(migration: Migration) -> str:
    note = f"INSERT INTO migrations VALUES ({migration.number}, '{migration.name}', '{migration.digest}');"  # noqa: S608 - checked by _NAME
    version = f"PRAGMA user_version = {migration.number};"
    return "\n".join(("BEGIN IMMEDIATE;", _OWN_TABLE, migration.sql, note, _declared(migration), version, "COMMIT;"))


def _declared(migration: Migration) -> str:
    """What the store says from now on of the releases that can use it."""
    if migration.older is None:
        return ""
    if migration.older:  # nothing changes, but a store that said nothing yet needs all that came before
        before = f"SELECT {migration.number - 1} WHERE NOT EXISTS (SELECT 1 FROM needed_migration)"  # noqa: S608 - ours
        return f"{_NEEDED_TABLE} INSERT INTO needed_migration {before};"
    number = migration.number
    return f"{_NEEDED_TABLE} DELETE FROM needed_migration; INSERT INTO needed_migration VALUES ({number});"  # noqa: S608 - ours


def schema(connection: Connection) -> str:
    """What the migrations add up to, as text: every table, index and trigger by name."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " ORDER BY type = 'table' DESC, type, name"
    )
    return "\n\n".join(f"{row['sql']};" for row in rows) + "\n"
