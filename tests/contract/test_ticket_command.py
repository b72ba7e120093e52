"""`hearth ticket` at a box that runs; who signs in is another file's matter."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.control.client import ControlClient, ControlFault
from appliance.faults import Fault
from appliance.tickets.command import Asked, find, make
from tests.fakes import clinic
from tests.fakes.daemon import PASSPHRASE, PASSWORD, FakeDaemon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[FakeDaemon, ControlClient]]:
    daemon = await FakeDaemon(tmp_path / "control.sock").start()
    client = ControlClient(daemon.path)
    await client.unlock(PASSPHRASE)
    await client.sign_in("ana", PASSWORD)
    yield daemon, client
    await client.close()
    await daemon.stop()


async def test_a_new_invitation_is_shown_once_without_what_went_to_paper(
    desk: tuple[FakeDaemon, ControlClient], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon, client = desk
    of, who = find((await client.snapshot()).sessions, clinic.GROUP, clinic.RUTH)
    pin = tmp_path / "slip.pdf"
    assert await make(client, of, who, Asked("", "", pin_pdf=pin, language="es", as_json=True)) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"name", "link", "code"}
    assert (pin.read_bytes(), pin.stat().st_mode & 0o777) == (b"%PDF-made-up", 0o600)
    assert daemon.printed == [("pin", "es", shown["code"])]


async def test_a_paper_that_cannot_be_written_stops_no_invitation(
    desk: tuple[FakeDaemon, ControlClient], tmp_path: Path
) -> None:
    daemon, client = desk
    of, who = find((await client.snapshot()).sessions, clinic.GROUP, clinic.RUTH)
    (tmp_path / "there.pdf").write_text("mine")
    for path in (tmp_path / "there.pdf", tmp_path / "nowhere" / "x.pdf"):
        with pytest.raises(Fault, match="bad_request"):
            await make(client, of, who, Asked("", "", pdf=path))
    for second in (tmp_path / "nowhere" / "x.pdf", tmp_path / "first.pdf"):
        with pytest.raises(Fault, match="bad_request"):
            await make(client, of, who, Asked("", "", pdf=tmp_path / "first.pdf", pin_pdf=second))
        assert not (tmp_path / "first.pdf").exists()  # else the next try finds it there
    assert "reissue" not in daemon.asked
    assert (tmp_path / "there.pdf").read_text() == "mine"


async def test_a_refusal_leaves_no_empty_file(desk: tuple[FakeDaemon, ControlClient], tmp_path: Path) -> None:
    daemon, client = desk
    of, who = find((await client.snapshot()).sessions, clinic.GROUP, clinic.RUTH)
    daemon.fail_next("reissue", "refused")
    with pytest.raises(ControlFault):
        await make(client, of, who, Asked("", "", pdf=tmp_path / "a.pdf"))
    assert not (tmp_path / "a.pdf").exists()


async def test_people_are_found_by_the_numbers_of_the_list(desk: tuple[FakeDaemon, ControlClient]) -> None:
    sessions = (await desk[1].snapshot()).sessions
    of, who = find(sessions, "1", "1")
    assert not who.facilitator and who in of.members
    with pytest.raises(Fault, match="not_found"):
        find(sessions, "1", "99")
