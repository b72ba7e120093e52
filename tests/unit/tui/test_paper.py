"""Where a paper's PDF is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.widgets.paper import CHOICES, likely_folder, meant, save


def test_a_paper_writes_over_nothing_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    paths = [save(str(tmp_path), "pin", bytes([n])) for n in range(3)]
    assert [path.name for path in paths] == ["pin.pdf", "pin-2.pdf", "pin-3.pdf"]
    assert [path.read_bytes() for path in paths] == [b"\x00", b"\x01", b"\x02"]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save(str(tmp_path / "stick"), "invitation", b"")


def test_every_choice_but_none_is_a_paper_and_a_language() -> None:
    assert {meant(one) for one in CHOICES[1:]} == {(k, w) for k in ("invitation", "pin") for w in ("en", "es")}


def test_without_a_stick_it_is_the_users_own_folder(tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()  # a folder, but nothing is mounted there
    assert likely_folder((str(tmp_path),)) == str(Path.home())
