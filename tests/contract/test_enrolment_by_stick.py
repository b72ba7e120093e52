"""A clinic without a line: the request leaves on a stick, headquarters' own command answers it, the answer is read.

Over the real control socket, with the real store and headquarters' command line; only what is mounted is made up.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import psutil
import pytest

from appliance.control.client import ControlClient, ControlFault
from appliance.copies import places
from appliance.enrolment import by_stick
from appliance.faults import Fault
from appliance.home import Home
from sync.__main__ import main as sync_command
from sync.courier import own_key
from tests.fakes.box import PASSPHRASE, PASSWORD
from tests.fakes.control import listening
from tests.fakes.enrolling import new_code
from tests.fakes.parties import make_hq


@pytest.fixture
async def ruth() -> AsyncIterator[ControlClient]:
    """An administrator at the console of a box with a courier's key."""
    with TemporaryDirectory(prefix="hearth-") as folder:  # a Unix socket's path has at most 107 bytes
        async with listening(Path(folder)) as (opened, _, socket):
            client = ControlClient(socket)
            await client.unlock(PASSPHRASE)
            own_key.prepare(Home(opened.clinic.db.folder.parent).spool / "tls")
            await client.sign_in("ruth", PASSWORD)
            yield client
            await client.close()


@pytest.fixture
def sticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which every folder is a stick that is plugged in."""
    where = tmp_path / "media"
    where.mkdir()
    monkeypatch.setattr(places, "MOUNTS", (f"{where}/",))
    monkeypatch.setattr(
        psutil,
        "disk_partitions",
        lambda all=False: [SimpleNamespace(mountpoint=str(one)) for one in sorted(where.iterdir())],
    )
    return where


async def test_request_and_answer_go_by_stick_and_the_box_knows_its_hq(
    ruth: ControlClient, sticks: Path, tmp_path: Path
) -> None:
    make_hq(tmp_path / "hq")
    (sticks / "BLUE").mkdir()
    asked = await ruth.enrol_by_stick("request", await new_code(tmp_path / "hq"))
    assert (asked.state, asked.address) == ("asking", "")
    with pytest.raises(ControlFault, match="stick_no_answer"):
        await ruth.enrol_by_stick("answer")
    (request,) = (sticks / "BLUE").iterdir()
    assert request.name == f"hearth-{asked.box[:8]}.request"
    command = ["hq", "enroll", str(tmp_path / "hq"), "--request", str(request)]
    assert await asyncio.to_thread(sync_command, command) == 0
    known = await ruth.enrol_by_stick("answer")
    assert (known.state, known.name) == ("enrolled", "Clinic at the lake")
    assert known.certificate_ends


async def test_no_stick_two_sticks_and_a_wrong_code_change_nothing(ruth: ControlClient, sticks: Path) -> None:
    with pytest.raises(ControlFault, match="stick_missing"):
        await ruth.enrol_by_stick("request", "9w2b-v85x-4p2t-zp2f-7khs")
    (sticks / "BLUE").mkdir()
    with pytest.raises(ControlFault, match="code_mistyped"):
        await ruth.enrol_by_stick("request", "AAAA")
    (sticks / "RED").mkdir()
    with pytest.raises(ControlFault, match="stick_several"):
        await ruth.enrol_by_stick("answer")
    assert (await ruth.enrolment()).state == "not_enrolled"
    assert list(sticks.glob("*/*")) == []


async def test_another_answer_is_refused_and_the_question_stays_asked(
    ruth: ControlClient, sticks: Path, tmp_path: Path
) -> None:
    make_hq(tmp_path / "hq")
    (sticks / "BLUE").mkdir()
    code = await new_code(tmp_path / "hq")
    first = await ruth.enrol_by_stick("request", code)
    (request,) = (sticks / "BLUE").iterdir()
    answer = request.with_suffix(".answer")
    answer.write_bytes(b"{}")
    with pytest.raises(ControlFault, match="wrong_answer"):
        await ruth.enrol_by_stick("answer")
    assert (await ruth.enrolment()).state == first.state == "asking"
    await ruth.enrol_by_stick("request", code)
    assert not answer.exists()  # it would fit no more


@pytest.mark.parametrize("who", ["mara", "jonas"])
async def test_only_who_enrols_the_box_may(ruth: ControlClient, sticks: Path, who: str) -> None:
    (sticks / "BLUE").mkdir()
    await ruth.sign_out()
    await ruth.sign_in(who, PASSWORD)
    with pytest.raises(ControlFault, match="refused"):
        await ruth.enrol_by_stick("request", "9w2b-v85x-4p2t-zp2f-7khs")
    assert list(sticks.glob("*/*")) == []


def test_what_lies_on_a_stick_is_no_way_to_other_files(tmp_path: Path) -> None:
    (tmp_path / "hearth-0badcafe.answer").symlink_to("/etc/hostname")
    with pytest.raises(Fault, match="stick_no_answer"):
        by_stick.answer(tmp_path, "0badcafe")
    (tmp_path / "hearth-0badcafe.answer").unlink()
    os.mkfifo(tmp_path / "hearth-0badcafe.answer")
    with pytest.raises(Fault, match="stick_no_answer"):
        by_stick.answer(tmp_path, "0badcafe")


def test_a_stick_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="stick_failed"):
        by_stick.put(tmp_path / "gone", "0badcafe", b"request")
