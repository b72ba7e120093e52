"""Old files of slots put back, a disk that refuses half of a change, a rekey that its caller leaves."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from appliance.copies import backup
from appliance.copies.command import back_up
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.keys import command
from appliance.keys.command import Asked, keys
from appliance.policy import Actor
from appliance.rollback.actions import accept
from appliance.store import birth, keyslots, rekey, slotfile, slotfile1, slotpair, slots, witness
from appliance.store.database import Database
from appliance.store.key import StoreKey
from appliance.store.slotfile import Argon2, Slots
from tests.fakes.stores import CHEAP, PASSPHRASE

RUTH = Actor("p-ruth", "administrator", "console", address="console")
AT = "2031-03-04T14:00:00Z"
SECOND = "the second passphrase"


class PowerCutError(Exception):
    """The box ends here."""


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    folder = tmp_path / "store"
    db = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    made = Keeper(folder, db, db.key, cost=CHEAP)
    await made.reconcile(AT)
    yield made
    await db.close()


async def first(keeper: Keeper) -> str:
    return (await keeper.list(RUTH, AT))[0].slot.id


async def start_anew(keeper: Keeper, secret: str) -> None:
    """As at the next start of the box. Faults of the unlock."""
    opened = await asyncio.to_thread(keyslots.open_with, keeper.store, secret)
    await Keeper(keeper.store, keeper.db, opened.key, opened.number).reconcile(AT, opened.slot)


def kept_files(keeper: Keeper) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in slotpair.copies(keeper.store)]


def put_back(old: list[tuple[Path, bytes]]) -> None:
    for path, content in old:
        path.write_bytes(content)


# ── what was taken back stays taken back


async def test_a_passphrase_that_was_changed_opens_nothing_with_an_old_file(keeper: Keeper) -> None:
    old = kept_files(keeper)
    await keeper.rotate(RUTH, await first(keeper), SECOND, AT)
    put_back(old)
    with pytest.raises(Fault, match="wrong_passphrase"):
        await start_anew(keeper, PASSPHRASE)


async def test_a_change_of_passphrase_that_never_reached_the_file_locks_nobody_out(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between ledger and file: the old passphrase is the only one."""
    identifier = await first(keeper)

    def cut(*_: object) -> None:
        raise PowerCutError

    monkeypatch.setattr(slotpair, "save", cut)
    with pytest.raises(PowerCutError):
        await keeper.rotate(RUTH, identifier, SECOND, AT)
    monkeypatch.undo()
    await start_anew(keeper, PASSPHRASE)
    assert [seen.state for seen in await keeper.list(RUTH, AT)] == ["works"]


async def test_a_removed_passphrase_opens_nothing_with_a_file_of_version_1(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    db = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    try:
        content = version_1(db.key)
        slots_path, spare = slotpair.copies(folder)
        spare.unlink()
        slots_path.write_bytes(content)
        opened = keyslots.open_with(folder, PASSPHRASE)
        keeper = Keeper(folder, db, opened.key, opened.number, CHEAP)
        await keeper.reconcile(AT, opened.slot)
        await keeper.add_passphrase(RUTH, SECOND, "", AT)
        await keeper.remove(RUTH, opened.slot, AT)
        for path in (slots_path, spare):
            path.write_bytes(content)
        with pytest.raises(Fault, match="wrong_passphrase"):
            await start_anew(keeper, PASSPHRASE)
    finally:
        await db.close()


async def test_a_passphrase_that_is_given_again_opens_again(keeper: Keeper) -> None:
    old = await first(keeper)
    await keeper.rotate(RUTH, old, SECOND, AT)
    await keeper.rotate(RUTH, old, PASSPHRASE, AT)
    await start_anew(keeper, PASSPHRASE)


async def test_no_copy_of_the_box_takes_along_a_slot_that_is_not_ours(keeper: Keeper, tmp_path: Path) -> None:
    """Who puts an old file back would find the passphrase that was taken from them opening the next copy."""
    old = kept_files(keeper)
    await keeper.rotate(RUTH, await first(keeper), SECOND, AT)
    await keeper.add_passphrase(RUTH, "the third passphrase", "", AT)
    both = slotpair.load(keeper.store)
    put_back(old)
    planted = slotpair.load(keeper.store)
    assert isinstance(both, Slots) and isinstance(planted, Slots)
    stranger = msgspec.structs.replace(planted.slots[0], id="ab" * 8)
    slotpair.save(keeper.store, msgspec.structs.replace(both, slots=(*both.slots, stranger)))
    place = tmp_path / "stick"
    place.mkdir()
    source = backup.Source(Home(keeper.store.parent), keeper.db, keeper.key)
    made = await asyncio.to_thread(backup.build, source, place, await backup.box_id(keeper.db), 0, AT, lambda *_: None)
    copied = slotfile.parse((made.folder / "slots.json").read_bytes())
    assert isinstance(copied, Slots)
    assert copied.slots == both.slots


async def test_a_removed_slot_accepts_no_rollback(keeper: Keeper) -> None:
    old, removed = kept_files(keeper), await first(keeper)
    await keeper.add_passphrase(RUTH, SECOND, "", AT)
    await keeper.remove(RUTH, removed, AT)
    await keeper.db.close()
    seen = witness.read(keeper.store)
    assert seen is not None
    witness.write(keeper.store, "closed", msgspec.structs.replace(seen.seen, entries=99))
    put_back(old)
    opened = await asyncio.to_thread(keyslots.open_with, keeper.store, PASSPHRASE)
    with pytest.raises(Fault, match="wrong_passphrase"):
        await accept(keeper.store, opened, "because I say so, once more")
    with pytest.raises(Fault, match="store_rolled_back"):
        await Database.open(keeper.store, opened.key)


def test_a_removed_slot_makes_no_copy_at_the_terminal(tmp_path: Path) -> None:
    home, place = tmp_path / "home", tmp_path / "stick"
    home.mkdir()
    place.mkdir()
    (home / "words").write_text(PASSPHRASE + "\n")

    async def remove() -> list[tuple[Path, bytes]]:
        db = await birth.give_birth(home / "store", PASSPHRASE, CHEAP)
        keeper = Keeper(home / "store", db, db.key, cost=CHEAP)
        await keeper.reconcile(AT)
        old, removed = kept_files(keeper), await first(keeper)
        await keeper.add_passphrase(RUTH, SECOND, "", AT)
        await keeper.remove(RUTH, removed, AT)
        await db.close()
        return old

    put_back(asyncio.run(remove()))
    with pytest.raises(Fault, match="wrong_passphrase"):
        back_up(home, place, home / "words", as_json=True)
    assert list(place.iterdir()) == []


def version_1(key: StoreKey) -> bytes:
    kdf = slotfile1.Kdf1(name="argon2id", memory=64, iterations=1, lanes=1, salt=os.urandom(16))
    bare = slotfile1.Slot1(id="ab" * 8, kind="passphrase", kdf=kdf, nonce=os.urandom(12), wrapped=b"")
    seed = slots.seed_of_passphrase(PASSPHRASE, Argon2(memory=64, iterations=1, lanes=1, salt=kdf.salt))
    wrapped = ChaCha20Poly1305(seed).encrypt(bare.nonce, key.raw(), bare.header())
    return slotfile1.serialise(msgspec.structs.replace(bare, wrapped=wrapped))


# ── a disk that refuses in the middle


async def test_a_change_whose_second_copy_is_refused_has_come_about(keeper: Keeper) -> None:
    """The newer copy counts: who was told "it failed" would type the passphrase of before, and open nothing."""
    spare = slotpair.copies(keeper.store)[1].parent
    shutil.rmtree(spare)
    spare.write_bytes(b"a file where the folder was")
    await keeper.rotate(RUTH, await first(keeper), SECOND, AT)
    await start_anew(keeper, SECOND)
    spare.unlink()
    assert slotpair.mend(keeper.store)


async def test_a_file_at_the_limit_of_its_generations_keeps_nobody_from_changing_slots(keeper: Keeper) -> None:
    found = slotpair.load(keeper.store)
    assert isinstance(found, Slots)
    content = slotfile.serialise(msgspec.structs.replace(found, generation=slotfile.MAX_NUMBER, checksum=""))
    put_back([(path, content) for path in slotpair.copies(keeper.store)])
    await keeper.rotate(RUTH, await first(keeper), SECOND, AT)
    await start_anew(keeper, SECOND)


async def test_a_damaged_copy_on_a_full_disk_keeps_no_box_locked(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    slotpair.copies(keeper.store)[1].write_bytes(b"damaged")
    monkeypatch.setattr(slotpair, "write_atomically", refuse)
    await start_anew(keeper, PASSPHRASE)
    assert [seen.state for seen in await keeper.list(RUTH, AT)] == ["works"]


async def test_a_removed_slot_in_the_file_of_a_full_disk_keeps_no_box_locked(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = await keeper.add_passphrase(RUTH, SECOND, "", AT)
    old = kept_files(keeper)
    await keeper.remove(RUTH, added, AT)
    put_back(old)
    monkeypatch.setattr(slotpair, "write_atomically", refuse)
    await start_anew(keeper, PASSPHRASE)
    with pytest.raises(Fault, match="wrong_passphrase"):
        await start_anew(keeper, SECOND)


def refuse(*_: object, **__: object) -> None:
    raise Fault("disk_full", "ENOSPC")


# ── a rekey that its caller leaves


async def test_after_a_rekey_whose_caller_went_away_new_slots_hold_the_new_key(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()
    loop, change = asyncio.get_running_loop(), rekey.change

    def slow(*given: object) -> None:
        loop.call_soon_threadsafe(began.set)
        change(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rekey, "change", slow)
    asking = asyncio.ensure_future(keeper.rekey(RUTH, AT))
    await began.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    added = await keeper.add_passphrase(RUTH, SECOND, "", AT)
    assert keeper.key == keeper.db.key
    opened = await asyncio.to_thread(keyslots.open_with, keeper.store, SECOND)
    assert (opened.key, opened.slot) == (keeper.db.key, added)


# ── root at the terminal, on the box of another user


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_does_at_the_terminal_leaves_every_file_to_the_boxs_own_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hearth keys add machine` is run by root; a slot file that the box cannot read would keep it locked."""
    home, place = tmp_path / "home", tmp_path / "stick"
    for folder in (home, place):
        folder.mkdir()
    os.chown(home, 1234, 1234)
    (home / "words").write_text(PASSPHRASE + "\n")
    os.chown(home / "words", 1234, 1234)
    Home(home).make()
    asyncio.run(born(home / "store"))
    asked = Asked("rotate", which="", passphrase_file=home / "words", yes=True)
    monkeypatch.setattr(command, "new_passphrase", lambda: SECOND)
    shutil.rmtree(home / "store" / "spare")
    assert keys(home, replace(asked, which=only_slot(home))) == 0
    assert {(path.name, path.stat().st_uid, path.stat().st_gid) for path in home.rglob("*")} == {
        (path.name, 1234, 1234) for path in home.rglob("*")
    }


async def born(folder: Path) -> None:
    await (await birth.give_birth(folder, PASSPHRASE, CHEAP)).close()


def only_slot(home: Path) -> str:
    found = slotpair.load(home / "store")
    assert isinstance(found, Slots)
    return found.slots[0].id
