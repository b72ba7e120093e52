"""A box that was copied, with two couriers as processes: one log wins, the other's console says that it lost."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from appliance.store.database import Database
from sync.hq import fleet
from sync.spool import Spool
from tests.contract.test_set_back import KEY, Box, hq, life
from tests.contract.test_sync_commands import started
from tests.fakes.parties import objects
from tests.fakes.waiting import until

LOST = ("set_back", "receipt_other_bytes")  # before that HQ is asked how far the log is
__all__ = ["hq", "life"]  # fixtures


async def copied(box: Box, to: Path) -> Box:
    """The whole machine once more, as an image of its disk makes it."""
    await box.db.close()
    home = box.spool.root.parent
    to.mkdir()
    for one in [*home.glob("store*"), box.spool.root]:
        (shutil.copytree if one.is_dir() else shutil.copy2)(one, to / one.name)
    await box.unlock()
    twin = Box(await Database.open(to / "store", KEY), Spool(to / "spool"), box.hq, list(box.bodies))
    return twin


async def test_of_a_box_and_its_copy_one_goes_on_and_the_other_s_console_says_why_not(
    life: Box, tmp_path: Path
) -> None:
    await life.add(1)
    await life.settle()
    twin = await copied(life, tmp_path / "copy")
    both = (life, twin)
    for box in both:
        await box.add(3)
    with started("courier", "--spool", life.spool.root), started("courier", "--spool", twin.spool.root):
        async with life.running(courier=False) as one, twin.running(courier=False) as two:

            def told() -> list[bool]:
                return sorted(each.state().trouble in LOST for each in (one, two))

            await until(lambda: told() == [False, True], seconds=30)
            winner, loser = (one, two) if two.state().trouble in LOST else (two, one)
            await until(lambda: winner.state().state == "up_to_date", seconds=20)
            assert (winner.state().trouble, winner.state().fault) == ("", "")
            assert loser.state().trouble_since and loser.state().queued
            kept = life if winner is one else twin
    assert sorted(one.record.body for one in life.opened()) == sorted(kept.bodies)
    assert [int(path.name) for path in objects(life.hq)] == list(range(1, len(objects(life.hq)) + 1))
    (line,) = await fleet.look(life.hq, datetime.now(UTC))
    assert (line.state, line.alarms) == ("alarm", 1)
    await twin.db.close()
