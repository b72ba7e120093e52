"""The systemd units: understood by systemd, hardened, explained, and starting commands that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
KINDS = ("service", "socket", "path", "timer", "target")
FILES = sorted(file for kind in KINDS for file in FOLDER.glob(f"*.{kind}"))
DROP_INS = sorted(FOLDER.glob("*.d/*.conf"))
UNITS = [file for file in FILES if file.suffix == ".service"]
MAX_EXPOSURE = 1.5
LONG_RUNNING = ("hearth-appliance", "hearth-relay", "hearth-courier", "hearth-console@", "hearth-help")

# What every service has; a unit that differs says why in the line above.
STRICT = {
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "LimitCORE": "0",
}
OPTIONAL = {"PrivateDevices": "yes", "PrivateMounts": "yes", "PrivateNetwork": "yes", "CapabilityBoundingSet": ""}

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"),  # CI is to fail without it
    reason="this machine has no systemd-analyze",
)
each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
each_file = pytest.mark.parametrize("unit", [*FILES, *DROP_INS], ids=lambda path: path.name)


def directives(unit: Path) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE)


def analyze(*command: str) -> str:
    """What systemd-analyze says of all units at once, their commands replaced by one that exists here."""
    with TemporaryDirectory() as folder:
        copies = [Path(folder) / file.name for file in FILES]
        for file, copy in zip(FILES, copies, strict=True):
            copy.write_text(re.sub(r"/opt/hearth/bin/\S+", "/bin/true", file.read_text()))
        for file in DROP_INS:
            (Path(folder) / file.parent.name).mkdir(exist_ok=True)
            shutil.copy(file, Path(folder) / file.parent.name)
        given = [str(copy) for copy in copies if command[0] == "verify" or copy.suffix == ".service"]
        done = subprocess.run(["systemd-analyze", *command, *given], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@cache
def exposures() -> dict[str, float]:
    """By unit; a template's has a letter of systemd's as its instance."""
    said = analyze("security", "--offline=true", "--no-pager")
    found = re.findall(r"Overall exposure level for ([\w-]+)(@?)\w*\.service: ([\d.]+)", said)
    return {name + at: float(level) for name, at, level in found}


@needs_systemd
def test_systemd_understands_every_line_of_every_unit_and_how_they_hang_together() -> None:
    assert analyze("verify", "--man=no").strip() == ""


@needs_systemd
@each_unit
def test_a_unit_is_not_exposed(unit: Path) -> None:
    assert exposures()[unit.stem] <= MAX_EXPOSURE


@each_file
def test_every_directive_is_explained(unit: Path) -> None:
    explained = set(re.findall(r"`(\w+)`", (FOLDER / "README.md").read_text()))
    assert {name for name, _ in directives(unit)} - explained == set()


@pytest.mark.parametrize("unit", FILES, ids=lambda path: path.name)
def test_every_unit_is_in_the_list(unit: Path) -> None:
    assert f"`{unit.name}`" in (FOLDER / "README.md").read_text()


@each_unit
def test_what_is_loosened_is_explained_beside_it(unit: Path) -> None:
    lines, said = unit.read_text().splitlines(), dict(directives(unit))
    assert set(STRICT) - set(said) == set()
    for number, line in enumerate(lines):
        name, _, value = line.partition("=")
        wanted = {**STRICT, **OPTIONAL}.get(name, value)
        assert value == wanted or explained(lines, number), f"{unit.name}: {line}"


def explained(lines: Sequence[str], number: int) -> bool:
    return lines[number - 1].startswith("#")


@each_unit
def test_root_runs_for_a_moment_with_what_it_is_there_for_and_nothing_else(unit: Path) -> None:
    """The steward's programs. Each right of root and each way to a network is explained beside it (above)."""
    said = dict(directives(unit))
    assert said["User"]
    if said["User"] != "root":
        return
    assert said["Type"] == "oneshot"
    assert len(said["CapabilityBoundingSet"].split()) <= 2
    assert unit.stem not in LONG_RUNNING and "appliance.steward" in said["ExecStart"]
    assert said.get("PrivateNetwork") == "yes" or re.search(r"^#.*\nRestrictAddressFamilies", unit.read_text(), re.M)


def test_each_process_has_a_user_of_its_own() -> None:
    users = {unit.stem: dict(directives(unit))["User"] for unit in UNITS}
    own = [user for name, user in users.items() if name in LONG_RUNNING]
    assert len(own) == len(set(own)) == len(LONG_RUNNING)
    declared = re.findall(r"^u (\S+)", (FOLDER / "hearth.sysusers").read_text(), re.MULTILINE)
    assert set(users.values()) - {"root"} == set(declared)


def test_who_meets_in_the_folder_of_the_sockets_takes_no_socket_of_another_away() -> None:
    lines = (FOLDER / "hearth.tmpfiles").read_text().splitlines()
    modes = {line.split()[1]: line.split()[2:5] for line in lines if line.startswith("d ")}
    assert modes["/var/lib/hearth/run"] == ["3770", "hearth", "hearth-run"]
    # Beside it only the spool is for several; what is believed (set-up, settings, contacts) lies above both.
    shared = {path for path, (_, owner, group) in modes.items() if (owner, group) != ("hearth", "hearth")}
    assert {path.split("/")[4] for path in shared if path.startswith("/var")} == {"run", "spool"}
    assert modes["/var/lib/hearth"][0] == "0751" and modes["/run/hearth/told"] == ["0750", "root", "hearth"]


@pytest.mark.parametrize("name", [name for name in LONG_RUNNING if name != "hearth-console@"])
def test_a_process_that_hangs_is_found(name: str) -> None:
    said = dict(directives(FOLDER / f"{name}.service"))
    assert said["Type"] == "notify" and int(said["WatchdogSec"]) >= 10
    assert said["Restart"] in ("always", "on-failure")


def test_every_timer_and_path_starts_a_unit_of_ours_and_is_started_itself() -> None:
    for file in FILES:
        if file.suffix in (".timer", ".path"):
            assert file.with_suffix(".service") in UNITS
            assert dict(directives(file))["WantedBy"] in ("timers.target", "paths.target")


def test_what_a_path_waits_for_is_what_its_program_takes_away() -> None:
    for file in FILES:
        if file.suffix == ".path":
            word = file.stem.removeprefix("hearth-")
            assert dict(directives(file))["PathExists"] == f"/run/hearth/ask/{word}.json"


@each_unit
def test_the_command_is_real(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option of the command line is known to the program that it starts."""
    words = dict(directives(unit))["ExecStart"].split()
    module, arguments = ("appliance", words[1:]) if Path(words[0]).name == "hearth" else (words[2], words[3:])
    assert Path(words[0]).name == "hearth" or words[1] == "-m"
    if module.startswith("appliance.steward"):
        assert find_spec(module) is not None
        return
    options = [word for word in arguments if word.startswith("--")]
    program = f"{module}.__main__" if module in ("appliance", "media", "sync", "tui") else module
    with pytest.raises(SystemExit) as ended:
        import_module(program).main([*arguments[: arguments.index(options[0])], "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for option in options:
        assert option in told


@pytest.mark.parametrize("name", ["wpa_supplicant@", "hostapd@", "dnsmasq@"])
def test_what_hears_strangers_as_root_sees_nothing_of_the_box(name: str) -> None:
    said = dict(directives(FOLDER / f"{name}.service.d" / "hearth.conf"))
    assert {"-/data", "-/var/lib/hearth", "-/run/hearth"} <= set(said["InaccessiblePaths"].split())
    dropped = said["CapabilityBoundingSet"]
    assert dropped.startswith("~") and {"CAP_SYS_PTRACE", "CAP_SYS_MODULE"} <= set(dropped[1:].split())
    assert "CAP_SYS_ADMIN" in dropped and said["NoNewPrivileges"] == "yes"
