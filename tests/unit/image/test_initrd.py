"""Which disk the box starts from: the part of image/initrd/init that chooses, as it is, over a made-up /sys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from image import initrd

INIT = Path(initrd.__file__).parent / "initrd/init"
INSIDE, CARD, STICK = "pci0000:00/ata1/block/sda", "platform/mmc/block/mmcblk0", "pci0000:00/usb2/2-1/block/sdb"
TOLD = "load() { :; }\nsleep() { :; }\nstop() { echo stopped; exit; }\n"


def _plug(sys: Path, disk: str, *names: str) -> None:
    for number, name in enumerate(names, 1):
        folder = sys / "devices" / disk / f"{Path(disk).name}{number}"
        folder.mkdir(parents=True)
        (folder / "uevent").write_text(f"DEVTYPE=partition\n{name}\n")
        (sys / "class/block").mkdir(parents=True, exist_ok=True)
        (sys / "class/block" / folder.name).symlink_to(folder)


def _taken(sys: Path, label: str = "root-a") -> str:
    text = INIT.read_text()
    choosing = text[text.index("numbered() {") : text.index("# -- found")].replace("-lt 300", "-lt 60")
    data = '[ -n "$root" ] && partition data "$(basename "$(dirname "$(readlink -f "/sys/class/block/$root")")")"'
    script = f'{TOLD}label={label}\n{choosing}\necho "$root"\n{data}\n'.replace("/sys/class", f"{sys}/class")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "names", [("PARTNAME=root-a", "PARTNAME=data"), ("PARTUUID=48525448-05", "PARTUUID=48525448-07")]
)
def test_a_stick_that_calls_itself_the_box_is_not_started(tmp_path: Path, names: tuple[str, ...]) -> None:
    _plug(tmp_path, STICK.replace("sdb", "aaa"), *names)  # before the other in every listing
    _plug(tmp_path, INSIDE, "PARTNAME=root-a", "PARTNAME=data")
    assert _taken(tmp_path) == "sda1 sda2"


def test_a_box_whose_only_disk_hangs_on_usb_starts_from_it(tmp_path: Path) -> None:
    _plug(tmp_path, STICK, "PARTNAME=root-a", "PARTNAME=data")
    assert _taken(tmp_path) == "sdb1 sdb2"


def test_the_data_is_of_the_disk_that_was_started(tmp_path: Path) -> None:
    _plug(tmp_path, CARD, "PARTNAME=esp", "PARTNAME=data")
    _plug(tmp_path, INSIDE, "PARTNAME=root-a", "PARTNAME=root-b", "PARTNAME=data")
    assert _taken(tmp_path) == "sda1 sda3"


def test_of_two_disks_inside_none_is_guessed(tmp_path: Path) -> None:
    _plug(tmp_path, CARD, "PARTUUID=48525448-05", "PARTUUID=48525448-07")
    _plug(tmp_path, INSIDE, "PARTNAME=root-a", "PARTNAME=data")
    assert _taken(tmp_path) == "stopped"


def test_no_disk_is_no_system(tmp_path: Path) -> None:
    _plug(tmp_path, INSIDE, "PARTNAME=esp")
    assert _taken(tmp_path) == ""


def test_the_kernel_is_told_where_the_roots_own_modprobe_is_before_the_hand_over() -> None:
    """It keeps asking for busybox's otherwise, which is gone: no loop device, so no release could be installed."""
    text = INIT.read_text()
    told, over = text.rindex("echo /sbin/modprobe >/proc/sys/kernel/modprobe"), text.index("exec switch_root")
    assert text.index("echo /bin/modprobe >/proc/sys/kernel/modprobe") < told < over
