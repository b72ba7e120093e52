from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import __main__ as hearth
from appliance import commands, up
from appliance.faults import Fault
from appliance.home import Home
from appliance.processes import Child
from appliance.settings import Settings
from appliance.store import birth, keyslots, trouble
from appliance.store.files import HomeLock
from tests.fakes.stores import CHEAP, PASSPHRASE
from tests.fakes.waiting import there


def run_as(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> int:
    """The exit code of a command that ends with `problem`."""

    def fail(_asked: argparse.Namespace) -> int:
        raise problem

    monkeypatch.setattr(commands, "parse", lambda _argv: argparse.Namespace(run=fail))
    return hearth.main([])


def test_a_command_that_was_broken_off_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that runs `hearth init` must not go on as if there were a clinic."""
    assert run_as(monkeypatch, KeyboardInterrupt()) == 1


def test_an_answer_that_never_comes_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_as(monkeypatch, EOFError()) == 2
    assert capsys.readouterr().err.count("\n") == 1


async def test_a_folder_may_have_braces_in_its_name(tmp_path: Path) -> None:
    script = "import sys; assert sys.argv[1] == '/a{b}c'; print('ready')"
    child = Child("child", ["-c", script, "/a{b}c", "{fd}"], tmp_path / "log", b"secret")
    assert await child.start()
    await child.end()


async def test_a_child_that_ends_in_the_moment_it_is_told_to_is_collected_once(tmp_path: Path) -> None:
    """Its watcher would otherwise write "Unknown child process" where one clear sentence should stand alone."""
    for _ in range(20):
        script = "import signal; print('ready', flush=True); signal.pause()"
        child = Child("child", ["-SEc", script], tmp_path / "log")
        assert await child.start()
        process = there(child.process)
        os.kill(process.pid, signal.SIGKILL)
        while _runs(process.pid):  # the event loop does not hear of it meanwhile
            pass
        await child.end()
        assert process.returncode == -signal.SIGKILL


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_no_command_leaves_an_image_of_its_memory_on_the_disk(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from appliance.__main__ import main\n"
        "main(['keys', 'list', '--home', sys.argv[1]])\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "(0, 0)\n"


def test_slots_are_opened_under_the_homes_lock_before_the_box_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening puts slots in order: beside somebody's rekey it could drop the key that the store is about to have."""
    home, held = Home(tmp_path), []
    asyncio.run(born(home))
    (tmp_path / "words").write_text(PASSPHRASE + "\n")

    def unlock(_: Path, __: str) -> None:
        with pytest.raises(Fault, match="home_in_use"):
            HomeLock.take(home.root)
        held.append(True)

    async def run(_: object) -> int:
        return 0

    monkeypatch.setattr(keyslots, "unlock", unlock)
    monkeypatch.setattr(up._Up, "run", run)
    assert up.up(home.root, with_demo=False, passphrase_file=tmp_path / "words") == 0
    assert held == [True]


async def born(home: Home) -> None:
    await (await birth.give_birth(home.store, PASSPHRASE, CHEAP)).close()


def test_a_part_that_could_not_log_why_it_ended_is_told_by_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the log stays empty too."""
    box = up._Up(Home(tmp_path), Settings(), None, "")
    box._look_at_the_disk()
    monkeypatch.setattr(trouble, "_no_room", lambda _: True)
    with pytest.raises(Fault, match="disk_full"):
        box._look_at_the_disk()
