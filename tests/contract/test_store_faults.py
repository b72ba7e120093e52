"""What a store meets in its life: each fault has its own code, nothing confirmed is lost, and the way out works."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.policy import BOX, Facts, decide
from appliance.rollback import rows as rollback
from appliance.rollback.actions import accept
from appliance.store import birth, checkup, keyslots, witness
from appliance.store.connection import connect_writer
from appliance.store.database import Database, Transaction, store_path
from appliance.store.files import HomeLock
from appliance.store.trouble import Reserve
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in, no_room_in_files_beyond
from tests.fakes.waiting import until

REASON = "the newer card is broken and was thrown away"
CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
from appliance.store import keyslots
from appliance.store.database import Database
from tests.contract.test_store_faults import act, keep

async def main():
    folder = Path(sys.argv[1])
    database = await Database.open(folder, keyslots.unlock(folder, sys.argv[2]))
    await database.write(act)
    await database.write(keep("confirmed"))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A store that was closed, with three entries in its audit."""
    folder = tmp_path / "store"
    database = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    for _ in range(3):
        await database.write(act)
    await database.close()
    return folder


def act(tx: Transaction) -> None:
    audit.append(tx, decide(BOX, "enrol", Facts()), "2031-03-04T14:00:00Z")


def act_at(at: str) -> Callable[[Transaction], None]:
    return lambda tx: audit.append(tx, decide(BOX, "enrol", Facts()), at)


def keep(name: str, size: int = 1) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, zeroblob(?))", (name, size))


def names(tx: Transaction) -> set[str]:
    return {row["name"] for row in tx.all("SELECT name FROM box_secrets")}


def entries(tx: Transaction) -> int:
    return witness.look(tx.one).entries


async def opened(folder: Path) -> Database:
    return await Database.open(folder, keyslots.unlock(folder, PASSPHRASE))


async def refusal(folder: Path) -> Fault:
    """Why it is not opened; asserts that nothing changed."""
    before = everything_in(folder.parent)
    with pytest.raises(Fault) as raised:
        await opened(folder)
    assert everything_in(folder.parent) == before
    return raised.value


async def more(folder: Path, count: int = 1) -> None:
    """A life of the box with so many actions."""
    database = await opened(folder)
    for _ in range(count):
        await database.write(act)
    await database.close()


def crash(folder: Path) -> None:
    """A life that ends by SIGKILL right after a confirmed row."""
    done = subprocess.run([sys.executable, "-c", CRASH, str(folder), PASSPHRASE], check=False)
    assert done.returncode == -signal.SIGKILL


def spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096 + 1000)
        file.write(b"damage")


# ── an older store in the place of a newer one


async def test_an_old_copy_put_back_is_refused_and_says_how_much_is_missing(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    await more(folder, 4)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    fault = await refusal(folder)
    assert (fault.code, fault.about) == ("store_rolled_back", "4")


async def test_the_newer_store_put_back_opens(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    await more(folder)
    shutil.copytree(folder, tmp_path / "new")
    for name in ("old", "new"):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / name, folder)
        if name == "old":
            assert (await refusal(folder)).code == "store_rolled_back"
    await more(folder)


async def test_a_page_of_the_audit_that_was_replayed_is_refused(folder: Path) -> None:
    old = store_path(folder).read_bytes()
    await more(folder, 2)
    new = store_path(folder).read_bytes()
    assert len(old) == len(new)
    changed = [at for at in range(4096, len(new), 4096) if new[at : at + 4096] != old[at : at + 4096]]
    codes = set()
    for at in changed:
        store_path(folder).write_bytes(new[:at] + old[at : at + 4096] + new[at + 4096 :])
        try:
            await (await opened(folder)).close()
        except Fault as fault:
            codes.add(fault.code)
        witness_of_new(folder, new)
    assert codes == {"store_rolled_back"}


def witness_of_new(folder: Path, new: bytes) -> None:
    """As it was before the try: another page is next."""
    store_path(folder).write_bytes(new)
    known = witness.read(folder)
    assert known is not None and known.seen.entries == 5


async def test_another_history_of_the_same_length_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    await more(folder)
    kept = witness.witness_path(folder).read_bytes()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    witness.reset(folder)
    database = await opened(folder)
    await database.write(lambda tx: audit.append(tx, decide(BOX, "publish", Facts()), "2031-03-04T15:00:00Z"))
    await database.close()
    witness.witness_path(folder).write_bytes(kept)
    assert (await refusal(folder)).code == "store_rolled_back"


async def test_the_witness_follows_the_commits_while_the_store_is_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SECONDS", 0.0)
    database = await opened(folder)
    await database.write(act)
    await until(lambda: seen(folder) == ("open", 4))
    await database.close()
    assert seen(folder) == ("closed", 4)


async def test_a_work_that_changes_nothing_wears_no_card_out_by_a_witness(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SECONDS", 0.0)
    database = await opened(folder)
    await database.write(act)
    await until(lambda: seen(folder) == ("open", 4))
    before = witness.witness_path(folder).read_bytes()
    looks, real = list[int](), witness.look

    def look(one: witness.One) -> witness.Seen:
        looks.append(1)
        return real(one)

    monkeypatch.setattr(witness, "look", look)
    await database.write(entries)  # itself a look, and then the witness's own
    await until(lambda: len(looks) >= 2)
    await database.write(entries)
    await until(lambda: len(looks) >= 4)
    assert witness.witness_path(folder).read_bytes() == before
    await database.write(act)
    await until(lambda: seen(folder) == ("open", 5))
    await database.close()


def seen(folder: Path) -> tuple[str, int]:
    known = witness.read(folder)
    return (known.state, known.seen.entries) if known else ("", 0)


async def test_a_witness_that_is_missing_or_damaged_is_made_anew(folder: Path) -> None:
    path = witness.witness_path(folder)
    for spoilt in (b"", b"x" * 10, b"\xff" * 5000, path.read_bytes()[::-1]):
        path.write_bytes(spoilt)
        await more(folder)
        assert seen(folder)[0] == "closed"
    path.unlink()
    await more(folder)
    assert seen(folder) == ("closed", 8)


async def test_a_witness_torn_by_a_power_cut_leaves_the_one_before(folder: Path) -> None:
    path = witness.witness_path(folder)
    known = witness.read(folder)
    assert known is not None
    content = bytearray(path.read_bytes())
    start = known.turn % 2 * witness.SLOT
    content[start + 100 : start + witness.SLOT] = bytes(witness.SLOT - 100)
    path.write_bytes(content)
    before = witness.read(folder)
    assert before is not None and before.turn == known.turn - 1


async def test_who_accepts_a_rollback_says_why_and_stands_in_the_audit(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    await more(folder, 2)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    key = keyslots.open_with(folder, PASSPHRASE)
    with pytest.raises(Fault, match="bad_request"):
        await accept(folder, key, "  because  ")
    assert (await refusal(folder)).code == "store_rolled_back"
    accepted = await accept(folder, key, REASON)
    assert (accepted.had, accepted.has) == (5, 3)
    database = await opened(folder)
    assert await database.read(rollback.all_accepted) == [accepted]
    assert await database.read(entries) == 4
    assert not await database.read(audit.verify)
    await database.close()


async def test_who_only_looks_and_is_killed_leaves_a_store_that_opens(folder: Path, tmp_path: Path) -> None:
    """`hearth audit verify` looks at a store whatever its witness says; a WAL that it leaves must not be foreign."""
    key = keyslots.unlock(folder, PASSPHRASE)
    looking = await Database.open(folder, key, accepting=True)
    await looking.write(lambda tx: tx.execute("INSERT INTO box_secrets VALUES ('looked', x'00')"))
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copytree(folder, killed / folder.name)
    shutil.copy(witness.witness_path(folder), killed)
    await looking.close()
    database = await opened(killed / folder.name)
    await database.close()


async def test_an_acceptance_that_could_not_be_noted_is_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "old")
    await more(folder)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)

    def refuse(*_: object) -> None:
        raise Fault("store_failed")

    monkeypatch.setattr(rollback, "note", refuse)
    with pytest.raises(Fault, match="store_failed"):
        await accept(folder, keyslots.open_with(folder, PASSPHRASE), REASON)
    with pytest.raises(Fault, match="store_rolled_back"):
        await opened(folder)


async def test_nothing_is_accepted_where_nothing_is_missing(folder: Path) -> None:
    with pytest.raises(Fault, match="wrong_state"):
        await accept(folder, keyslots.open_with(folder, PASSPHRASE), REASON)


# ── the WAL


async def test_after_a_kill_the_store_opens_with_all_that_was_confirmed(folder: Path) -> None:
    crash(folder)
    database = await opened(folder)
    assert await database.read(entries) == 4
    assert await database.read(names) == {"confirmed"}
    await database.close()


async def test_a_wal_that_was_taken_away_is_missed(folder: Path) -> None:
    crash(folder)
    (folder / "hearth.db-wal").rename(folder.parent / "kept")
    assert (await refusal(folder)).code == "wal_missing"
    (folder.parent / "kept").rename(folder / "hearth.db-wal")
    database = await opened(folder)
    assert await database.read(names) == {"confirmed"}
    await database.close()


async def test_a_lost_wal_can_be_accepted_with_a_reason(folder: Path) -> None:
    crash(folder)
    (folder / "hearth.db-wal").unlink()
    assert (await accept(folder, keyslots.open_with(folder, PASSPHRASE), REASON)).code == "wal_missing"
    database = await opened(folder)
    assert await database.read(names) == set()
    await database.close()


async def test_without_its_shm_file_a_store_opens(folder: Path) -> None:
    crash(folder)
    (folder / "hearth.db-shm").unlink()
    await more(folder)


async def test_a_wal_beside_a_store_that_was_closed_is_foreign(folder: Path) -> None:
    crash(folder)
    left = (folder / "hearth.db-wal").read_bytes()
    await more(folder)
    (folder / "hearth.db-wal").write_bytes(left)
    assert (await refusal(folder)).code == "wal_foreign"
    (folder / "hearth.db-wal").unlink()
    await more(folder)


async def test_an_old_store_with_its_old_wal_is_an_old_store(folder: Path, tmp_path: Path) -> None:
    database = await opened(folder)
    await database.write(act)
    shutil.copytree(folder, tmp_path / "old")
    await database.write(act)
    await database.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    fault = await refusal(folder)
    assert (fault.code, fault.about) == ("store_rolled_back", "1")
    await accept(folder, keyslots.open_with(folder, PASSPHRASE), REASON)
    await more(folder)


async def test_the_wal_of_another_store_opens_nothing(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    await (await birth.give_birth(other, PASSPHRASE, CHEAP)).close()
    crash(folder)
    crash(other)
    (other / "hearth.db-wal").replace(folder / "hearth.db-wal")
    assert (await refusal(folder)).code in ("store_foreign", "store_damaged")


async def test_a_torn_wal_says_how_many_entries_are_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "SECONDS", 0.0)
    database = await opened(folder)
    for _ in range(5):
        await database.write(act)
    await until(lambda: seen(folder) == ("open", 8))
    copy = folder.with_name("torn")
    shutil.copytree(folder, copy)
    shutil.copy(witness.witness_path(folder), witness.witness_path(copy))
    await database.close()
    os.truncate(copy / "hearth.db-wal", 32 + 24)
    (copy / "hearth.db-shm").unlink()
    fault = await refusal(copy)
    assert (fault.code, fault.about) == ("store_rolled_back", "5")


# ── a newer version


async def test_a_newer_store_names_the_version_to_start(folder: Path) -> None:
    store = connect_writer(store_path(folder), keyslots.unlock(folder, PASSPHRASE))
    store.execute("UPDATE keeping SET value = '9.9.9' WHERE name = 'program'")
    store.execute("PRAGMA user_version = 9999")
    store.close()
    fault = await refusal(folder)
    assert (fault.code, fault.about) == ("store_newer", "9.9.9")
    assert "9.9.9" in fault.detail


# ── damaged pages


@pytest.fixture
async def damaged(folder: Path) -> Path:
    """One row's pages are damaged, those of "a" and of the audit are not."""
    for name in ("a", "b"):
        pages = store_path(folder).stat().st_size // 4096
        database = await opened(folder)
        await database.write(keep(name, 400_000))
        await database.close()
    spoil(store_path(folder), pages + 50)  # among the hundred that came with "b"
    return folder


def size(name: str) -> Callable[[Transaction], int]:
    def work(tx: Transaction) -> int:
        row = tx.one("SELECT value FROM box_secrets WHERE name = ?", (name,))
        return len(row["value"]) if row else 0

    return work


async def test_a_damaged_page_is_a_fault_and_all_others_are_read_on(damaged: Path) -> None:
    database = await opened(damaged)
    assert database.trouble.code == ""
    for _ in range(4):
        with pytest.raises(Fault, match="store_damaged"):
            await database.read(size("b"))
    assert database.trouble.code == "store_damaged"
    assert await database.read(size("a")) == 400_000
    assert not await database.read(audit.verify)
    await database.close()


async def test_who_writes_beside_one_that_meets_a_damaged_page_is_not_hurt(damaged: Path) -> None:
    database = await opened(damaged)
    results = await asyncio.gather(
        database.write(keep("before")), database.write(size("b")), database.write(keep("after")), return_exceptions=True
    )
    assert [getattr(result, "code", result) for result in results] == [1, "store_damaged", 1]
    assert await database.read(lambda tx: tx.one("SELECT 1 FROM box_secrets WHERE name = 'after'")) is not None
    await database.close()


async def test_the_check_in_the_background_finds_it_before_somebody_does(damaged: Path) -> None:
    database = await opened(damaged)
    assert await checkup.look(database) == 1
    assert database.trouble.code == "store_damaged"
    await database.close()


async def test_the_check_takes_no_write_under_way_for_damage(folder: Path) -> None:
    database = await opened(folder)

    async def write_on() -> None:
        for number in range(40):
            await database.write(keep(f"w{number}", 100_000))

    writing = asyncio.create_task(write_on())
    while not writing.done():
        assert await checkup.look(database) == 0
    await writing
    await database.close()


# ── a full disk (tests/fault/test_bad_disk.py has the rest)


async def test_the_reserve_is_given_to_a_full_disk_and_nobody_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await opened(folder)
    reserve = Reserve.of(folder)
    database.trouble.reserve = reserve
    assert reserve.make()
    real = type(database._writing)._group
    tries: list[int] = []

    def group(writer: object, works: list[Callable[[Transaction], object]]) -> object:
        tries.append(len(works))
        outcomes = real(database._writing, works)
        return [type(o)(error=Fault("disk_full")) for o in outcomes] if reserve.there else outcomes

    monkeypatch.setattr(type(database._writing), "_group", group)
    await database.write(act)
    assert (len(tries), reserve.there, database.trouble.code) == (2, False, "disk_full")
    monkeypatch.undo()
    await database.tend()
    assert reserve.there and database.trouble.code == ""
    await database.close()


async def test_the_store_is_well_again_only_when_the_disk_took_a_change(folder: Path) -> None:
    database = await opened(folder)
    with no_room_in_files_beyond(1):
        with pytest.raises(Fault, match="store_failed"):
            await database.write(act)
        assert database.trouble.code == "store_failed"
        await database.write(lambda tx: None)
        await database.tend()
        assert database.trouble.code == "store_failed"
        assert await database.read(entries) == 3
    await database.tend()
    assert database.trouble.code == ""
    await database.write(act)
    await database.close()


# ── two at once


async def test_a_store_is_open_once_by_whatever_path_one_comes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "store").symlink_to(folder)
    database = await opened(folder)
    before = everything_in(folder)
    for path in (folder, tmp_path / "link", tmp_path / "home" / "store"):
        with pytest.raises(Fault, match="home_in_use"):
            await opened(path)
    assert everything_in(folder) == before
    await database.close()


def test_a_home_is_locked_by_whatever_path_one_comes(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    with HomeLock.take(tmp_path / "home"), pytest.raises(Fault, match="home_in_use"):
        HomeLock.take(tmp_path / "link")


def test_a_second_daemon_touches_nothing(tmp_path: Path) -> None:
    with HomeLock.take(tmp_path):
        before = {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
        done = subprocess.run(
            [sys.executable, "-m", "appliance", "appliance", "--home", str(tmp_path)], capture_output=True, check=False
        )
        assert done.returncode == 1 and b"[home_in_use]" in done.stderr
        assert {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))} == before


# ── a clock that jumps


async def test_a_clock_that_jumps_changes_no_order(folder: Path) -> None:
    database = await opened(folder)
    for at in ("2032-03-04T14:00:00Z", "2021-03-04T14:00:00Z", "1970-01-01T00:00:00Z", "2031-03-04T14:00:00Z"):
        await database.write(act_at(at))
    assert not await database.read(audit.verify)
    assert await database.read(entries) == 7
    await database.close()
    await (await opened(folder)).close()
