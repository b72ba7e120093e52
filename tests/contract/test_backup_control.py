"""Backups over the control socket and from the command line: who may, what is answered, what is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import __main__ as hearth
from appliance import terminal
from appliance.control.client import ControlClient, ControlFault
from appliance.control.feed import Feed
from appliance.copies import command, places, reading
from appliance.home import Home
from appliance.store import birth, keyslots
from appliance.store.database import Database
from tests.fakes.box import PASSPHRASE, PASSWORD, OpenBox
from tests.fakes.control import listening
from tests.fakes.stores import CHEAP

Listening = tuple[OpenBox, Feed, Path]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Listening]:
    async with listening(tmp_path) as found:
        yield found


@pytest.fixture
async def client(served: Listening) -> AsyncIterator[ControlClient]:
    made = ControlClient(served[2])
    yield made
    await made.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


async def test_an_administrator_makes_a_backup_and_everybody_is_told_how_it_is(
    served: Listening, client: ControlClient, stick: Path
) -> None:
    assert (await client.snapshot()).copies.state == "unknown"
    await client.unlock(PASSPHRASE)
    assert (await client.snapshot()).copies.state == "none"
    await client.sign_in("ruth", PASSWORD)
    before = await client.snapshot()
    await client.back_up(str(stick))
    steps = []
    async for entry in client.feed(before.sequence):
        if entry is not None and entry.copies is not None:
            steps.append(entry.copies)
            if not entry.copies.step:
                break
    seen = {told.step for told in steps}  # an entry tells how it is when it is sent: a step may be over by then
    assert seen & {"copying", "checking"}
    assert seen <= {"copying", "checking", ""}
    assert (steps[-1].state, steps[-1].fault) == ("fine", "")
    told = await client.backups()
    assert told.last_place == str(stick)
    assert reading.outside(stick / told.last_name).size() == told.last_size
    await client.sign_out()
    assert (await client.snapshot()).copies.last_at == steps[-1].last_at


@pytest.mark.parametrize("username", ["jonas", "mara"])
async def test_others_see_no_path_and_make_none_and_their_try_is_in_the_audit(
    served: Listening, client: ControlClient, stick: Path, username: str
) -> None:
    await client.unlock(PASSPHRASE)
    await client.sign_in(username, PASSWORD)
    for call in (client.backups(), client.back_up(str(stick)), client.restoration_seen()):
        with pytest.raises(ControlFault, match="refused"):
            await call
    assert list(stick.iterdir()) == []
    rows = await served[0].clinic.db.read(lambda tx: tx.all("SELECT outcome FROM audit WHERE action = 'back_up'"))
    assert {row["outcome"] for row in rows} == {"refused"}


async def test_a_locked_box_makes_none(client: ControlClient, stick: Path) -> None:
    with pytest.raises(ControlFault, match="box_locked"):
        await client.backups()
    with pytest.raises(ControlFault, match="box_locked"):
        await client.back_up(str(stick))


@pytest.mark.parametrize(
    ("to", "code"),
    [("", "bad_request"), ("a\0b", "bad_request"), ("x" * 5000, "bad_request"), ("stick", "backup_no_place")],
)
async def test_what_is_no_folder_is_refused(client: ControlClient, to: str, code: str) -> None:
    await client.unlock(PASSPHRASE)
    await client.sign_in("ruth", PASSWORD)
    with pytest.raises(ControlFault, match=code):
        await client.back_up(to)


async def test_the_command_asks_the_running_box(
    served: Listening, stick: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box = ControlClient(served[2])
    await box.unlock(PASSPHRASE)
    await box.close()
    given = iter(["ruth", "wrong", "ruth", PASSWORD])

    async def sign_in(client: ControlClient) -> None:
        while True:
            try:
                await client.sign_in(next(given), next(given))
                return
            except ControlFault as fault:
                assert fault.code == "wrong_sign_in"

    monkeypatch.setattr(terminal, "sign_in", sign_in)
    monkeypatch.setattr(Home, "control_socket", property(lambda self: served[2]))
    name = await command._at_the_running_box(Home(tmp_path), stick)
    assert reading.outside(stick / name).number == 1


def home_with_a_store(root: Path) -> Home:
    home = Home(root)
    home.make()

    async def make() -> None:
        await (await birth.give_birth(home.store, PASSPHRASE, CHEAP)).close()

    asyncio.run(make())
    return home


def run(*words: str | Path) -> int:
    return hearth.main([str(word) for word in words])


def test_without_a_running_box_the_passphrase_makes_one_and_brings_it_back(
    tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, passphrase = home_with_a_store(tmp_path / "home"), tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    secret = ("--passphrase-file", passphrase)
    assert run("backup", "--home", home.root, "--to", stick, "--json", *secret) == 0
    made = json.loads(capsys.readouterr().out)
    assert run("backup", "--list", stick, "--json") == 0
    assert [one["number"] for one in json.loads(capsys.readouterr().out)] == [made["number"]] == [1]
    assert run("backup", "--verify", made["folder"], *secret) == 0
    assert "Every page was opened" in capsys.readouterr().out
    assert run("restore", made["folder"], "--home", tmp_path / "new", *secret) == 0
    assert "must be only one" in capsys.readouterr().out
    assert run("restore", made["folder"], "--home", tmp_path / "new", *secret) == 2

    async def opens() -> None:
        folder = tmp_path / "new" / "store"
        await (await Database.open(folder, keyslots.unlock(folder, PASSPHRASE))).close()

    asyncio.run(opens())


def test_what_cannot_be_done_says_so_in_one_sentence(
    tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("another passphrase\n")
    home = home_with_a_store(tmp_path / "home")
    for words, code in (
        (("backup", "--home", tmp_path / "nothing", "--to", stick), "store_missing"),
        (("backup", "--home", home.root, "--to", stick, "--passphrase-file", passphrase), "wrong_passphrase"),
        (("backup", "--verify", stick), "backup_foreign"),
        (("backup", "--list", tmp_path / "nowhere"), "backup_no_place"),
        (("restore", stick, "--home", tmp_path / "new"), "backup_foreign"),
    ):
        assert run(*words) != 0
        assert f"[{code}]" in capsys.readouterr().err
    assert run("backup", "--list", stick) == 1
    assert list(stick.iterdir()) == []


def test_who_names_the_stick_is_told_which_backups_are_on_it(
    tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    home = home_with_a_store(tmp_path / "home")
    assert run("backup", "--home", home.root, "--to", stick, "--passphrase-file", passphrase) == 0
    assert run("restore", stick, "--home", tmp_path / "new") == 2
    assert f"hearth restore {stick}/hearth-backup-" in capsys.readouterr().err


class Disk:
    def __init__(self, mountpoint: str) -> None:
        self.mountpoint = mountpoint


def test_sticks_that_are_mounted_are_offered_after_the_folder_of_the_settings(tmp_path: Path) -> None:
    mounted = [Disk("/"), Disk("/boot"), Disk("/media/clinic/BLUE"), Disk("/mnt/usb"), Disk("/mediation")]
    found = places.found(str(tmp_path), tmp_path, mounted)
    assert [(one.path, one.kind) for one in found] == [
        (str(tmp_path), "folder"),
        ("/media/clinic/BLUE", "stick"),
        ("/mnt/usb", "stick"),
    ]
    assert found[0].same_disk and found[0].fault == "" and found[0].free > 0
    assert found[1].fault == "backup_no_place"  # it is not really there
