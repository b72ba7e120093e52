"""What the machine's timers may ask of a box: three things, by one user, over the real control socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from appliance import timer
from appliance.audit.actions import Verified
from appliance.audit.checking import Finding
from appliance.control.client import ControlClient, ControlFault
from appliance.control.feed import Feed
from appliance.control.listener import ControlListener
from appliance.settings import BackupSection
from tests.fakes.box import OpenBox, open_box
from tests.fakes.control import Box

ME = frozenset({os.getuid()})


@asynccontextmanager
async def reminded(folder: Path, timers: frozenset[int] = ME) -> AsyncIterator[tuple[OpenBox, Box, Path]]:
    async with open_box(folder) as opened:
        feed = Feed(1000)
        box = Box(opened, feed)
        box._unlocked = True
        listener = ControlListener(box, feed, timers=timers)
        await listener.start(folder / "control.sock")
        try:
            yield opened, box, folder / "control.sock"
        finally:
            await listener.close()


async def remind(what: str, path: Path) -> str:
    return await asyncio.to_thread(timer.remind, what, path)


async def test_only_the_timers_user_may_remind(tmp_path: Path) -> None:
    async with reminded(tmp_path, timers=frozenset({os.getuid() + 1})) as (_, _, path):
        assert await remind("update", path) == "refused"


async def test_a_user_of_the_timers_may_do_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.getuid() + 1
    async with reminded(tmp_path, timers=frozenset({stranger})) as (_, _, path):
        monkeypatch.setattr("appliance.control.listener._peer_uid", lambda _: stranger)
        assert await remind("audit", path) == "whole"
        client = ControlClient(path)
        with pytest.raises(ControlFault, match="refused"):
            await client.snapshot()
        await client.close()


async def test_a_locked_box_says_so_and_that_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with reminded(tmp_path) as (_, box, path):
        box._unlocked = False
        for what in ("backup", "audit", "update"):
            assert await asyncio.to_thread(timer.main, [what, "--socket", str(path)]) == 0
        assert capsys.readouterr().out.splitlines() == [timer.SENTENCES["box_locked"]] * 3


def test_a_box_that_does_not_run_is_no_failure(tmp_path: Path) -> None:
    assert timer.main(["backup", "--socket", str(tmp_path / "control.sock")]) == 0


async def test_the_audit_is_looked_at_once_a_day_and_noted_as_the_boxs_own_deed(tmp_path: Path) -> None:
    async with reminded(tmp_path) as (opened, _, path):
        assert await remind("audit", path) == "whole"
        assert await remind("audit", path) == "not_due"
        rows = await opened.clinic.db.read(
            lambda tx: tx.all("SELECT role FROM audit WHERE action = 'verify_audit'"),
        )
        assert [row["role"] for row in rows] == ["box"]


async def test_an_audit_that_does_not_hold_together_is_told_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reminded(tmp_path) as (opened, _, path):
        broken = Verified([Finding("head")], 1, b"", 0)
        monkeypatch.setattr("appliance.audit.actions.verified", lambda *_: broken)
        assert await asyncio.to_thread(timer.main, ["audit", "--socket", str(path)]) == 1
        assert opened.clinic.db.trouble.code == "audit_broken"
        monkeypatch.undo()
        opened.clinic.audit._verified = None
        assert await remind("audit", path) == "whole"
        assert opened.clinic.db.trouble.code == ""


async def test_a_backup_is_made_when_one_is_due_and_only_then(tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    async with reminded(tmp_path) as (_, box, path):
        assert await remind("backup", path) == "off"
        box._copier.settings = BackupSection(folder=str(folder), every_hours=24)
        assert await remind("backup", path) == "made"
        assert await remind("backup", path) == "not_due"
        assert len(list(folder.iterdir())) == 1


async def test_a_backup_that_fails_is_a_failed_run(tmp_path: Path) -> None:
    async with reminded(tmp_path) as (_, box, path):
        box._copier.settings = BackupSection(folder=str(tmp_path / "no-such-stick"), every_hours=24)
        assert await asyncio.to_thread(timer.main, ["backup", "--socket", str(path)]) == 1


async def test_the_courier_is_told_to_look_now(tmp_path: Path) -> None:
    async with reminded(tmp_path) as (_, box, path):
        assert await remind("update", path) == "asked"
        assert (box.sticks().home.spool / "now").exists()


async def test_nothing_waits_for_what_no_timer_may_ask(tmp_path: Path) -> None:
    async with reminded(tmp_path) as (_, _, path):
        assert await remind("unlock", path) == "not_found"


def test_every_answer_has_its_sentence() -> None:
    from typing import get_args

    from appliance.control.types import Deed

    assert set(cast("tuple[str, ...]", get_args(Deed))) <= set(timer.SENTENCES)
