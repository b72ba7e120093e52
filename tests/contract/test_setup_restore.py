"""A backup brought back in place of a new clinic: from a stick only, on a new box only, whole or not at all."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import psutil
import pytest
import pytest_asyncio

from appliance import settings as chosen
from appliance.control.client import ControlClient
from appliance.control.types import FoundBackups
from appliance.copies import places, restore
from appliance.copies.inside import Inside
from appliance.faults import Fault
from appliance.home import Home
from appliance.setup import answers, bringing_back
from appliance.store import birth
from tests.contract.test_setup import LENA, PASSPHRASE, RUTH, Running, refused
from tests.fakes import new_box
from tests.fakes.old_box import Old, old_box, plugged_in
from tests.fakes.stores import everything_in
from tests.fakes.waiting import until


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def old() -> AsyncIterator[Old]:
    async with old_box() as made:
        yield made


@pytest.fixture
def stick(old: Old, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stick in a socket of the new box, to be spoilt."""
    return plugged_in(old, tmp_path, monkeypatch)


@pytest.fixture
async def new(monkeypatch: pytest.MonkeyPatch, stick: Path) -> AsyncIterator[Running]:
    """A box fresh from its image, with the stick plugged in."""
    monkeypatch.setattr(birth.give_birth, "__defaults__", birth.give_birth.__defaults__)
    monkeypatch.setattr("appliance.identity.passwords._MEMORY_KIB", 64)
    new_box.cheap()
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = Running(Path(folder))
        await made.box.start()
        try:
            yield made
        finally:
            await made.end()


async def newest(console: ControlClient) -> str:
    return (await console.backups_in_set_up()).backups[0].path


def left(home: Home) -> set[str]:
    """What lies in a home that is not there in a new one anyway."""
    usual = {"run", "tls", "spool", "log", "store", ".lock", "hearth.toml", "setup.json"}
    usual |= {"store.witness", "store.reserve", "contacts.json"}  # of any box that is open
    return {path.name for path in home.root.iterdir()} - usual


async def test_the_clinic_is_back_and_its_people_sign_in_as_before(new: Running, old: Old, stick: Path) -> None:
    console = new.console()
    before = everything_in(stick)
    await console.set_place("en", "")
    await console.restore_in_set_up(await newest(console), PASSPHRASE)
    told = (await console.snapshot()).box
    assert (told.state, told.set_up, told.clinic, told.phone, told.language) == (
        "unlocked",
        None,
        "Casa del Río",
        "555 0142",
        "en",
    )
    await console.sign_in("ruth", RUTH.password)
    assert (await console.second_step(old.codes[2])).stage == "full"
    assert (await console.backups()).copies.restored_from
    assert everything_in(stick) == before and not left(new.home)
    assert await refused(new.console().found_clinic(PASSPHRASE, (RUTH, LENA))) == "wrong_state"
    await new.again()
    stranger = new.console()
    assert (await stranger.snapshot()).box.state == "locked"
    assert await refused(stranger.backups_in_set_up()) == "wrong_state"
    await stranger.unlock(PASSPHRASE)


async def test_the_words_of_the_recovery_sheet_bring_it_back_too(new: Running, old: Old) -> None:
    console = new.console()
    await console.restore_in_set_up(await newest(console), old.words)
    assert (await console.snapshot()).box.state == "unlocked"


async def test_what_lies_on_sticks_is_told_newest_first_and_what_cannot_be_read_last(new: Running, stick: Path) -> None:
    console = new.console()
    first, second = sorted(stick.iterdir())
    (stick / "from the old box").mkdir()
    second = second.rename(stick / "from the old box" / second.name)
    third = stick / second.name
    shutil.copytree(first, third)
    (third / "manifest.sig").write_bytes(b"nothing")
    found = await console.backups_in_set_up()
    assert (found.sticks, [one.path for one in found.backups]) == (1, [str(second), str(first), str(third)])
    assert [one.fault for one in found.backups] == ["", "", "backup_damaged"]
    assert found.backups[0].box == found.backups[1].box and found.backups[0].size > 10_000
    shutil.rmtree(stick)
    assert await console.backups_in_set_up() == FoundBackups(sticks=0)


async def test_nothing_but_a_listed_folder_of_a_stick_is_ever_read(new: Running, stick: Path, old: Old) -> None:
    """A program that reaches the socket must not have any path of the machine looked at, and a link leads nowhere."""
    console = new.console()
    copy = Path(await newest(console))
    link = stick / copy.name.replace("-000002-", "-000009-")
    link.symlink_to(old.copy)
    (stick / "deep" / "deeper").mkdir(parents=True)
    deep = Path(shutil.copytree(copy, stick / "deep" / "deeper" / copy.name))
    hostile = [
        old.copy,
        link,
        deep,
        stick,
        stick / "x" / ".." / copy.name,
        Path("/etc"),
        Path(copy.name),
        new.home.root,
    ]
    for one in hostile:
        with pytest.raises(Fault, match="backup_no_place"):
            bringing_back.chosen(str(one), new.home)
    assert await refused(console.restore_in_set_up(str(old.copy), PASSPHRASE)) == "backup_no_place"
    for path in ("", "x" * 5000, "/media/\0"):
        assert await refused(console.restore_in_set_up(path, PASSPHRASE)) == "bad_request"
    assert not birth.present(new.home.store)


async def test_a_wrong_passphrase_changes_nothing_and_is_heard_before_the_backup_is_read(
    new: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = new.console()
    path = await newest(console)
    before = everything_in(new.home.root)
    monkeypatch.setattr(restore, "check", None)
    assert await refused(console.restore_in_set_up(path, "a wrong one here")) == "wrong_passphrase"
    assert everything_in(new.home.root) == before
    assert (await console.snapshot()).box.state == "new"


async def test_guesses_at_a_backup_are_slowed_down(new: Running) -> None:
    console = new.console()
    path = await newest(console)
    codes = [await refused(console.restore_in_set_up(path, f"guess number {n}")) for n in range(6)]
    assert codes == ["wrong_passphrase"] * 5 + ["too_many_tries"]


async def test_a_damaged_backup_leaves_a_new_box_that_goes_on_where_it_was(new: Running, stick: Path) -> None:
    console = new.console()
    await console.set_clinic("Casa Nueva", "")
    path = Path(await newest(console))
    content = bytearray((path / "hearth.db").read_bytes())
    content[len(content) // 2] ^= 4
    (path / "hearth.db").write_bytes(content)
    assert await refused(console.restore_in_set_up(str(path), PASSPHRASE)) == "backup_damaged"
    told = (await console.snapshot()).box
    assert told.set_up is not None
    assert (told.clinic, told.set_up.step, told.set_up.born, told.set_up.restoring) == (
        "Casa Nueva",
        "network",
        False,
        -1,
    )
    assert not left(new.home)


async def test_a_disk_that_gets_full_leaves_nothing_beside_and_set_up_goes_on(
    new: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = new.console()
    await console.set_clinic("Casa Nueva", "")

    def full(*_: object) -> None:
        raise Fault("disk_full")

    monkeypatch.setattr(restore, "_settle", full)
    assert await refused(console.restore_in_set_up(await newest(console), PASSPHRASE)) == "disk_full"
    assert not birth.present(new.home.store) and not (new.home.root / "store.restore").exists()
    await new.again()
    told = (await console.snapshot()).box
    assert told.state == "new" and told.set_up is not None and told.set_up.step == "network"


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_the_power_may_go_before_or_after_the_store_is_there(
    new: Running, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Before: a new box, to be tried again. After: the restored one, locked as any other, and no set-up in it."""
    console = new.console()
    await console.set_clinic("Casa Nueva", "")
    path = await newest(console)

    def cut(*_: object) -> None:
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patch:
        patch.setattr(*((restore, "_settle", cut) if moment == "before" else (answers, "finish", cut)))
        assert await refused(console.restore_in_set_up(path, PASSPHRASE)) == "internal"
    await new.again()
    assert (await console.snapshot()).box.state == ("new" if moment == "before" else "locked")
    if moment == "before":
        await console.restore_in_set_up(path, PASSPHRASE)
    else:
        assert await refused(console.set_clinic("Mine", "")) == "wrong_state"
        await console.unlock(PASSPHRASE)
    assert (await console.snapshot()).box.state == "unlocked"


async def test_while_one_comes_back_nothing_else_is_done_and_all_are_told_how_far_it_is(
    new: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, check = threading.Event(), restore.check

    def slowly(folder: Path, unlock: Callable[[Path], object], tell: Callable[[int], None]) -> restore.Checked:
        tell(50)
        assert go_on.wait(20)
        return check(folder, unlock)  # type: ignore[arg-type]

    monkeypatch.setattr(restore, "check", slowly)
    console, other = new.console(), new.console()
    path = await newest(console)
    first = asyncio.ensure_future(console.restore_in_set_up(path, PASSPHRASE))
    await until(lambda: new.box.guide().restoring == 35)
    told = (await other.snapshot()).box
    assert told.set_up is not None and told.set_up.restoring == 35
    assert await refused(other.restore_in_set_up(path, PASSPHRASE)) == "restore_busy"
    assert await refused(other.set_clinic("Mine", "")) == "restore_busy"
    assert await refused(other.found_clinic(PASSPHRASE, (RUTH, LENA))) == "restore_busy"
    assert await refused(other.join_set_up(PASSPHRASE)) == "restore_busy"
    go_on.set()
    await first
    assert (await other.snapshot()).box.state == "unlocked"


async def test_where_a_clinic_is_made_none_is_brought_back(new: Running) -> None:
    path = await newest(new.console())
    console = await new.to_the_clinic()
    for one in (console, new.console()):
        assert await refused(one.backups_in_set_up()) == "wrong_state"
        assert await refused(one.restore_in_set_up(path, PASSPHRASE)) == "wrong_state"


OLD = """
[clinic]
name = "Casa"
language = "es"
[portal]
port = 9443
[control]
users = ["somebody"]
[sessions]
remind_minutes = 7
"""


@pytest.mark.parametrize("there", ["", '[clinic]\nlanguage = "en"\nname = "Half"\n[portal]\nport = 444\n'])
def test_the_clinics_settings_come_along_and_the_machines_own_stay(tmp_path: Path, there: str) -> None:
    """Another box had other ports, and another user before its screen: with those nobody would get in here."""
    home = Home(tmp_path)
    if there:
        home.settings.write_text(there)
    bringing_back.take_settings(Inside(counts={}, files={"hearth.toml": OLD.encode()}), home)
    now = chosen.load(home.settings)
    assert (now.clinic.name, now.sessions.remind_minutes) == ("Casa", 7)
    assert now.clinic.language == ("en" if there else "es")  # as was chosen at this box, else as it was
    assert now.control == chosen.Settings().control and now.portal.port == (444 if there else 8443)


@pytest.mark.parametrize("content", [b"\xff", b"[clinic]\nunheard = 1\n", b"[[["])
def test_settings_that_no_box_would_start_with_stay_out(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path)
    bringing_back.take_settings(Inside(counts={}, files={"hearth.toml": content}), home)
    assert chosen.load(home.settings) == chosen.Settings()
    assert home.settings.exists()  # else the restoration would lay the other file there


def test_a_stick_full_of_folders_is_looked_at_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing_back, "MOST_ENTRIES", 5)
    monkeypatch.setattr(places, "MOUNTS", (f"{tmp_path}/",))
    monkeypatch.setattr(psutil, "disk_partitions", lambda all=False: [SimpleNamespace(mountpoint=f"{tmp_path}/S")])
    for number in range(9):
        (tmp_path / "S" / f"hearth-backup-1dc69106-{number:06}-20310301").mkdir(parents=True)
    sticks, found = bringing_back.listed(Home(tmp_path))
    assert (sticks, len(found), {one.fault for one in found}) == (1, 5, {"backup_foreign"})
