"""A box's root in a container of systemd-nspawn: its own systemd starts every unit, on this machine's kernel.

What a container does not have: memory and task limits where this machine has old control groups, screens (a
pseudo-terminal stands in for tty1), a boot loader, a network (it has an empty one). The virtual machine has those.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).parents[2]
IMAGES = PROJECT / "image" / "out"
BLOCK = 512
SYSTEMD = "/usr/lib/systemd/systemd"
START_SECONDS = 120.0
UP = ("running", "degraded")


def newest() -> Path | None:
    """The image that was built last for this kind of machine."""
    found = sorted(IMAGES.glob(f"hearth-*-{_machine()}.img"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def _machine() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def unpack(image: Path, root: Path) -> None:
    """The first root of that image."""
    table = json.loads(subprocess.run(["sfdisk", "-J", str(image)], capture_output=True, check=True).stdout)
    (start,) = [part["start"] for part in table["partitiontable"]["partitions"] if part["name"] == "root-a"]
    command = ["unsquashfs", "-q", "-no-progress", "-o", str(start * BLOCK), "-d", str(root), str(image)]
    subprocess.run(command, capture_output=True, check=True)


def lay_over(root: Path) -> None:
    """The units as they are in this folder, in place of the image's: for whoever works on them."""
    for kind in ("service", "socket", "timer", "path"):
        for file in (PROJECT / "systemd").glob(f"*.{kind}"):
            shutil.copy(file, root / "usr/lib/systemd/system")


@dataclass
class Unit:
    """What systemd knows of a unit."""

    active: str
    sub: str
    pid: int
    restarts: int


class Box:
    """A running container. `data`: its data partition, a folder of this machine."""

    def __init__(self, data: Path, leader: int) -> None:
        self.data = data
        self._leader = leader

    def run(self, *command: str, check: bool = True, seconds: float = 60.0) -> str:
        """Inside, as root."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", *command]
        done = subprocess.run(inside, capture_output=True, text=True, timeout=seconds, check=False)
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout

    def unit(self, name: str) -> Unit:
        told = self.run("systemctl", "show", name, "-p", "ActiveState,SubState,MainPID,NRestarts")
        said = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        return Unit(
            said["ActiveState"], said["SubState"], int(said.get("MainPID") or 0), int(said.get("NRestarts") or 0)
        )

    def listed(self, *options: str) -> list[str]:
        told = self.run("systemctl", "list-units", "--plain", "--no-legend", "--no-pager", *options)
        return [line.split()[0] for line in told.splitlines() if line.split()]

    def signal(self, name: str, number: str) -> None:
        self.run("systemctl", "kill", "--signal", number, "--kill-whom=main", name)

    def fetch(self, url: str) -> tuple[int, str]:
        """Status and page, (0, why) where nobody answers."""
        told = self.run("/usr/bin/python3.13", "-c", _FETCH, url)
        status, _, page = told.partition("\n")
        return int(status), page

    def journal(self, *of: str) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", *of)


_FETCH = """
import ssl, sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], context=ssl._create_unverified_context(), timeout=30)
    print(answer.status, answer.read().decode(), sep="\\n")
except urllib.error.HTTPError as answer:
    print(answer.code, answer.read().decode(), sep="\\n")
except OSError as problem:
    print(0, problem, sep="\\n")
"""


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Look again until it holds. A container has no loop of ours to wait on."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)


@contextmanager
def fresh_data() -> Iterator[Path]:
    """A data partition on which nothing was done yet."""
    with TemporaryDirectory(prefix="hearth-box-") as folder:
        yield _data(Path(folder))


@contextmanager
def started(root: Path, data: Path, screen: str = "") -> Iterator[Box]:
    """The box of that root on that data, up, until the block ends. `screen`: a terminal of this machine as its tty1."""
    name = f"hearth-{uuid.uuid4().hex[:8]}"
    binds = {data: "/data", data / "hearth": "/var/lib/hearth", data / "system/systemd": "/var/lib/systemd"}
    binds[data / "system/machine-id"] = "/etc/machine-id"
    options = [f"--bind={here}:{there}" for here, there in binds.items()]
    options += [f"--bind={screen}:/dev/tty1"] if screen else []
    kept = ["--read-only", "--tmpfs=/var:mode=0755", "--tmpfs=/media", "--private-network", "--capability=all"]
    how = ["--boot", "--quiet", "--register=no", "--keep-unit", "--console=pipe", f"--machine={name}"]
    process = subprocess.Popen(
        ["systemd-nspawn", *how, *kept, *options, f"--directory={root}"],
        env={**os.environ, "UNIFIED_CGROUP_HIERARCHY": "1", "SYSTEMD_NSPAWN_USE_CGNS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _leader(process.pid))
        box = Box(data, _leader(process.pid))
        until(lambda: box.run("systemctl", "is-system-running", check=False).strip() in UP, START_SECONDS)
        yield box
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    leader = _leader(process.pid)
    if leader:
        subprocess.run(["kill", "-s", "RTMIN+3", str(leader)], check=False)  # systemd(1): halt
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
        return
    process.kill()
    process.wait()


def _leader(nspawn: int) -> int:
    """The pid of the container's systemd, 0 before it runs."""
    for child in _children(nspawn):
        for one in (child, *_children(child)):
            with suppress(OSError):
                if Path(f"/proc/{one}/cmdline").read_bytes().startswith(SYSTEMD.encode()):
                    return one
    return 0


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _data(folder: Path) -> Path:
    """What the initrd makes of a fresh data partition."""
    folder.chmod(0o755)
    for name in ("hearth", "update", "system/systemd", "system/credstore.encrypted", "system/rauc"):
        (folder / name).mkdir(parents=True)
    (folder / "system/credstore.encrypted").chmod(0o700)
    (folder / "system/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (folder / "system/localtime").symlink_to("/usr/share/zoneinfo/Etc/UTC")
    return folder


def missing() -> str:
    """Why no container can be started here, "" if one can."""
    tools = [name for name in ("systemd-nspawn", "unsquashfs", "nsenter", "sfdisk") if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "a container needs root"
    if tools:
        return f"not here: {', '.join(tools)} (systemd-container, squashfs-tools)"
    return "" if newest() else "no image yet: make image"
