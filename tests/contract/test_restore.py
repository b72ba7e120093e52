"""What a restoration promises: every row is back, nothing of a damaged copy is, and nobody is signed in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from appliance.copies import manifest, reading, restore, rows
from appliance.faults import Fault
from appliance.home import Home
from appliance.outbox import signing
from appliance.store import birth, keyslots, witness
from appliance.store.database import Database
from appliance.store.key import StoreKey
from appliance.timekeeping import rows as time_rows
from appliance.timekeeping.rules import Kept
from tests.contract.test_backup import RUTH, Opened, all_rows, say
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in

AT = "2031-03-05T09:00:00Z"
SETTINGS = '[clinic]\nname = "Riverbend House"\n'
# What a restoration itself writes, and what it ends.
WRITTEN = {"audit", "audit_head", "audit_nodes", "restorations", "sqlite_sequence", "keeping"}
ENDED = {"logins", "half_logins", "known_devices", "visits"}


def with_passphrase(folder: Path) -> StoreKey:
    return keyslots.unlock(folder, PASSPHRASE)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Opened]:
    store = tmp_path / "home" / "store"
    store.parent.mkdir()
    db = await birth.give_birth(store, PASSPHRASE, CHEAP)
    found = Opened(tmp_path, db, keyslots.unlock(store, PASSPHRASE))
    found.place.mkdir()
    (found.home.root / "hearth.toml").write_text(SETTINGS)
    for number in range(5):
        await say(db, number)
    await db.write(
        lambda tx: tx.execute(
            "INSERT INTO logins (token_hash, person, surface, csrf, created_at, expires_at)"
            " VALUES (x'01', 'p-000001', 'console', '', '', 99999999999)"
        )
    )
    yield found
    await db.close()


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    home = Home(tmp_path / "new")
    home.make()
    return home


async def bring_back(folder: Path, home: Home, unlock: Callable[[Path], StoreKey] = with_passphrase) -> restore.Checked:
    checked = await asyncio.to_thread(restore.check, folder, unlock)
    await restore.restore(checked, home, AT)
    return checked


async def opened_rows(home: Home) -> dict[str, list[tuple[object, ...]]]:
    db = await Database.open(home.store, with_passphrase(home.store))
    try:
        return await db.read(all_rows)
    finally:
        await db.close()


async def test_every_row_of_every_table_is_back_on_an_empty_box(box: Opened, empty: Home) -> None:
    made = await box.build()
    before = await box.db.read(all_rows)
    await bring_back(made.folder, empty)
    after = await opened_rows(empty)
    assert set(after) == set(before)
    for table in set(before) - WRITTEN - ENDED:
        assert after[table] == before[table], table
    assert after["audit"][: len(before["audit"])] == before["audit"]
    assert (empty.root / "hearth.toml").read_text() == SETTINGS


async def test_the_words_of_the_recovery_sheet_bring_every_row_back_on_a_new_box(box: Opened, empty: Home) -> None:
    """Whoever knew the passphrase is gone; the sheet in the safe is not, and it need not have been tried before."""
    await box.keeper.reconcile(AT)
    sheet = await box.keeper.add_sheet(RUTH, "es", "in the safe", AT)
    words = "  ".join(sheet.words).upper()  # as somebody types them
    made = await box.build()
    before = await box.db.read(all_rows)
    await bring_back(made.folder, empty, lambda folder: keyslots.unlock(folder, words))
    db = await Database.open(empty.store, keyslots.unlock(empty.store, words))
    after = await db.read(all_rows)
    await db.close()
    assert {table: after[table] for table in set(before) - WRITTEN - ENDED} == {
        table: before[table] for table in set(before) - WRITTEN - ENDED
    }
    assert sum(len(found) for found in before.values()) > 10


async def test_after_it_nobody_is_signed_in_and_the_box_knows_that_it_was_restored(box: Opened, empty: Home) -> None:
    made = await box.build()
    await bring_back(made.folder, empty)
    after = await opened_rows(empty)
    assert all(after[table] == [] for table in ENDED)
    db = await Database.open(empty.store, box.key)
    untold, last = await db.read(lambda tx: (rows.untold(tx), tx.one("SELECT * FROM audit ORDER BY sequence DESC")))
    await db.write(lambda tx: rows.told(tx, AT))
    assert await db.read(rows.untold) is None
    await db.close()
    assert untold == rows.Restoration(at=AT, name=made.folder.name, copied_at=made.manifest.at)
    assert last is not None and (last["action"], last["role"]) == ("restore", "box")


@pytest.mark.parametrize(("correction", "doubt"), [(40 * 24 * 3600, True), (0, False)])
async def test_what_was_wrong_with_the_old_machines_clock_says_nothing_of_the_new_one(
    box: Opened, empty: Home, correction: int, doubt: bool
) -> None:
    """A box that is right would else go by a time that is forty days ahead, and nobody would be asked."""
    await box.db.write(lambda tx: time_rows.note(tx, Kept(correction, 1_900_000_000, 7, "that start", False)))
    made = await box.build()
    await bring_back(made.folder, empty)
    db = await Database.open(empty.store, with_passphrase(empty.store))
    kept = await db.read(time_rows.kept)
    await db.close()
    assert kept == Kept(0, 1_900_000_000, 7, "", doubt)


async def test_the_copy_itself_is_not_touched(box: Opened, empty: Home) -> None:
    made = await box.build()
    before = everything_in(made.folder)
    await bring_back(made.folder, empty)
    assert everything_in(made.folder) == before


async def test_a_home_with_a_store_is_refused_and_left_as_it_is(box: Opened) -> None:
    made = await box.build()
    checked = await asyncio.to_thread(restore.check, made.folder, with_passphrase)
    await box.db.close()
    before = everything_in(box.home.root)
    with pytest.raises(Fault, match="store_exists"):
        await restore.restore(checked, box.home, AT)
    assert everything_in(box.home.root) == before


async def test_settings_that_are_there_already_stay(box: Opened, empty: Home) -> None:
    made = await box.build()
    empty.settings.write_text("# of the new box\n")
    await bring_back(made.folder, empty)
    assert empty.settings.read_text() == "# of the new box\n"


async def test_an_older_copy_may_take_the_place_of_a_store_that_was_lost(box: Opened) -> None:
    """What its witness saw is forgotten: somebody with the passphrase decided so, and the audit says it."""
    made = await box.build()
    await say(box.db, 77)
    await box.db.close()
    assert witness.read(box.home.store) is not None
    for path in sorted(box.home.store.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    await bring_back(made.folder, box.home)
    assert len((await opened_rows(box.home))["people"]) == 5


async def test_a_restored_box_goes_on_with_larger_numbers(box: Opened, empty: Home) -> None:
    first, second = await box.build(), await box.build()
    await bring_back(first.folder, empty)
    db = await Database.open(empty.store, box.key)
    again = Opened(empty.root.parent, db, box.key)
    again.home = empty
    assert (await again.build()).manifest.number == second.manifest.number + 1
    await db.close()


@pytest.mark.parametrize(
    "name", ["hearth.db", "slots.json", "inside.sealed", "manifest.json", "manifest.sig", "READ-ME.txt"]
)
async def test_a_flipped_bit_in_any_file_is_found_and_the_file_is_named(box: Opened, empty: Home, name: str) -> None:
    made = await box.build()
    path = made.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(Fault, match="backup_damaged") as caught:
        await bring_back(made.folder, empty)
    assert caught.value.detail in (name, "manifest.sig" if name == "manifest.json" else name)
    assert not birth.present(empty.store)


@pytest.mark.parametrize("name", ["hearth.db", "slots.json", "inside.sealed", "manifest.sig"])
async def test_a_missing_or_shortened_file_is_named(box: Opened, empty: Home, name: str) -> None:
    made = await box.build()
    path = made.folder / name
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        with pytest.raises(Fault, match="backup_damaged") as caught:
            await bring_back(made.folder, empty)
        assert caught.value.detail == name
        path.unlink(missing_ok=True)


async def test_a_copy_is_made_of_files_and_of_nothing_else(box: Opened, empty: Home) -> None:
    """A pipe on a stranger's stick would be waited for, and a device read, without end."""
    folder = (await box.build()).folder
    for name in ("hearth.db", "slots.json", "inside.sealed", "manifest.json", "manifest.sig"):
        original = (folder / name).rename(folder.parent / name)
        for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(original)):  # noqa: B023
            make(folder / name)
            with pytest.raises(Fault, match=r"backup_(damaged|foreign)"):
                await asyncio.wait_for(asyncio.to_thread(restore.check, folder, with_passphrase), 10.0)
            (folder / name).unlink()
        original.rename(folder / name)
    assert not birth.present(empty.store)


async def test_what_is_no_copy_is_told_apart(box: Opened, empty: Home, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for folder in (tmp_path / "photos", tmp_path / "nowhere"):
        with pytest.raises(Fault, match="backup_foreign"):
            await bring_back(folder, empty)


async def test_a_wrong_passphrase_opens_no_copy(box: Opened, empty: Home) -> None:
    made = await box.build()
    with pytest.raises(Fault, match="wrong_passphrase"):
        await bring_back(made.folder, empty, lambda folder: keyslots.unlock(folder, "another passphrase"))
    assert not birth.present(empty.store)


def signed_anew(box_key: signing.Identity, folder: Path, **changes: object) -> None:
    """The manifest with other words in it, as a program of ours would sign it."""
    found = manifest.parse((folder / manifest.MANIFEST).read_bytes())
    content = manifest.serialise(msgspec.structs.replace(found, **changes))
    (folder / manifest.MANIFEST).write_bytes(content)
    (folder / manifest.SIGNATURE).write_bytes(box_key.signing_key.sign(manifest.LABEL, content))


async def test_a_copy_of_a_newer_program_is_refused(box: Opened, empty: Home) -> None:
    made = await box.build()
    who = await box.db.read(signing.box)
    signed_anew(who, made.folder, schema=made.manifest.schema + 1)
    with pytest.raises(Fault, match="store_newer"):
        await bring_back(made.folder, empty)
    (made.folder / manifest.MANIFEST).write_bytes(b'{"format": 2, "unheard of": 1}')
    with pytest.raises(Fault, match="store_newer"):
        await bring_back(made.folder, empty)


@pytest.mark.parametrize("changes", [{"entries": 10_000}, {"root": "11" * 32}, {"box": "00" * 16}, {"schema": 3}])
async def test_a_manifest_that_says_something_else_than_the_store_is_refused(
    box: Opened, empty: Home, changes: dict[str, object]
) -> None:
    made = await box.build()
    signed_anew(await box.db.read(signing.box), made.folder, **changes)
    with pytest.raises(Fault, match="backup_damaged"):
        await bring_back(made.folder, empty)


async def test_a_manifest_signed_by_somebody_else_is_refused(box: Opened, empty: Home, tmp_path: Path) -> None:
    """A store put together with another manifest: it carries its own key, but the store's box is another one."""
    made = await box.build()
    other = await birth.give_birth(tmp_path / "other", PASSPHRASE, CHEAP)
    who = await other.write(signing.box)
    await other.close()
    signed_anew(who, made.folder, public=who.signing_key.public.hex())
    reading.outside(made.folder)  # from its outside nothing is wrong with it
    with pytest.raises(Fault, match="backup_damaged"):
        await bring_back(made.folder, empty)


async def test_a_copy_is_found_in_its_folder_with_those_that_cannot_be_read(box: Opened) -> None:
    first, second = await box.build(), await box.build()
    (first.folder / manifest.MANIFEST).unlink()
    assert reading.in_folder(box.place) == [(first.folder, None), (second.folder, second.manifest)]
