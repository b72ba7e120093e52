"""An errand from the appliance to the steward and back, over a real folder; and requests of one who was taken over."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.errands import Errands
from appliance.faults import Fault
from appliance.steward import errand
from appliance.steward.__main__ import PROGRAMS, main
from tests.fakes.waiting import until

ID = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ask").mkdir()
    (tmp_path / "told").mkdir()
    return tmp_path


def never(_: dict[str, Any], __: errand.Tell) -> dict[str, Any]:
    raise AssertionError("this request must not be done")


def request(folder: Path) -> Path:
    return folder / "ask" / "clock.json"


# -- the way there and back --------------------------------------------------------------------------------------------


async def _answered(folder: Path, do: Callable[[dict[str, Any], errand.Tell], dict[str, Any]]) -> Any:
    asking = asyncio.create_task(Errands(folder).ask("clock", {"at": 7}))
    await until(request(folder).exists)
    await asyncio.to_thread(errand.run, "clock", do, folder)
    return await asking


async def test_what_is_asked_comes_to_the_steward_and_its_facts_come_back(folder: Path) -> None:
    told = await _answered(folder, lambda what, tell: {"asked": what["at"]})
    assert (told.state, told.facts) == ("done", {"asked": 7})
    assert not list((folder / "ask").iterdir())


async def test_a_refusal_of_the_steward_is_the_askers_fault_by_its_code(folder: Path) -> None:
    def refuse(_: dict[str, Any], __: errand.Tell) -> dict[str, Any]:
        raise errand.Refused("wrong_state")

    with pytest.raises(Fault, match="wrong_state"):
        await _answered(folder, refuse)


async def test_a_steward_that_breaks_answers_and_tells_nothing_of_what_it_held(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: dict[str, Any], __: errand.Tell) -> dict[str, Any]:
        raise ValueError("the password is secret")

    with pytest.raises(Fault, match="internal"):
        await _answered(folder, broken)
    assert capfd.readouterr().err == "clock: ValueError\n"


def test_what_takes_long_tells_how_far_it_is(folder: Path) -> None:
    seen: list[Any] = []

    def slowly(_: dict[str, Any], tell: errand.Tell) -> dict[str, Any]:
        tell(40, {"step": "half"})
        seen.append(Errands(folder).told("clock"))
        return {}

    request(folder).write_text(json.dumps({"id": ID, "what": {}}))
    assert errand.run("clock", slowly, folder) == 0
    assert (seen[0].state, seen[0].percent, seen[0].facts) == ("working", 40, {"step": "half"})


async def test_an_answer_to_another_request_is_nobodys_answer(folder: Path) -> None:
    (folder / "told" / "clock.json").write_text(json.dumps({"id": ID, "state": "done"}))
    with pytest.raises(Fault, match="machine_busy"):
        await Errands(folder).ask("clock", {}, seconds=0.05)


async def test_a_machine_without_a_steward_says_so(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="not_the_machine"):
        await Errands(tmp_path).ask("clock", {})


# -- requests that were made to do harm --------------------------------------------------------------------------------

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "10 MB": b'{"id":"%s","what":{"a":"%s"}}' % (ID.encode(), b"a" * 10_000_000),
    "deeper than the stack": b'{"id":"%s","what":{"a":%s%s}}' % (ID.encode(), b"[" * 30_000, b"]" * 30_000),
    "no JSON": b"{",
    "no UTF-8": b'{"id":"%s","what":{"a":"\xff"}}' % ID.encode(),
    "a list": b"[]",
    "another field": b'{"id":"%s","what":{},"more":1}' % ID.encode(),
    "a short id": b'{"id":"0123","what":{}}',
    "an id with a line end": b'{"id":"0123456789abcde\\n","what":{}}',
    "an id of other digits": '{"id":"٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥","what":{}}'.encode(),
    "an id that leads elsewhere": b'{"id":"../../../../etc/","what":{}}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_request_is_not_done_and_is_gone(folder: Path, content: bytes) -> None:
    request(folder).write_bytes(content)
    assert errand.run("clock", never, folder) == 0
    assert not request(folder).exists()
    assert not list((folder / "told").iterdir())


def _link(path: Path) -> None:
    target = path.parent.parent / "elsewhere.json"
    target.write_text(json.dumps({"id": ID, "what": {}}))
    path.symlink_to(target)


@pytest.mark.parametrize("plant", [_link, os.mkfifo, Path.mkdir], ids=["link", "pipe", "folder"])
def test_what_is_no_file_is_neither_followed_nor_waited_for_and_is_gone(
    folder: Path, plant: Callable[[Path], None]
) -> None:
    plant(request(folder))
    assert errand.run("clock", never, folder) == 0
    assert not os.path.lexists(request(folder))
    assert plant is not _link or (folder / "elsewhere.json").exists()


def test_a_folder_with_something_in_it_stops_no_program(folder: Path) -> None:
    (request(folder) / "more").mkdir(parents=True)
    assert errand.run("clock", never, folder) == 0


def test_an_answer_is_never_half_there(folder: Path) -> None:
    request(folder).write_text(json.dumps({"id": ID, "what": {}}))
    errand.run("clock", lambda _, __: {"long": "x" * 100_000}, folder)
    assert [one.name for one in (folder / "told").iterdir()] == ["clock.json"]


# -- the programs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["everything"], ["errand"], ["../network"]])
def test_a_word_that_is_no_program_starts_none(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in PROGRAMS)


# -- what must not stay ------------------------------------------------------------------------------------------------


async def test_what_nobody_comes_for_is_taken_back_and_overwritten(folder: Path) -> None:
    asking = asyncio.create_task(Errands(folder).ask("clock", {"at": "a secret"}, seconds=0.3))
    await until(request(folder).exists)
    seen = folder / "seen"
    seen.hardlink_to(request(folder))
    with pytest.raises(Fault, match="machine_busy"):
        await asking
    assert not request(folder).exists() and not seen.read_bytes().strip(b"\0")


async def test_a_request_that_took_the_place_of_another_stays(folder: Path) -> None:
    asking = asyncio.create_task(Errands(folder).ask("clock", {"at": 1}, seconds=0.3))
    await until(request(folder).exists)
    (folder / "new").write_text(json.dumps({"id": ID, "what": {"at": 2}}))
    (folder / "new").rename(request(folder))
    with pytest.raises(Fault, match="machine_busy"):
        await asking
    assert json.loads(request(folder).read_text())["what"] == {"at": 2}


def test_a_request_is_overwritten_as_it_is_read(folder: Path) -> None:
    request(folder).write_text(json.dumps({"id": ID, "what": {"secret": "x"}}))
    seen = folder / "seen"
    seen.hardlink_to(request(folder))

    def look(_: dict[str, Any], __: errand.Tell) -> dict[str, Any]:
        assert not request(folder).exists() and seen.read_bytes() == b""
        return {}

    assert errand.run("clock", look, folder) == 0
    assert json.loads((folder / "told" / "clock.json").read_text())["state"] == "done"
