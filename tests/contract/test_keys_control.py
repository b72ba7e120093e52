"""The keys over the real control socket, with the one typed client; and what the machine keeps by systemd-creds."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from appliance import sealing
from appliance.assemble import Appliance
from appliance.control.client import ControlClient, ControlFault
from appliance.errands import Told, Word
from appliance.faults import Fault
from appliance.home import Home
from appliance.keeping import Keeper
from appliance.machine.slot import OwnSlot
from appliance.policy import BOX
from appliance.settings import PortalSection, Settings
from appliance.store import birth, keyslots, machine, slotpair
from appliance.store.slotfile import Slots
from appliance.store.slotfile1 import Slot1
from appliance.store.slots import Numbered, of_public, public_of
from sync import suite
from sync.hq import slot as hq_slot
from tests.fakes import control
from tests.fakes.box import PASSPHRASE, PASSWORD
from tests.fakes.control import listening
from tests.fakes.steward import Obedient
from tests.fakes.stores import CHEAP

AT = "2031-03-04T14:00:00Z"
LATER = "2031-03-05T14:00:00Z"
SECOND = "the second passphrase"

# Seals by turning the bytes round: enough to see what goes in and comes out, and that a refusal is one.
FAKE_CREDS = """#!/bin/sh
case "$1" in
  encrypt|decrypt) [ "$2" = "--name=hearth-slot" ] && exec {python} -c \
    'import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])';;
  has-tpm2) exit {tpm};;
esac
exit 1
"""


@pytest.fixture
async def path() -> AsyncIterator[Path]:
    with TemporaryDirectory(prefix="hearth-") as folder:  # a Unix socket's path has at most 107 bytes
        async with listening(Path(folder)) as (_, _, socket):
            yield socket


async def signed_in(path: Path, username: str) -> ControlClient:
    client = ControlClient(path)
    await client.unlock(PASSPHRASE)
    await client.sign_in(username, PASSWORD)
    return client


async def test_an_administrator_does_everything_with_keys_by_the_client(path: Path) -> None:
    client = await signed_in(path, "ruth")
    (old,) = (await client.keys()).slots
    new = await client.add_passphrase(SECOND, "night")
    sheet = await client.add_sheet("es", "safe")
    with pytest.raises(ControlFault, match="wrong_sheet"):
        await client.try_key(sheet.id, "no such words")
    await client.try_key(sheet.id, sheet.code)
    await client.rotate_key(new, "a third passphrase")
    await client.remove_key(old.id)
    await client.add_machine(suite.RecordKey(os.urandom(32)).public)
    assert await client.rekey() > 0
    found = await client.keys()
    assert [(slot.kind, slot.state, slot.label) for slot in found.slots] == [
        ("passphrase", "works", "night"),
        ("sheet", "works", "safe"),
        ("machine", "untried", ""),  # until a start opened the box with it
    ]
    assert 0 < found.rekey_seconds < found.rekey_seconds_slow
    with pytest.raises(ControlFault, match="not_enrolled"):
        await client.add_hq("")
    assert keyslots.unlock(path.parent / "store", sheet.code)
    await client.close()


async def test_hq_gets_a_slot_only_for_the_key_whose_code_was_compared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever exchanges hq.json in the spool, also between question and answer, is given no way in."""
    theirs, strangers = suite.RecordKey(os.urandom(32)).public, suite.RecordKey(os.urandom(32)).public
    client = await signed_in(path, "ruth")
    monkeypatch.setattr(control.Box, "headquarters", lambda _: theirs)
    code = (await client.keys()).hq_code
    assert code == hq_slot.key_code(theirs) != hq_slot.key_code(strangers)
    monkeypatch.setattr(control.Box, "headquarters", lambda _: strangers)
    with pytest.raises(ControlFault, match="wrong_state"):
        await client.add_hq(code)
    monkeypatch.setattr(control.Box, "headquarters", lambda _: theirs)
    await client.add_hq(code)
    assert [slot.kind for slot in (await client.keys()).slots] == ["passphrase", "hq"]
    await client.close()


@pytest.mark.parametrize("username", ["mara", "jonas"])
async def test_nobody_else_touches_them(path: Path, username: str) -> None:
    client = await signed_in(path, username)
    before = slotpair.load(path.parent / "store")
    for asking in (
        client.keys(),
        client.add_passphrase(SECOND),
        client.add_sheet("en"),
        client.add_hq(""),
        client.rekey(),
    ):
        with pytest.raises(ControlFault, match="refused"):
            await asking
    assert slotpair.load(path.parent / "store") == before
    await client.close()


async def test_a_sheets_words_are_kept_for_no_retry(path: Path) -> None:
    client = await signed_in(path, "ruth")
    first, second = await client.add_sheet("en"), await client.add_sheet("en")
    assert first.words != second.words
    await client.close()


# ── what the machine keeps


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, tpm: bool) -> None:
    """A systemd-creds of ours on the path, and no credential from a unit."""

    program = folder / "bin" / "systemd-creds"
    program.parent.mkdir(exist_ok=True)
    program.write_text(FAKE_CREDS.format(python=sys.executable, tpm=0 if tpm else 1))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def test_the_machine_gives_back_the_seed_whose_public_half_it_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, tpm=False)
    public = machine.make(tmp_path / "machine.cred")
    seed = machine.seed(tmp_path)
    assert seed is not None
    assert suite.RecordKey(seed).public == public
    assert seed not in (tmp_path / "machine.cred").read_bytes()
    assert (tmp_path / "machine.cred").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("tpm", [True, False])
def test_whether_a_slot_stands_up_to_theft_is_asked_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tpm: bool
) -> None:
    install(tmp_path, monkeypatch, tpm=tpm)
    assert machine.guarded() is tpm


def test_a_machine_without_systemd_creds_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(Fault, match="machine_refused"):
        machine.make(tmp_path / "machine.cred")
    assert (machine.seed(tmp_path), machine.guarded()) == (None, False)


@pytest.mark.parametrize("by", ["unit", "file", "stranger"])
async def test_a_box_opens_by_itself_with_its_own_machines_key_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with TemporaryDirectory(prefix="hearth-") as folder:
        home = Home(Path(folder))
        home.make()
        db = await birth.give_birth(home.store, PASSPHRASE, CHEAP)
        await db.close()
        install(tmp_path, monkeypatch, tpm=False)
        public = machine.make(home.store / "machine.cred")
        file = slotpair.load(home.store)
        assert not isinstance(file, Slot1)
        slot = of_public("machine", public, "", AT, (Numbered(1, db.key),))
        slotpair.save(home.store, Slots(generation=1, slots=(*file.slots, slot)))
        if by == "unit":
            seed = machine.seed(home.store)
            assert seed is not None
            (tmp_path / sealing.NAME).write_bytes(seed)
            (home.store / "machine.cred").unlink()
            monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        elif by == "stranger":
            machine.make(home.store / "machine.cred")
        settings = Settings(portal=PortalSection(host="127.0.0.1", port=0, announce=False))
        box = Appliance(home, settings, feed_start=0)
        await box.start()
        try:
            assert await box.unlock_by_machine() is (by != "stranger")
            assert box.is_unlocked() is (by != "stranger")
        finally:
            await box.close()


# ── what the machine keeps by its steward


class Steward(Obedient):
    """One that keeps the secret as the real one does: asked for a TPM that is not there it refuses."""

    def __init__(self, *, tpm: bool = False) -> None:
        super().__init__()
        self.tpm, self.kept = tpm, b""

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        assert word == "credential"
        told = await super().ask(word, what, seconds)
        if what == {"do": "forget"}:
            self.kept = b""
        elif what["tpm"] and not self.tpm:
            raise Fault("machine_refused")
        else:
            self.kept = base64.b64decode(what["secret"])
        return told


@pytest.fixture
def steward(monkeypatch: pytest.MonkeyPatch) -> Steward:
    made = Steward()
    monkeypatch.setattr(control, "Obedient", lambda: made)
    monkeypatch.setattr(machine, "guarded", lambda: made.tpm)
    return made


def kind_of(path: Path, kind: str) -> list[bytes]:
    file = slotpair.load(path.parent / "store")
    assert isinstance(file, Slots)
    return [slot.public for slot in file.slots if slot.kind == kind]


async def test_an_administrator_has_the_machine_keep_a_secret_and_removing_the_slot_has_it_forgotten(
    steward: Steward, path: Path
) -> None:
    client = await signed_in(path, "ruth")
    assert (await client.keys()).machine_keeps == "on_disk"
    old = await client.add_own(tpm=False)
    new = await client.add_own(tpm=False)  # takes the place of the old one
    assert old != new and len(steward.kept) == machine.SEED
    assert public_of(steward.kept) in kind_of(path, "machine")
    found = [slot for slot in (await client.keys()).slots if slot.kind == "machine"]
    assert [(slot.id, slot.state, slot.tried_at) for slot in found] == [(new, "untried", "")]
    opened = keyslots.open_with_seed(path.parent / "store", "machine", steward.kept)
    assert opened is not None and opened.slot == new
    await client.remove_key(new)
    assert steward.kept == b"" and kind_of(path, "machine") == []
    await client.close()


async def test_nobody_but_an_administrator_has_a_machine_keep_anything(steward: Steward, path: Path) -> None:
    for username in ("mara", "jonas"):
        client = await signed_in(path, username)
        with pytest.raises(ControlFault, match="refused"):
            await client.add_own(tpm=False)
        await client.close()
    assert steward.asked == []


async def test_who_was_told_of_a_tpm_gets_no_slot_without_one(steward: Steward, path: Path) -> None:
    client = await signed_in(path, "ruth")
    with pytest.raises(ControlFault, match="machine_refused"):
        await client.add_own(tpm=True)
    assert steward.kept == b"" and kind_of(path, "machine") == []
    await client.close()


async def test_a_secret_whose_slot_does_not_come_about_is_forgotten(
    steward: Steward, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await signed_in(path, "ruth")

    async def full(*_: object) -> str:
        raise Fault("too_many_slots")

    monkeypatch.setattr(Keeper, "add_public", full)
    with pytest.raises(ControlFault, match="too_many_slots"):
        await client.add_own(tpm=False)
    assert steward.kept == b"" and [what["do"] for _, what in steward.asked] == ["seal", "forget"]
    await client.close()


async def test_a_slot_counts_as_tried_from_the_start_on_that_it_opened(tmp_path: Path) -> None:
    """And what a power cut left without a slot is forgotten after the next unlocking."""
    (tmp_path / "store").mkdir()
    db = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    keeper = Keeper(tmp_path / "store", db, db.key, cost=CHEAP)
    own = OwnSlot(Steward())
    await keeper.reconcile(AT)
    slot = await own.add(keeper, BOX, AT, tpm=False)

    async def states() -> list[tuple[str, str]]:
        return [(one.state, one.tried_at) for one in await keeper.list(BOX, AT) if one.slot.id == slot]

    assert await states() == [("untried", "")]
    await keeper.reconcile(LATER, slot)
    await keeper.reconcile("2031-03-06T14:00:00Z", slot)  # the first time is what is kept
    assert await states() == [("elsewhere", LATER)]
    await keeper.rekey(BOX, LATER)
    assert await states() == [("elsewhere", LATER)]
    await keeper.remove(BOX, slot, LATER)
    assert await states() == []
    await db.close()


@pytest.mark.parametrize("has_slot", [True, False])
async def test_a_secret_that_no_slot_is_for_is_forgotten_after_the_next_unlocking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_slot: bool
) -> None:
    (tmp_path / "store").mkdir()
    db = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    keeper = Keeper(tmp_path / "store", db, db.key, cost=CHEAP)
    await keeper.reconcile(AT)
    steward = Steward()
    own = OwnSlot(steward)
    await own.add(keeper, BOX, AT, tpm=False)
    (tmp_path / sealing.NAME).write_bytes(steward.kept)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if not has_slot:
        (gone,) = [one.slot.id for one in await keeper.list(BOX, AT) if one.slot.kind == "machine"]
        await keeper.remove(BOX, gone, AT)  # and the power went before the machine forgot
    await own.tidy(keeper)
    assert bool(steward.kept) is has_slot
    await db.close()
