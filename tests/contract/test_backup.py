"""What a copy of the box promises: it is what the box held at one moment, it is whole, or it is not there."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.copies import backup, manifest, reading, rows
from appliance.copies.backup import Made, Source
from appliance.copies.copier import Copier
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.policy import BOX, Actor
from appliance.settings import BackupSection
from appliance.store import backup as store_backup
from appliance.store import birth, keyslots
from appliance.store.connection import Connection, connect
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in
from tests.fakes.waiting import until

AT = "2031-03-04T14:05:00Z"
PLANTED = "a phrase that nobody else would write 91b0"
RUTH = Actor("p-ruth", "administrator", "console")


class Opened:
    """A box's open store with a name in it, and a place for copies beside it."""

    def __init__(self, root: Path, db: Database, key: StoreKey) -> None:
        self.home, self.db, self.key = Home(root / "home"), db, key
        self.keeper = Keeper(self.home.store, db, key)
        self.place = root / "stick"
        self.told: list[str] = []

    def source(self) -> Source:
        return Source(self.home, self.db, self.key)

    async def build(self, tell: Callable[[str, int], None] = lambda _step, _percent: None) -> Made:
        box, last = await backup.box_id(self.db), await self.db.read(backup.last_number)
        return await asyncio.to_thread(backup.build, self.source(), self.place, box, last, AT, tell)

    async def copy(self, copier: Copier, actor: Actor = RUTH) -> Path:
        """A copy as somebody at the console makes it."""
        await copier.begin(actor, self.place)
        await copier.finished()
        assert copier.told().fault == ""
        newest = copier.last()
        assert newest is not None
        return self.place / newest.name

    def copier(self, **settings: object) -> Copier:
        chosen = BackupSection(**settings)  # type: ignore[arg-type]
        return Copier(self.home, self.keeper, chosen, lambda: self.told.append("copies"))


async def say(db: Database, number: int) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(
            "INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", (f"p-{number:06}", f"{PLANTED} {number}", AT)
        )

    await db.write(work)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Opened]:
    store = tmp_path / "home" / "store"
    store.parent.mkdir()
    db = await birth.give_birth(store, PASSPHRASE, CHEAP)
    found = Opened(tmp_path, db, keyslots.unlock(store, PASSPHRASE))
    found.place.mkdir()
    await say(db, 0)
    yield found
    await db.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_copy_opens_with_the_key_and_holds_what_the_box_held(box: Opened) -> None:
    made = await box.build()
    assert reading.outside(made.folder) == made.manifest
    key = reading.unlocked(made.folder, lambda folder: keyslots.unlock(folder, PASSPHRASE))
    reading.within(made.folder, made.manifest, key)
    assert reading.outside(made.folder) == made.manifest  # and nothing in it was touched
    assert await rows_of(made.folder / manifest.STORE, box.key) == await box.db.read(all_rows)


async def test_a_copy_made_while_the_box_writes_is_a_prefix_of_what_was_confirmed(box: Opened) -> None:
    confirmed: list[int] = []
    copied = asyncio.Event()

    async def write_on() -> None:
        while not copied.is_set():
            number = len(confirmed) + 1
            await say(box.db, number)
            confirmed.append(number)

    writing = asyncio.create_task(write_on())
    before = len(confirmed)
    made = await box.build()
    copied.set()
    await writing
    people = (await rows_of(made.folder / manifest.STORE, box.key))["people"]
    numbers = sorted(int(str(row[0]).removeprefix("p-")) for row in people)
    assert numbers == list(range(len(numbers)))
    assert before < len(numbers) <= len(confirmed) + 1


async def test_nothing_of_a_copy_can_be_read_without_the_key(box: Opened) -> None:
    (box.home.root / "hearth.toml").write_text(f'[clinic]\nname = "{PLANTED}"\n')
    made = await box.build()
    everything = b"".join(everything_in(box.place).values()) + "".join(everything_in(box.place)).encode()
    assert PLANTED.encode() not in everything
    assert reading.within(made.folder, made.manifest, box.key).files["hearth.toml"].decode().count(PLANTED) == 1


async def test_names_of_a_copy_fit_a_fat_stick_and_name_nobody(box: Opened) -> None:
    made = await box.build()
    for name in (made.folder.name, *names(made.folder)):
        assert len(name) <= 60 and name.isascii() and not set(name) & set('<>:"/\\|?* ') and not name.endswith(".")


async def test_a_copy_is_noted_with_who_made_it(box: Opened) -> None:
    copier = box.copier()
    folder = await box.copy(copier)
    noted = await box.db.read(rows.last)
    assert noted is not None and noted.name == folder.name and noted.place == str(box.place)
    assert await newest_entry(box) == ("p-ruth", "administrator", "back_up")
    assert copier.told().state == "fine" or noted.at  # the state is by the clock; the rules have their own tests
    assert box.told


async def test_only_who_may_back_up_can_begin_a_copy(box: Opened) -> None:
    with pytest.raises(Fault, match="refused"):
        await box.copier().begin(Actor("p", "operator", "console"), box.place)
    assert names(box.place) == []


async def test_one_copy_at_a_time(box: Opened) -> None:
    copier = box.copier()
    await copier.begin(RUTH, box.place)
    with pytest.raises(Fault, match="backup_busy"):
        await copier.begin(RUTH, box.place)
    await copier.finished()
    assert len(names(box.place)) == 1


async def test_of_many_copies_the_newest_stay(box: Opened) -> None:
    copier = box.copier(keep=2)
    made = [await box.copy(copier) for _ in range(4)]
    assert names(box.place) == [folder.name for folder in made[-2:]]
    assert [reading.outside(folder).number for folder in made[-2:]] == [3, 4]


async def test_copies_of_another_box_and_other_files_are_never_removed(box: Opened) -> None:
    others = ("hearth-backup-00000000-000001-20300101", "hearth-backup-00000000-000002-20300101.part", "photos")
    for name in others:
        (box.place / name).mkdir()
    copier = box.copier(keep=1)
    await box.copy(copier)
    newest = await box.copy(copier)
    assert names(box.place) == sorted((*others, newest.name))


async def test_a_number_is_larger_than_that_of_any_copy_in_the_folder(box: Opened) -> None:
    """Also where the store was restored from an older copy and knows less than the stick does."""
    first = await box.build()
    assert first.manifest.number == 1  # nothing was noted in the store
    assert (await box.build()).manifest.number == 2


async def test_what_was_cut_short_is_not_a_copy_and_goes_with_the_next_one(box: Opened) -> None:
    def pulled_out(step: str, percent: int) -> None:
        raise OSError(errno.EIO, "the stick is gone")

    with pytest.raises(Fault, match="backup_failed"):
        await box.build(pulled_out)
    assert names(box.place) == []
    box_id = (await backup.box_id(box.db))[:8]
    (box.place / f"hearth-backup-{box_id}-000009-20310304.part").mkdir()
    assert reading.in_folder(box.place) == []
    made = await box.build()
    assert names(box.place) == [made.folder.name]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "backup_full"), (errno.EROFS, "backup_failed"), (errno.EIO, "backup_failed")]
)
async def test_a_place_that_fails_has_its_own_code_and_nothing_stays(
    box: Opened, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(_path: Path, _content: bytes) -> None:
        raise OSError(number, "made up")

    monkeypatch.setattr(backup, "_write_file", fail)
    copier = box.copier()
    await copier.begin(RUTH, box.place)
    await copier.finished()
    assert copier.told().fault == code and copier.told().step == ""
    assert names(box.place) == []
    assert await box.db.read(rows.last) is None


async def test_a_place_that_fills_up_while_pages_are_copied_is_told_as_full(
    box: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own way of meeting the end of a disk, which its backup tells by a sentence and no name."""

    def small(path: Path, key: StoreKey, options: str) -> Connection:
        found = connect(path, key, options)
        found.execute("PRAGMA max_page_count = 10")
        return found

    monkeypatch.setattr(store_backup, "connect", small)
    with pytest.raises(Fault, match="backup_full"):
        await box.build()
    assert names(box.place) == []


async def test_a_copy_that_does_not_read_back_as_it_was_written_is_not_named(
    box: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick that lies: it takes the bytes and gives others back."""

    def lie(path: Path) -> None:
        if path.name == manifest.STORE:
            content = bytearray(path.read_bytes())
            content[5000] ^= 1
            path.write_bytes(content)

    monkeypatch.setattr(reading, "drop_from_memory", lie)
    with pytest.raises(Fault, match="backup_failed"):
        await box.build()
    assert names(box.place) == []


async def test_a_damaged_page_of_the_box_is_not_copied_as_if_it_were_sound(box: Opened, tmp_path: Path) -> None:
    for number in range(1, 400):
        await say(box.db, number)
    await box.db.close()
    store = box.home.store / "hearth.db"
    content = bytearray(store.read_bytes())
    content[-3000] ^= 1
    store.write_bytes(content)
    box.db = await Database.open(box.home.store, box.key)
    with pytest.raises(Fault, match="store_damaged"):
        await box.build()
    assert names(box.place) == []
    await box.db.close()


async def test_there_is_no_copy_without_a_place(box: Opened, tmp_path: Path) -> None:
    for place, code in (("gone", "backup_no_place"), ("home/store", "bad_request")):
        with pytest.raises(Fault, match=code):
            await box.copier().begin(RUTH, tmp_path / place)
    with pytest.raises(Fault, match="backup_no_place"):
        await box.copier().begin(RUTH, Path("relative"))


async def test_an_automatic_copy_is_made_by_the_box_when_it_is_due(box: Opened) -> None:
    copier = box.copier(folder=str(box.place), every_hours=24)
    await copier.load()
    running = asyncio.create_task(copier.run())
    await until(lambda: copier.last() is not None)
    running.cancel()
    assert await newest_entry(box) == ("", BOX.role, "back_up")
    assert copier.told().automatic and copier.told().same_disk


async def test_a_backup_on_a_stick_does_not_put_off_the_one_in_the_folder(box: Opened, tmp_path: Path) -> None:
    await box.copy(box.copier())
    folder = tmp_path / "folder"
    folder.mkdir()
    copier = box.copier(folder=str(folder), every_hours=24)
    await copier.load()
    running = asyncio.create_task(copier.run())
    await until(lambda: (newest := copier.last()) is not None and newest.place == str(folder))
    running.cancel()
    assert len(names(folder)) == 1


async def test_a_stick_that_is_not_there_is_told_and_tried_again(box: Opened, tmp_path: Path) -> None:
    copier = box.copier(folder=str(tmp_path / "not mounted"), every_hours=24)
    running = asyncio.create_task(copier.run())
    await until(lambda: copier.told().fault == "backup_no_place")
    assert not running.done()
    running.cancel()


async def test_a_box_that_ends_breaks_the_copy_off_and_leaves_none(box: Opened) -> None:
    copier = box.copier()
    await copier.begin(RUTH, box.place)
    await copier.close()
    assert names(box.place) == [] or len(reading.in_folder(box.place)) == 1
    assert not [name for name in names(box.place) if name.endswith(".part")]


async def test_while_a_copy_is_made_key_and_slots_stay_as_they_are(box: Opened) -> None:
    copier = box.copier()
    async with box.keeper.still:
        await copier.begin(RUTH, box.place)
        for _ in range(20):
            await asyncio.sleep(0)
        assert names(box.place) == []
    await copier.finished()
    assert len(names(box.place)) == 1


async def newest_entry(box: Opened) -> tuple[str, str, str]:
    """Of the audit: who, in which role, what."""
    row = await box.db.read(lambda tx: tx.one("SELECT actor, role, action FROM audit ORDER BY sequence DESC LIMIT 1"))
    assert row is not None
    return row["actor"], row["role"], row["action"]


def all_rows(tx: Transaction) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    tables = tx.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {row["name"]: _all(tx, row["name"]) for row in tables}


def _all(tx: Transaction, table: str) -> list[tuple[object, ...]]:
    found: list[Any] = tx.all(f'SELECT * FROM "{table}"')  # noqa: S608
    return [tuple(row) for row in found]


async def rows_of(store: Path, key: StoreKey) -> dict[str, list[tuple[object, ...]]]:
    """The same, of the store in a copy, which is opened beside it so that the copy stays as it is."""
    beside = store.parent.parent / "opened"
    beside.mkdir(exist_ok=True)
    (beside / "hearth.db").write_bytes(store.read_bytes())
    db = await Database.open(beside, key)
    try:
        return await db.read(all_rows)
    finally:
        await db.close()
        shutil.rmtree(beside)
