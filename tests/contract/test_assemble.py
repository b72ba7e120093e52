"""The whole appliance in this process: what fails while it comes to life, or later, stops nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from appliance import assemble
from appliance.assemble import Appliance
from appliance.copies.copier import Copier
from appliance.faults import Fault
from appliance.fitting import Carried
from appliance.home import Home
from appliance.live import Live
from appliance.portal import tls
from appliance.settings import PortalSection, Settings
from appliance.store import birth, keyslots, machine
from appliance.updates import actions
from media.client import RelayClient
from tests.fakes.box import CHEAP, PASSPHRASE
from tests.fakes.updates import Slotted
from tests.fakes.waiting import until


@pytest.fixture
async def appliance() -> AsyncIterator[Appliance]:
    """Started and locked, announced nowhere."""
    with TemporaryDirectory(prefix="hearth-") as folder:  # a Unix socket's path has at most 107 bytes
        home = Home(Path(folder))
        home.make()
        await (await birth.give_birth(home.store, PASSPHRASE, CHEAP)).close()
        settings = Settings(portal=PortalSection(host="127.0.0.1", port=0, announce=False))
        found = Appliance(home, settings, feed_start=0)
        await found.start()
        try:
            yield found
        finally:
            await found.close()
        assert sorted(path.name for path in home.store.iterdir()) == ["hearth.db", "slots.json", "spare"]


async def test_a_certificate_that_cannot_be_written_keeps_no_box_locked(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> bool:
        raise OSError("full")

    monkeypatch.setattr(tls, "renew", fail)
    await appliance.unlock(PASSPHRASE)
    assert appliance.is_unlocked()


async def test_a_release_on_trial_opens_no_store_until_it_has_proved_itself(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening may migrate: if the release fails, the one before must find the store as it knows it."""
    tried: list[str] = []
    monkeypatch.setattr(machine, "seed", lambda _: bytes(32))  # the machine keeps a key slot
    monkeypatch.setattr(keyslots, "open_with_seed", lambda _, slot, __: tried.append(slot))
    steward = Slotted(trial=True)
    appliance._updates.errands = steward
    before = (appliance._home.store / "hearth.db").read_bytes()
    with pytest.raises(Fault, match="update_trial"):
        await appliance.unlock(PASSPHRASE)
    assert not await appliance.unlock_by_machine()
    assert tried == []
    assert (appliance._home.store / "hearth.db").read_bytes() == before
    assert appliance.about().update == "trial"
    steward.slots["trial"] = False
    await appliance.unlock(PASSPHRASE)
    assert appliance.is_unlocked()


@pytest.mark.parametrize("trial", [True, False])
async def test_before_the_steward_has_told_what_runs_no_store_is_opened(appliance: Appliance, trial: bool) -> None:
    """The appliance starts beside the program that looks: what it does not know yet may be a release on trial."""
    steward = Slotted(trial=trial)
    steward.looking = True
    appliance._updates.errands = steward
    unlocking = asyncio.create_task(appliance.unlock(PASSPHRASE))
    await until(lambda: steward.looks > 2)  # it looks again and again
    assert not unlocking.done() and not appliance.is_unlocked()
    steward.looking = False
    if trial:
        with pytest.raises(Fault, match="update_trial"):
            await unlocking
    else:
        await unlocking
    assert appliance.is_unlocked() is not trial


async def test_a_steward_that_never_tells_locks_nobody_out(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance._updates.errands = steward = Slotted()
    steward.looking = True
    monkeypatch.setattr(actions, "SAID_SECONDS", 0.0)
    await appliance.unlock(PASSPHRASE)
    assert appliance.is_unlocked()


async def test_an_unlock_that_fails_behind_the_store_can_be_tried_again(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that cannot be read must not leave the store open and locked against the next try."""

    async def fail(_: Copier) -> None:
        raise Fault("store_damaged")

    with monkeypatch.context() as patch:
        patch.setattr(Copier, "load", fail)
        with pytest.raises(Fault, match="store_damaged"):
            await appliance.unlock(PASSPHRASE)
    await appliance.unlock(PASSPHRASE)
    assert appliance.is_unlocked()


@pytest.mark.parametrize("part", ["relay", "certificate"])
async def test_a_part_that_failed_is_started_again(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """A disk that could not be read once must not leave a box without its relay until somebody restarts it."""
    started: list[int] = []

    async def fail_first(*_: Any) -> None:
        started.append(1)
        if len(started) == 1:
            raise OSError("full")
        await asyncio.Event().wait()

    owner: Any = {"relay": (RelayClient, "run"), "certificate": (Appliance, "_watch_certificate")}[part]
    monkeypatch.setattr(owner[0], owner[1], fail_first)
    monkeypatch.setattr(assemble, "AGAIN_SECONDS", 0.0)
    await appliance.unlock(PASSPHRASE)
    await until(lambda: len(started) == 2)


async def test_an_address_that_is_none_of_this_machines_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    elsewhere = PortalSection(host="192.0.2.1", port=0, announce=False)  # for documents only (RFC 5737)
    appliance = Appliance(home, Settings(portal=elsewhere), feed_start=0)
    with pytest.raises(Fault, match="bad_settings"):
        await appliance.start()
    await appliance.close()


async def test_the_health_of_a_box_says_how_much_of_it_is_in_use(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assemble, "HEALTH_SECONDS", 0.01)
    assert (appliance.health().carried, appliance.health().capacity) == (None, "assumed")

    async def looked(live: Live) -> None:
        live.fitting.carried = Carried(0.25, 3)

    monkeypatch.setattr(Live, "look_at_capacity", looked)
    await appliance.unlock(PASSPHRASE)
    watching = asyncio.create_task(appliance._watch_health())
    await until(lambda: appliance.health().carried == 0.25)
    watching.cancel()
    assert appliance.health().people == 3
