"""The keyboard of the box's own screen: what is kept is one of the table, and what is run for it is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.control.types import KEYBOARDS
from appliance.steward import keyboard, network
from appliance.steward.errand import Refused
from appliance.steward.keyboard import LAYOUTS, MAPS, commands, font, kept, load
from tests.fakes.machine import Programs, machine
from tui.words import Words


def test_the_steward_the_box_and_the_console_know_the_same_keyboards() -> None:
    assert LAYOUTS == KEYBOARDS
    for language in ("en", "es"):
        assert len({Words(language)(f"keyboard.{one}") for one in KEYBOARDS}) == len(LAYOUTS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_keyboard_is_kept_and_loaded_at_once(tmp_path: Path, layout: str) -> None:
    programs = Programs()
    box = machine(tmp_path, programs)
    found = network.do(box, {"do": "keyboard", "layout": layout}, lambda _, __: None)
    assert found["keyboard"] == kept(box.system) == layout
    assert programs.told == [("systemctl", "start", "hearth-keyboard.service")]


@pytest.mark.parametrize("layout", ["", "US", "../us", "us\n", "us us", None, 1, ["us"], {"us": 1}])
def test_a_word_that_is_not_in_the_table_changes_nothing(tmp_path: Path, layout: object) -> None:
    programs = Programs()
    box = machine(tmp_path, programs)
    with pytest.raises(Refused, match="keyboard_unknown"):
        network.do(box, {"do": "keyboard", "layout": layout}, lambda _, __: None)
    assert not programs.told and not (box.system / "keyboard").exists()


class Ran(list[str]):
    """Remembers what was run. `failing`: what does not work."""

    def __init__(self, failing: str = "") -> None:
        super().__init__()
        self.failing = failing

    def __call__(self, command: tuple[str, ...]) -> bool:
        self.append(command[0])
        return command[0] != self.failing


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../etc/passwd", b"us us", b"es\nus", b"xx"])
def test_a_file_that_says_something_else_leaves_the_kernels_own_keys(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keyboard").write_bytes(content)
    ran = Ran()
    assert load(tmp_path, tmp_path / "none", ran) == 0
    assert ran == ["setfont"] and kept(tmp_path) == ""


def test_keys_that_could_not_be_set_are_a_failure_and_letters_are_set_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "keyboard").write_text("es\n")
    ran = Ran("loadkeys")
    assert load(tmp_path, tmp_path / "none", ran) == 1
    assert ran == ["loadkeys", "setfont"]
    assert load(tmp_path, tmp_path / "none", Ran("setfont")) == 0


@pytest.mark.parametrize(
    ("size", "name"),
    [
        *((size, "small.psf") for size in ("", "x,y", "1024,768", "1280,1024")),
        *((size, "large.psf") for size in ("1600,900", "1920,1080", "3840,2160")),
    ],
)
def test_a_large_screen_has_large_letters_and_room_for_80_by_24(size: str, name: str) -> None:
    assert font(size) == name
    if name == "large.psf":
        width, height = (int(one) for one in size.split(","))
        assert width // 16 >= 80 and height // 32 >= 24
    assert commands("es", size)[1][-1] == str(MAPS / name)


def test_the_programs_are_those_of_the_box() -> None:
    assert [one[0] for one in commands("latam", "")] == ["loadkeys", "setfont"]
    assert commands("latam", "")[0][-1] == "/usr/lib/hearth/console/latam.kmap"
    assert keyboard.SCREEN == "/dev/tty0"
