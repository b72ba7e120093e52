"""`hearth up` as a person starts it: it comes up, ends clean, starts again, and says in one sentence why it can't."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from appliance.control.client import ControlClient
from tests.fakes.boxes import Box, command, hearth, running_box, settings
from tests.fakes.portal import sign
from tests.fakes.stores import everything_in
from tests.fakes.visitor import Visitor
from tests.fakes.waiting import there, until

END_SECONDS = 3.0  # promised by the README for Ctrl-C


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="hearth-"))  # short: a Unix socket's path has at most 107 bytes
    yield folder / "h"
    shutil.rmtree(folder, ignore_errors=True)


def up(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `hearth up` to an end that comes by itself."""
    return subprocess.run(
        command("up", *more),
        env={**os.environ, "HEARTH_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )


def children(pid: int) -> list[int]:
    """The processes that `hearth up` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def ended(box: Box) -> None:
    """Ctrl-C, and every process is gone before the promised time has passed."""
    started = children(box.process.pid)
    assert len(started) == 4
    box.process.send_signal(2)
    await asyncio.wait_for(box.process.wait(), END_SECONDS)
    assert box.process.returncode == 0
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


async def headquarters_has_everything(home: Path) -> None:
    async with asyncio.timeout(END_SECONDS * 5):
        while json.loads(await hearth(home, "status", "--json"))["sync"]["state"] != "up_to_date":
            pass


async def test_it_comes_up_ends_clean_and_starts_again_with_the_same_store(home: Path) -> None:
    async with running_box(home) as box:
        first = box.demo
        ada = Visitor(box.portal)
        await ada.get("/join")
        shown = await ada.post("/join", code=first["tickets"][0]["code"], pin=first["tickets"][0]["pin"])
        assert shown.path == "/join/name"
        await ada.close()
        facts = json.loads(await hearth(home, "status", "--json"))
        assert (facts["box"]["state"], facts["box"]["relay_connected"]) == ("unlocked", True)
        await headquarters_has_everything(home)  # the head of the audit goes there first
        await ended(box)
    assert sorted(path.name for path in (home / "store").iterdir()) == ["hearth.db", "slots.json", "spare"]
    async with running_box(home) as box:
        assert box.demo == first
        await ended(box)


async def test_it_ends_clean_although_a_page_and_a_console_are_open(home: Path) -> None:
    """Neither ever ends by itself; the page here does not even answer that it closes."""
    async with running_box(home) as box:
        first = box.demo["tickets"][0]
        ada, console = Visitor(box.portal), ControlClient(home / "run" / "control.sock")
        await ada.get("/join")
        await ada.post("/join", code=first["code"], pin=first["pin"])
        feed = console.feed((await console.snapshot()).sequence)
        async with ada.socket("/join/ws"):
            await anext(feed)
            await ended(box)
        await ada.close()
        await console.close()
    assert sorted(path.name for path in (home / "store").iterdir()) == ["hearth.db", "slots.json", "spare"]


async def test_no_secret_and_no_name_is_on_a_command_line_or_in_a_log(home: Path) -> None:
    async with running_box(home) as box:
        words = [box.demo["passphrase"], box.demo["facilitator_password"]]
        words += [ticket[part] for ticket in box.demo["tickets"] for part in ("code", "pin", "name")]
        ada = Visitor(box.portal)
        await ada.get("/join")
        await ada.post("/join", code=box.demo["tickets"][0]["code"], pin=box.demo["tickets"][0]["pin"])
        await ada.close()
        for pid in [box.process.pid, *children(box.process.pid)]:
            told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
            assert not [word for word in words if word.encode() in told]
    logs = b"".join(path.read_bytes() for path in (home / "log").iterdir())
    assert logs
    assert not [word for word in words if word.encode() in logs]


async def test_nothing_that_people_typed_is_readable_under_the_home(home: Path) -> None:
    """A planted phrase is searched in store, WAL, spool, logs and all else, while the box runs and after it ended."""
    phrase = "Zinnober Quastenflosser"
    async with running_box(home) as box:
        ada = Visitor(box.portal)
        await ada.get("/join")
        await ada.post("/join", code=box.demo["tickets"][0]["code"], pin=box.demo["tickets"][0]["pin"])
        await ada.post("/join/name", display_name=phrase)
        assert (await sign(ada, phrase)).path == "/join/orientation"
        await ada.close()
        running = everything_in(home)
    for files in (running, everything_in(home)):
        assert any(name.endswith("hearth.db") for name in files)
        for part in phrase.split():
            assert not [name for name, content in files.items() if part.encode() in content]


def test_a_taken_port_is_told_in_one_sentence(home: Path) -> None:
    settings(home)
    port = int(there(re.search(r"^port = (\d+)$", (home / "hearth.toml").read_text(), re.M))[1])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = up(home, "--demo")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "port" in done.stderr
    assert str(port) in done.stderr


def test_a_folder_without_write_permission_is_told_in_one_sentence(home: Path) -> None:
    home.parent.joinpath("file").write_text("")
    done = up(home.parent / "file" / "h", "--demo")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "may not write" in done.stderr


def test_a_wrong_passphrase_is_told_in_one_sentence_and_changes_nothing(home: Path) -> None:
    settings(home)
    asyncio.run(_once(home))
    demo = json.loads((home / "demo.json").read_text())
    (home / "demo.json").write_text(json.dumps({**demo, "passphrase": "not this one"}))
    before = everything_in(home / "store")
    done = up(home, "--demo")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "[wrong_passphrase]" in done.stderr
    assert everything_in(home / "store") == before


def test_a_second_start_on_the_same_folder_is_refused(home: Path) -> None:
    async def twice() -> subprocess.CompletedProcess[str]:
        async with running_box(home):
            return await asyncio.to_thread(up, home, "--demo")

    done = asyncio.run(twice())
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "[home_in_use]" in done.stderr


def test_a_demo_never_takes_over_a_real_clinic(home: Path) -> None:
    settings(home)
    asyncio.run(_once(home))
    (home / "demo.json").unlink()
    done = up(home, "--demo")
    assert (done.returncode, "[store_exists]" in done.stderr) == (2, True)


def test_without_a_clinic_the_next_step_is_named(home: Path) -> None:
    done = up(home)
    assert done.returncode == 1
    assert "hearth init" in done.stderr


def test_an_unknown_setting_is_bad_input(home: Path) -> None:
    home.mkdir()
    (home / "hearth.toml").write_text("[portal]\nprot = 1\n")
    done = up(home, "--demo")
    assert (done.returncode, "prot" in done.stderr) == (2, True)


async def test_a_killed_relay_is_started_again(home: Path) -> None:
    async with running_box(home) as box:
        relay = next(p for p in children(box.process.pid) if b"media" in Path(f"/proc/{p}/cmdline").read_bytes())
        os.kill(relay, 9)
        async with asyncio.timeout(30):
            while not await _has_new_relay(box, relay):
                await asyncio.sleep(0.05)


async def test_nothing_is_left_behind_when_the_parent_is_killed(home: Path) -> None:
    async with running_box(home) as box:
        started = children(box.process.pid)
        box.process.kill()
        await box.process.wait()
        await until(lambda: not any(_alive(pid) for pid in started))


async def _has_new_relay(box: Box, old: int) -> bool:
    running = children(box.process.pid)
    told = json.loads(await hearth(box.home, "status", "--json"))
    return len(running) == 4 and old not in running and bool(told["box"]["relay_connected"])


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def _once(home: Path) -> None:
    async with running_box(home):
        pass
