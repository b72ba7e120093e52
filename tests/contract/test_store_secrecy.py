"""What a thief finds: no plaintext of any record anywhere, and no change that goes unnoticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.faults import Fault
from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction, store_path
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in

PLANTED = "a phrase that nobody else would write 7c1f"


def plant(tx: Transaction) -> None:
    for index in range(300):
        tx.execute(
            "INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)",
            (str(index), f"{PLANTED} {index}", "2026-01-01T00:00:00Z"),
        )
    # Sorting and a temporary table, which SQLite may put into files of their own.
    tx.execute("CREATE TEMP TABLE sorted AS SELECT name, hex(zeroblob(2000)) AS filler FROM people ORDER BY name DESC")
    tx.execute("DROP TABLE sorted")
    tx.execute("DELETE FROM people WHERE id < '2'")


async def planted(folder: Path) -> Path:
    """A store with the phrase in it, closed again."""
    database = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    await database.write(plant)
    await database.close()
    return folder


async def test_a_planted_phrase_is_nowhere_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    database = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    await database.write(plant)
    with_wal = everything_in(tmp_path)
    await database.close()
    assert "store/hearth.db-wal" in with_wal
    key = keyslots.unlock(tmp_path / "store", PASSPHRASE)
    for name, content in [*with_wal.items(), *everything_in(tmp_path).items()]:
        for secret in (PLANTED.encode(), PLANTED.encode("utf-16-le"), b"CREATE TABLE", PASSPHRASE.encode()):
            assert secret not in content, name
        assert key.raw() not in content, name
        assert key.raw().hex().encode() not in content.lower(), name


async def test_plain_sqlite_cannot_read_a_store(tmp_path: Path) -> None:
    await (await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)).close()
    plain = sqlite3.connect(store_path(tmp_path / "store"))
    with closing(plain), pytest.raises(sqlite3.DatabaseError):
        plain.execute("SELECT * FROM sqlite_schema")


async def test_nobody_but_the_owner_reads_the_files(tmp_path: Path) -> None:
    database = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    await database.write(plant)
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*") if path.is_file()} == {0o600}
    await database.close()


async def test_a_flipped_byte_in_any_page_is_noticed(tmp_path: Path) -> None:
    folder = await planted(tmp_path / "store")
    key = keyslots.unlock(folder, PASSPHRASE)
    sound = store_path(folder).read_bytes()
    for page in range(len(sound) // 4096):
        flipped = bytearray(sound)
        flipped[page * 4096 + 1234] ^= 1
        store_path(folder).write_bytes(flipped)
        assert await damage(folder, key), f"page {page}"
    store_path(folder).write_bytes(sound)
    assert not await damage(folder, key)


async def damage(folder: Path, key: keyslots.StoreKey) -> bool:
    try:
        database = await Database.open(folder, key)
    except Fault as fault:
        assert fault.code in ("store_foreign", "store_damaged")  # the first page, or one of the schema
        return True
    try:
        return await database.damaged_pages() != []
    finally:
        await database.close()


async def test_reading_a_damaged_page_is_a_fault_and_not_an_answer(tmp_path: Path) -> None:
    await (await birth.give_birth(tmp_path / "empty", PASSPHRASE, CHEAP)).close()
    folder = await planted(tmp_path / "store")
    content = bytearray(store_path(folder).read_bytes())
    first = store_path(tmp_path / "empty").stat().st_size // 4096  # those before it hold the schema: it opens no more
    for page in range(first, len(content) // 4096):
        content[page * 4096 + 2000] ^= 0xFF
    store_path(folder).write_bytes(content)
    database = await Database.open(folder, keyslots.unlock(folder, PASSPHRASE))
    with pytest.raises(Fault, match="store_damaged"):
        await database.read(lambda tx: tx.all("SELECT * FROM people"))
    await database.close()
