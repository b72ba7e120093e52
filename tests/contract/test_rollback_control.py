"""Going on with an older store through the control socket: what the console does where a box has no command line."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.control.client import ControlClient, ControlFault
from appliance.home import Home
from appliance.rollback import rows
from appliance.setup import answers
from appliance.store import birth, keyslots
from appliance.store.database import Database
from appliance.updates.actions import Updates
from tests.contract.test_store_faults import act
from tests.fakes.new_box import Here
from tests.fakes.stores import CHEAP, PASSPHRASE

REASON = "the newer card is broken and was thrown away"


@dataclass
class Older:
    """A box whose store is older than what was there before, locked, and a console at it."""

    home: Home
    box: Here
    console: ControlClient

    async def refused(self, call: Callable[[], object]) -> tuple[str, str]:
        with pytest.raises(ControlFault) as caught:
            await call()  # type: ignore[misc]
        return caught.value.code, caught.value.about


@asynccontextmanager
async def older(folder: Path) -> AsyncIterator[Older]:
    home = Home(folder)
    home.make()
    answers.finish(home)
    await (await birth.give_birth(home.store, PASSPHRASE, CHEAP)).close()
    shutil.copytree(home.store, folder / "old")
    db = await Database.open(home.store, keyslots.unlock(home.store, PASSPHRASE))
    for _ in range(2):
        await db.write(act)
    await db.close()
    shutil.rmtree(home.store)
    (folder / "old").rename(home.store)
    box = Here(folder)
    await box.start()
    console = ControlClient(box.socket)
    try:
        yield Older(home, box, console)
    finally:
        await console.close()
        await box.end()


async def test_with_a_reason_and_the_passphrase_it_opens_and_the_reason_stays() -> None:
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with older(Path(folder)) as at:
            assert await at.refused(lambda: at.console.unlock(PASSPHRASE)) == ("store_rolled_back", "2")
            wrong = ("a wrong one here", REASON), (PASSPHRASE, "because")
            codes = [(await at.refused(lambda one=one: at.console.accept_rollback(*one)))[0] for one in wrong]  # type: ignore[misc]
            assert codes == ["wrong_passphrase", "bad_request"]
            assert (await at.console.snapshot()).box.state == "locked"
            await at.console.accept_rollback(PASSPHRASE, REASON)
            await at.console.unlock(PASSPHRASE)
            assert (await at.console.snapshot()).box.state == "unlocked"
        db = await Database.open(Home(Path(folder)).store, keyslots.unlock(Home(Path(folder)).store, PASSPHRASE))
        accepted = await db.read(rows.all_accepted)
        await db.close()
        assert [(one.code, one.reason) for one in accepted] == [("store_rolled_back", REASON)]


async def test_while_a_release_is_on_trial_nothing_is_overruled_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening may move the store to a new schema, and the release before must still know it."""
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with older(Path(folder)) as at:
            monkeypatch.setattr(Updates, "on_trial", True)
            told = await at.refused(lambda: at.console.accept_rollback(PASSPHRASE, REASON))
            assert told == ("update_trial", "")
