"""What a Raspberry Pi's firmware says of itself, from made-up device trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.steward import pi


def tree(folder: Path, model: str = "Raspberry Pi 4 Model B Rev 1.4", **cells: int) -> Path:
    said = folder / "chosen/bootloader"
    said.mkdir(parents=True)
    (folder / "model").write_bytes(model.encode() + b"\0")
    for name, value in cells.items():
        (said / name.replace("_", "-")).write_bytes(value.to_bytes(4, "big"))
    return folder


def test_a_boot_loader_of_today_can_try_a_release(tmp_path: Path) -> None:
    found = pi.read(tree(tmp_path, capabilities=0x7F, build_timestamp=1_767_916_800, partition=3, tryboot=1))
    assert found == pi.BootLoader(
        "Raspberry Pi 4 Model B Rev 1.4", 1_767_916_800, tried=True, partition=3, can_try=True
    )
    assert pi.refusal(found) == ""


@pytest.mark.parametrize("capabilities", [0, 0x7B, 0x08])
def test_one_that_does_not_know_two_partitions_is_refused(tmp_path: Path, capabilities: int) -> None:
    assert pi.refusal(pi.read(tree(tmp_path, capabilities=capabilities))) == "update_old_boot_loader"


def test_one_that_says_nothing_is_refused(tmp_path: Path) -> None:
    assert pi.refusal(pi.read(tree(tmp_path))) == "update_old_boot_loader"


@pytest.mark.parametrize("content", [b"", b"\x04", bytes(8), b"\xff" * 5000])
def test_a_cell_of_another_form_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tree(tmp_path) / "chosen/bootloader/capabilities").write_bytes(content)
    found = pi.read(tmp_path)
    assert found is not None
    assert not found.can_try


def test_another_machine_is_no_raspberry_pi(tmp_path: Path) -> None:
    assert pi.read(tree(tmp_path, model="linux,dummy-virt", capabilities=0x7F)) is None
    assert pi.read(tmp_path / "nothing") is None
    assert pi.refusal(None) == ""
