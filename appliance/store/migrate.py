"""Migrations: numbered files, once, in order, by digest. A store that is newer than this code is refused.

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

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_OWN_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL  -- SHA-256 of the file, hex
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `number` from 1 without gaps, `digest` is SHA-256 of its bytes in hex."""

    number: int
    name: str
    sql: str
    digest: str


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations in order. ValueError for a gap, a number used twice or a name that does not fit."""
    migrations = tuple(_read(path) for path in sorted(folder.glob("*.sql")))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError("migrations are numbered 0001, 0002 … without gaps")
    return migrations


def _read(path: Path) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"not a migration's name: {path.name}")
    content = path.read_bytes()
    return Migration(int(match[1]), match[2], content.decode(), hashlib.sha256(content).hexdigest())


def check(connection: Connection, migrations: tuple[Migration, ...]) -> None:
    """Fault("store_newer") if the store knows a migration that we don't, or has another one of the same number."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise _newer(connection, f"store {version}, here {len(migrations)}")
    if version == 0:
        return
    for row in connection.execute("SELECT number, digest FROM migrations ORDER BY number"):
        if row["number"] > len(migrations) or migrations[row["number"] - 1].digest != row["digest"]:
            raise _newer(connection, f"migration {row['number']} is another one")


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
    for migration in migrations[version:]:
        try:
            connection.executescript(_script(migration))
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(migrations) - int(version)


def _script(migration: Migration) -> str:
    note = f"INSERT INTO migrations VALUES ({migration.number}, '{migration.name}', '{migration.digest}');"  # noqa: S608 - checked by _NAME
    return "\n".join(
        ("BEGIN IMMEDIATE;", _OWN_TABLE, migration.sql, note, f"PRAGMA user_version = {migration.number};", "COMMIT;")
    )


def schema(connection: Connection) -> str:
    """What the migrations add up to, as text: every table, index and trigger by name."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " ORDER BY type = 'table' DESC, type, name"
    )
    return "\n\n".join(f"{row['sql']};" for row in rows) + "\n"
