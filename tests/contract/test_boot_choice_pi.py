"""image/rauc/boot-choice-pi as it is, over a made-up partition of the firmware and a made-up firmware that reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "image"
SCRIPT = IMAGE / "rauc/boot-choice-pi"
PARTITIONS = {"2": "A", "3": "B"}


class Pi:
    """A Raspberry Pi: what its firmware reads, what its kernel was told, and what was asked of systemd."""

    def __init__(self, folder: Path) -> None:
        self.esp, self.modules, self.run = folder / "esp", folder / "modules", folder / "run"
        self.tree, self.line, self.asked = folder / "tree", folder / "cmdline", folder / "asked"
        for made in (self.esp, self.modules / "hearth_tryboot", self.run, self.tree / "chosen/bootloader"):
            made.mkdir(parents=True)
        self.capabilities = self.tree / "chosen/bootloader/capabilities"
        self.capabilities.write_bytes(bytes((0, 0, 0, 0x7F)))
        self.file = self.esp / "autoboot.txt"
        self.file.write_bytes((IMAGE / "pi/boot/autoboot.txt").read_bytes())
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.program("systemctl", f'echo "$*" >>{self.asked}; [ "$1" != list-jobs ] || echo "7 $2 start waiting"')
        self.start()

    def program(self, name: str, does: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{does}\n")
        (self.bin / name).chmod(0o755)

    def start(self, *, tryboot: bool = False) -> str:
        """What the firmware starts."""
        slot = firmware(self.file.read_text(), tryboot=tryboot)
        self.line.write_text(f"root=PARTLABEL=root-{slot.lower()} ro quiet\n")
        return slot

    def restart(self) -> str:
        """An orderly restart: hearth-trial is stopped, then the kernel hands the word to the firmware."""
        self.call("leave")
        told = self.run / "reboot-param"
        tryboot = told.exists() and told.read_text() == "0 tryboot\n"
        told.unlink(missing_ok=True)
        return self.start(tryboot=tryboot)

    def call(self, *words: str, code: int = 0) -> str:
        given = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HEARTH_ESP": str(self.esp),
            "HEARTH_DEVICE_TREE": str(self.tree),
            "HEARTH_MODULES": str(self.modules),
            "HEARTH_COMMAND_LINE": str(self.line),
            "HEARTH_RUN": str(self.run),
            "HEARTH_WAITS": "0",
        }
        done = subprocess.run(["sh", SCRIPT, *words], env=given, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout.strip()


def firmware(text: str, *, tryboot: bool) -> str:
    """Which slot the boot loader takes by an autoboot.txt: filters decide which lines count, later ones win."""
    assert len(text.encode()) <= 512
    counts, partition = True, ""
    for line in text.splitlines():
        if line.startswith("["):
            counts = line == "[all]" or (line == "[tryboot]" and tryboot)
        elif counts and (found := re.fullmatch(r"boot_partition=([0-9])", line)):
            partition = found[1]
    return PARTITIONS[partition]


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


def test_a_new_box_starts_its_first_slot_and_tries_nothing(pi: Pi) -> None:
    assert (pi.call("get-primary"), pi.call("get-current")) == ("A", "A")
    assert (pi.call("get-state", "A"), pi.call("get-state", "B")) == ("good", "bad")
    assert pi.restart() == "A"


def test_a_release_is_tried_once_and_then_the_box_s_own_starts_again(pi: Pi) -> None:
    pi.call("set-primary", "B")
    assert (pi.call("get-primary"), pi.call("get-state", "B")) == ("B", "good")
    assert pi.restart() == "B"
    assert pi.call("get-primary") == "A"
    assert pi.restart() == "A"


def test_a_release_that_proved_itself_is_the_box_s_own(pi: Pi) -> None:
    pi.call("set-primary", "B")
    assert pi.restart() == "B"
    pi.call("set-state", "B", "good")
    assert pi.start() == "B"
    assert (pi.call("get-primary"), pi.call("get-state", "A")) == ("B", "bad")


def test_one_can_go_back_as_one_went_forward(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.restart()
    pi.call("set-state", "B", "good")
    pi.call("set-primary", "A")
    assert pi.restart() == "A"
    assert pi.restart() == "B"


def test_a_power_cut_before_the_restart_does_not_lose_the_trial(pi: Pi) -> None:
    pi.call("set-primary", "B")
    assert pi.start() == "A"
    pi.call("arrive")
    assert "--no-block reboot" in pi.asked.read_text()
    assert pi.restart() == "B"


def test_an_ordinary_start_restarts_nothing_and_writes_nothing(pi: Pi) -> None:
    before = pi.file.stat().st_mtime_ns
    pi.call("arrive")
    pi.call("set-state", "A", "good")
    assert not pi.asked.exists()
    assert pi.file.stat().st_mtime_ns == before


def test_switching_off_begins_no_trial(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.program("systemctl", "exit 0")
    pi.call("leave")
    assert not (pi.run / "reboot-param").exists()
    assert pi.call("get-primary") == "B"


def test_the_word_is_taken_away_before_the_firmware_is_told(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.run.rmdir()
    pi.call("leave", code=2)
    assert pi.call("get-primary") == "A"


def test_a_boot_loader_that_knows_no_trial_is_given_none(pi: Pi) -> None:
    for content in (bytes((0, 0, 0, 0x7B)), b""):
        pi.capabilities.write_bytes(content)
        pi.call("set-primary", "B", code=1)
        assert pi.call("get-primary") == "A"
    pi.capabilities.unlink()
    pi.call("set-primary", "B", code=1)


def test_a_kernel_that_cannot_tell_the_firmware_is_given_no_trial(pi: Pi) -> None:
    (pi.modules / "hearth_tryboot").rmdir()
    pi.call("set-primary", "B", code=1)
    assert pi.restart() == "A"


def test_a_trial_that_became_impossible_is_given_up_at_the_start(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.capabilities.unlink()
    pi.call("arrive")
    assert not pi.asked.exists()
    assert pi.call("get-primary") == "A"


def test_what_comes_back_when_a_trial_fails_is_not_written_over(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.restart()
    pi.call("set-state", "A", "bad", code=1)
    assert pi.restart() == "A"


def test_a_slot_that_is_being_written_is_not_tried(pi: Pi) -> None:
    pi.call("set-primary", "B")
    pi.call("set-state", "B", "bad")
    assert (pi.call("get-primary"), pi.call("get-state", "B")) == ("A", "bad")


def test_a_lost_file_is_made_again(pi: Pi) -> None:
    pi.file.unlink()
    assert pi.call("get-primary") == "A"
    pi.call("set-primary", "A")
    assert pi.start() == "A"


def test_unknown_words_are_refused(pi: Pi) -> None:
    for words in (("set-primary", "C"), ("set-state", "A"), ("get-primary", "A"), ()):
        pi.call(*words, code=2)


def _writes() -> Iterator[tuple[str, tuple[str, ...], set[str]]]:
    """Every write that there is: the words before it, its own, and the slots that may start after a cut in it."""
    yield "nothing tried, own A", ("set-primary", "B"), {"A"}
    yield "B tried next", ("set-state", "B", "bad"), {"A"}
    yield "B tried next", ("leave",), {"A"}
    yield "B on trial", ("set-state", "B", "good"), {"A", "B"}


@pytest.mark.parametrize(
    ("before", "words", "may_start"),
    list(_writes()),
    ids=lambda one: "".join(sorted(one)) if isinstance(one, set) else str(one),
)
def test_a_power_cut_anywhere_in_a_write_leaves_a_slot_that_starts(
    pi: Pi, before: str, words: tuple[str, ...], may_start: set[str]
) -> None:
    if before != "nothing tried, own A":
        pi.call("set-primary", "B")
    if before == "B on trial":
        assert pi.restart() == "B"
    old, place = pi.file.read_bytes(), pi.file.stat()
    pi.call(*words)
    new = pi.file.read_bytes()
    # Over itself: the same file, as long as it was, in the one sector that it has always had.
    assert (pi.file.stat().st_ino, len(new)) == (place.st_ino, len(old))
    assert len(new) <= 512
    assert new != old
    for written in range(len(new) + 1):
        for torn in (new[:written] + old[written:], old[: len(old) - written] + new[len(new) - written :]):
            assert firmware(torn.decode(), tryboot=False) in may_start


def test_a_write_that_fails_changes_nothing_and_says_so(pi: Pi) -> None:
    old = pi.file.read_bytes()
    pi.program("dd", "cat >/dev/null; exit 1")
    pi.call("set-primary", "B", code=1)
    assert pi.file.read_bytes() == old


def test_the_first_words_of_a_box_are_those_that_the_script_would_write(pi: Pi) -> None:
    shipped = pi.file.read_bytes()
    pi.call("set-primary", "B")
    pi.call("set-primary", "A")
    assert pi.file.read_bytes() == shipped


@pytest.mark.skipif(shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="no systemd-analyze")
def test_the_unit_that_calls_it_is_hardened_and_comes_before_whoever_opens_the_store() -> None:
    unit = IMAGE / "pi/files/usr/lib/systemd/system/hearth-trial.service"
    analyze = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", str(unit)]
    assert subprocess.run(analyze, capture_output=True, check=False).returncode == 0
    (before,) = re.findall(r"(?m)^Before=(.*)$", unit.read_text())
    assert {"hearth-slot.service", "hearth-appliance.service"} <= set(before.split())
