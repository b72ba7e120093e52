"""`python -m appliance.store.freeze`: writes schema.sql and notes the digest of each new migration. Edits no old line.

Run it when a migration is ready to land. From then on the file is frozen: tests refuse a changed one, because boxes out
there have run it. A mistake is put right by the next migration.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.store import migrate
from appliance.store.connection import connect_writer
from appliance.store.key import StoreKey

DIGESTS = migrate.FOLDER / "digests.txt"
SCHEMA = Path(__file__).parent / "schema.sql"


def digests(path: Path = DIGESTS) -> dict[int, str]:
    """Number to digest, as frozen: one migration a line, number, name and SHA-256."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {int(number): digest for number, _, digest in (line.split() for line in lines)}


def changed(migrations: tuple[migrate.Migration, ...], frozen: dict[int, str]) -> list[int]:
    """The numbers of frozen migrations that are no longer what they were, or are gone."""
    now = {migration.number: migration.digest for migration in migrations}
    return [number for number, digest in frozen.items() if now.get(number) != digest]


def schema(migrations: tuple[migrate.Migration, ...]) -> str:
    """What the migrations add up to, run on an empty store in memory."""
    store = connect_writer(Path(":memory:"), StoreKey(bytes(32)), create=True)
    try:
        migrate.apply(store, migrations)
        return "-- What the migrations add up to; written by appliance.store.freeze.\n\n" + migrate.schema(store)
    finally:
        store.close()


def main() -> int:
    """Exit code 1 if a frozen migration was edited."""
    migrations = migrate.load()
    edited = changed(migrations, digests())
    if edited:
        sys.stderr.write(f"Migrations {edited} are frozen and were edited. Put them back and write a new one.\n")
        return 1
    DIGESTS.write_text("".join(f"{m.number:04} {m.name} {m.digest}\n" for m in migrations))
    SCHEMA.write_text(schema(migrations))
    return 0


if __name__ == "__main__":
    sys.exit(main())
