"""A store that must not be opened is refused with its own fault, and nothing on disk changes: no byte, no file name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.faults import Fault
from appliance.store import birth, keyslots, migrate, probe, slotpair, wal
from appliance.store.connection import APPLICATION_ID, connect_writer
from appliance.store.database import Database, store_path
from appliance.store.files import HomeLock
from appliance.store.key import StoreKey
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in

CRASH = """
import os, signal, sys
from pathlib import Path
from appliance.store import keyslots, witness
from appliance.store.connection import connect_writer
from appliance.store.database import store_path
folder = Path(sys.argv[1])
witness.write(folder, "open", witness.Seen())
store = connect_writer(store_path(folder), keyslots.unlock(folder, sys.argv[2]))
store.execute("INSERT INTO people (id, name, created_at) VALUES ('p1', 'made-up name', '2026-01-01T00:00:00Z')")
store.execute("INSERT INTO box_secrets VALUES ('big', zeroblob(200000))")
store.execute("CREATE TABLE more (x)")  # changes page 1
os.kill(os.getpid(), signal.SIGKILL)
"""


async def new_store(folder: Path) -> None:
    database = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    await database.close()


async def open_store(folder: Path, passphrase: str = PASSPHRASE) -> Database:
    return await Database.open(folder, keyslots.unlock(folder, passphrase))


def change(folder: Path, statement: str) -> None:
    """Do what no migration does, and close the store cleanly."""
    store = connect_writer(store_path(folder), keyslots.unlock(folder, PASSPHRASE))
    store.execute(statement)
    store.close()


def crash(folder: Path, last: str = "CREATE TABLE more (x)") -> None:
    """Commit something, `last` among it, and die, so that a WAL is left over."""
    script = CRASH.replace("CREATE TABLE more (x)", last)
    done = subprocess.run([sys.executable, "-c", script, str(folder), PASSPHRASE], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder / "hearth.db-wal").stat().st_size > 0


async def refusal(folder: Path, passphrase: str = PASSPHRASE) -> str:
    """The fault's code; asserts that nothing changed."""
    before = everything_in(folder)
    with pytest.raises(Fault) as raised:
        await open_store(folder, passphrase)
    assert everything_in(folder) == before
    return raised.value.code


def spoil(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


async def test_the_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    assert await refusal(folder, "correct horse battery stable") == "wrong_passphrase"
    assert await refusal(folder, "") == "wrong_passphrase"
    assert await refusal(folder, "x" * 5000) == "wrong_passphrase"


async def test_without_its_slots_a_store_stays_closed(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    for path in slotpair.copies(folder):
        path.unlink()
    assert await refusal(folder) == "slots_missing"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 5000, b"x" * 100_000])
async def test_a_damaged_slot_file_is_not_taken_for_a_wrong_passphrase(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    for path in slotpair.copies(folder):
        path.write_bytes(content)
    assert await refusal(folder) == "slots_missing"


@pytest.mark.parametrize("leave", ["nothing", "an empty file"])
async def test_slots_without_a_store_are_told_apart(tmp_path: Path, leave: str) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    store_path(folder).unlink()
    if leave == "an empty file":
        store_path(folder).touch()
    assert await refusal(folder) == "store_missing"


def half_a_page(store: Path) -> None:
    os.truncate(store, 100)


def one_page(store: Path) -> None:
    os.truncate(store, 4096)


def last_page_lost(store: Path) -> None:
    os.truncate(store, store.stat().st_size - 4096)


def last_byte_lost(store: Path) -> None:
    os.truncate(store, store.stat().st_size - 1)


@pytest.mark.parametrize("cut", [half_a_page, one_page, last_page_lost, last_byte_lost])
async def test_a_store_cut_short_is_refused(tmp_path: Path, cut: Callable[[Path], None]) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    cut(store_path(folder))
    assert await refusal(folder) == "store_truncated"


async def test_a_store_cut_short_is_refused_beside_a_wal_too(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder)
    os.truncate(store_path(folder), 3 * 4096)
    assert await refusal(folder) == "store_truncated"


async def test_a_store_of_another_key_is_foreign(tmp_path: Path) -> None:
    ours, other = tmp_path / "store", tmp_path / "other"
    await new_store(ours)
    await new_store(other)
    store_path(other).replace(store_path(ours))
    assert await refusal(ours) == "store_foreign"


async def test_a_store_of_another_key_is_foreign_beside_our_wal(tmp_path: Path) -> None:
    ours, other = tmp_path / "store", tmp_path / "other"
    await new_store(ours)
    await new_store(other)
    crash(ours)
    store_path(other).replace(store_path(ours))
    assert await refusal(ours) == "store_foreign"


@pytest.mark.parametrize("content", [b"SQLite format 3\0".ljust(8192, b"\0"), b"not a store at all " * 1000])
async def test_a_file_that_is_no_store_is_foreign(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    store_path(folder).write_bytes(content)
    assert await refusal(folder) == "store_foreign"


async def test_another_program_with_our_key_is_foreign(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    store = connect_writer(store_path(folder), keyslots.unlock(folder, PASSPHRASE))
    store.execute(f"PRAGMA application_id = {APPLICATION_ID + 1}")
    store.close()
    assert await refusal(folder) == "store_foreign"


async def test_a_damaged_first_page_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    spoil(store_path(folder), 2000, b"damage")
    assert await refusal(folder) == "store_foreign"


@pytest.mark.parametrize("left", [0, 20, 100, 32 + 24 + 2000])
async def test_a_worthless_wal_is_neither_trusted_nor_removed_by_a_refusal(tmp_path: Path, left: int) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder)
    os.truncate(folder / "hearth.db-wal", left)
    spoil(store_path(folder), 2000, b"damage")
    assert await refusal(folder) == "store_foreign"


async def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    change(folder, "PRAGMA user_version = 9999")
    assert await refusal(folder) == "store_newer"


async def test_a_newer_store_is_refused_when_only_the_wal_knows(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder, "PRAGMA user_version = 9999")
    assert await refusal(folder) == "store_newer"


async def test_a_store_with_another_migration_of_the_same_number_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    change(folder, "UPDATE migrations SET digest = 'x' WHERE number = 1")
    assert await refusal(folder) == "store_newer"


async def test_a_store_is_never_made_over_another(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    before = everything_in(folder)
    key = keyslots.unlock(folder, PASSPHRASE)
    with pytest.raises(Fault, match="store_exists"):
        await birth.give_birth(folder, "another one", CHEAP)
    with pytest.raises(Fault, match="store_exists"):
        await Database.create(folder, key)
    with pytest.raises(Fault, match="store_exists"):
        keyslots.create(folder, "another one", CHEAP)
    assert everything_in(folder) == before
    assert {path.name for path in tmp_path.iterdir()} == {"store", "store.witness"}


async def test_one_home_has_one_hearth(tmp_path: Path) -> None:
    first = HomeLock.take(tmp_path)
    with pytest.raises(Fault, match="home_in_use"):
        HomeLock.take(tmp_path)
    first.release()
    HomeLock.take(tmp_path).release()


async def test_a_store_with_a_wal_left_over_opens(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder)
    database = await open_store(folder)
    assert await database.read(lambda tx: tx.one("SELECT name FROM people WHERE id = 'p1'")) is not None
    await database.close()
    assert set(everything_in(folder)) == {"hearth.db", "slots.json", "spare/slots.json"}


async def test_a_store_opens_when_only_the_wal_has_a_whole_first_page(tmp_path: Path) -> None:
    """A checkpoint that a power cut tore: the salt (the first sector) is the same in old and new, the rest is not."""
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder)
    spoil(store_path(folder), 512, b"\xaa" * 3584)
    (folder / "hearth.db-shm").unlink()
    rest = wal.leftover(folder / "hearth.db-wal", 4096)
    assert rest is not None
    assert 1 in rest.pages
    database = await open_store(folder)
    assert await database.read(lambda tx: tx.one("SELECT name FROM people WHERE id = 'p1'")) is not None
    await database.close()


async def test_a_store_opens_when_its_last_pages_are_in_the_wal_only(tmp_path: Path) -> None:
    """A checkpoint that was cut off while it made the file longer."""
    folder = tmp_path / "store"
    await new_store(folder)
    crash(folder)
    with store_path(folder).open("ab") as file:
        file.write(b"\xaa" * 1000)
    database = await open_store(folder)
    assert await database.read(lambda tx: tx.one("SELECT name FROM people WHERE id = 'p1'")) is not None
    await database.close()


async def test_looking_at_a_sound_store_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await new_store(folder)
    key = keyslots.unlock(folder, PASSPHRASE)
    steps: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: crash(folder),
        lambda: (folder / "hearth.db-shm").unlink(),
    )
    for prepare in steps:
        prepare()
        before = everything_in(folder)
        probe.check(store_path(folder), key, migrate.load())
        assert everything_in(folder) == before


async def test_a_birth_that_was_cut_off_can_be_repeated(tmp_path: Path) -> None:
    folder, half = tmp_path / "store", tmp_path / "store.new"
    keyslots.create(half, "an earlier try", CHEAP)
    (half / "hearth.db.new").write_bytes(b"half of a store")
    await new_store(folder)
    assert set(everything_in(folder)) == {"hearth.db", "slots.json", "spare/slots.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"store", "store.witness"}


def test_a_home_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(Fault, match="home_not_writable"):
        HomeLock.take(tmp_path / "home")
    with pytest.raises(Fault, match="home_not_writable"):
        keyslots.create(tmp_path / "home" / "store", PASSPHRASE, CHEAP)


def test_the_wrong_size_of_key_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        StoreKey(b"short")
