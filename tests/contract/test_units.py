"""The systemd units: understood by systemd, hardened, explained, and starting commands that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
MAX_EXPOSURE = 2.0

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"),  # CI is to fail without it
    reason="this machine has no systemd-analyze",
)
each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)


def directives(unit: Path) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE)


def analyze(verb: str, unit: Path, folder: Path, *options: str) -> str:
    """What systemd-analyze says of the unit, its commands replaced by one that exists here."""
    copy = folder / unit.name
    copy.write_text(re.sub(r"/opt/hearth/bin/\S+", "/bin/true", unit.read_text()))
    command = ["systemd-analyze", verb, *options, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_systemd
@each_unit
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    assert analyze("verify", unit, tmp_path, "--man=no").strip() == ""


@needs_systemd
@each_unit
def test_a_unit_is_not_exposed(unit: Path, tmp_path: Path) -> None:
    said = analyze("security", unit, tmp_path, "--offline=true", "--no-pager")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None
    assert float(found[1]) <= MAX_EXPOSURE


@each_unit
def test_every_directive_is_explained(unit: Path) -> None:
    explained = set(re.findall(r"`(\w+)`", (FOLDER / "README.md").read_text()))
    assert {name for name, _ in directives(unit)} - explained == set()


@each_unit
def test_no_unit_runs_as_root_or_leaves_its_memory_on_disk(unit: Path) -> None:
    said = dict(directives(unit))
    assert said["User"] not in ("", "root")
    assert said["NoNewPrivileges"] == "yes"
    assert said["ProtectSystem"] == "strict"
    assert said["LimitCORE"] == "0"


def test_each_process_has_a_user_of_its_own() -> None:
    users = [dict(directives(unit))["User"] for unit in UNITS]
    assert len(users) == len(set(users)) == 4
    declared = re.findall(r"^u (\S+)", (FOLDER / "hearth.sysusers").read_text(), re.MULTILINE)
    assert set(users) == set(declared)


@each_unit
def test_the_command_is_real(unit: Path) -> None:
    """Each option of the command line is known to the program that it starts."""
    words = dict(directives(unit))["ExecStart"].split()
    program, arguments = Path(words[0]).name, words[1:]
    start = {"python": [], "hearth": ["-m", "appliance"]}
    options = [word for word in arguments if word.startswith("--")]
    command = [*start[program], *arguments[: arguments.index(options[0])], "--help"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in options:
        assert option in done.stdout
