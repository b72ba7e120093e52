"""What a caller of the store may rely on: alone in its savepoint, told only after the commit, never half done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from appliance.faults import Fault
from appliance.store import birth, keyslots
from appliance.store.connection import connect_writer
from appliance.store.database import Database, IntegrityError, Transaction, store_path
from appliance.store.groups import write_group
from appliance.store.key import StoreKey
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in, no_room_in_files_beyond


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    yield database
    await database.close()


def keep(name: str, size: int = 1) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, size))


def names(tx: Transaction) -> set[str]:
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets")}


def keep_then_fail(tx: Transaction) -> None:
    keep("unwanted")(tx)
    raise LookupError("the caller's own")


async def test_what_was_written_is_read_by_the_next_reader(database: Database) -> None:
    assert await database.write(keep("a")) == 1
    assert await database.read(names) == {"a"}


async def test_a_work_that_raises_is_rolled_back_alone(database: Database) -> None:
    results = await asyncio.gather(
        database.write(keep("a")), database.write(keep_then_fail), database.write(keep("b")), return_exceptions=True
    )
    assert isinstance(results[1], LookupError)
    assert await database.read(names) == {"a", "b"}


def test_a_group_is_one_commit(tmp_path: Path) -> None:
    store = connect_writer(tmp_path / "a.db", StoreKey(bytes(32)), create=True)
    store.execute("CREATE TABLE t (x)")
    said: list[str] = []
    store.set_trace_callback(said.append)
    works = [lambda tx: tx.execute("INSERT INTO t VALUES (1)")] * 50
    assert [outcome.value for outcome in write_group(store, works)] == [1] * 50
    assert (said.count("BEGIN IMMEDIATE"), said.count("COMMIT")) == (1, 1)
    store.close()


async def test_a_broken_constraint_is_the_callers(database: Database) -> None:
    await database.write(keep("a"))
    with pytest.raises(IntegrityError):
        await database.write(keep("a"))
    with pytest.raises(IntegrityError):
        await database.write(
            lambda tx: tx.execute(
                "INSERT INTO accounts (person, username, role, password) VALUES ('nobody', 'u', 'auditor', 'p')"
            )
        )


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(Fault, match="store_failed"):
        await database.read(keep("a"))
    assert await database.read(names) == set()


async def test_a_transaction_ends_with_its_work(database: Database) -> None:
    kept = await database.write(lambda tx: tx)
    with pytest.raises(RuntimeError, match="over"):
        kept.one("SELECT 1")


async def test_a_work_that_ends_the_transaction_makes_nobody_believe_what_is_not_kept(database: Database) -> None:
    results = await asyncio.gather(
        database.write(keep("a")),
        database.write(lambda tx: tx.execute("ROLLBACK")),
        database.write(keep("b")),
        return_exceptions=True,
    )
    told = {name for name, result in zip("a-b", results, strict=True) if not isinstance(result, BaseException)}
    assert told == await database.read(names)
    await database.write(keep("c"))
    assert await database.read(names) == told | {"c"}


async def test_when_the_disk_is_full_nobody_is_told_done_and_later_writes_work(
    database: Database, tmp_path: Path
) -> None:
    await database.write(keep("a"))
    wal = store_path(tmp_path / "store").with_name("hearth.db-wal")
    with no_room_in_files_beyond(wal.stat().st_size + 1000):
        results = await asyncio.gather(
            *(database.write(keep(f"big{index}", 100_000)) for index in range(3)),
            database.write(keep_then_fail),
            return_exceptions=True,
        )
    codes = {result.code for result in results if isinstance(result, Fault)}
    assert codes == {"store_failed"}
    assert await database.read(names) == {"a"}
    await database.write(keep("b", 100_000))
    assert await database.read(names) == {"a", "b"}


async def test_being_cancelled_does_not_take_a_write_back(database: Database) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(database.write(lambda tx: gate.wait(10)))
    second = asyncio.ensure_future(database.write(keep("a")))
    await asyncio.sleep(0)
    second.cancel()
    gate.set()
    await asyncio.gather(first, second, return_exceptions=True)
    await database.write(keep("b"))
    assert await database.read(names) == {"a", "b"}


async def test_closing_finishes_what_is_queued_and_leaves_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    database = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    writes = [asyncio.ensure_future(database.write(keep(str(index)))) for index in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    assert await asyncio.gather(*writes) == [1] * 20
    assert set(everything_in(folder)) == {"hearth.db", "slots.json", "spare/slots.json"}
    for closed in (database.read, database.write):
        with pytest.raises(Fault, match="box_locked"):
            await closed(names)
    again = await Database.open(folder, keyslots.unlock(folder, PASSPHRASE))
    assert len(await again.read(names)) == 20
    await again.close()


async def test_every_commit_is_synced_and_the_store_is_opened_as_promised(database: Database) -> None:
    def settings(tx: Transaction) -> dict[str, object]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "temp_store", "trusted_schema")
        rows = {name: tx.one(f"PRAGMA {name}") for name in wanted}
        return {name: row[name] for name, row in rows.items() if row is not None}

    assert await database.write(settings) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
        "trusted_schema": 0,
    }
