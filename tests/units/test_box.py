"""A whole box in a container: what starts, what comes back when it dies or hangs, what answers when it cannot."""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyte
import pytest

from tests.fakes.box import PASSPHRASE, PASSWORD, open_box
from tests.units.box import Box, fresh_data, lay_over, newest, started, unpack, until

pytestmark = pytest.mark.units
afterwards = pytest.mark.usefixtures("well_again")

RUNNING = ("hearth-appliance", "hearth-relay", "hearth-courier")
WATCHDOG = 30.0  # seconds, of the units
LISTENING = ("hearth-portal.socket", "hearth-plain.socket")
PORTAL = "https://127.0.0.1/"
BROKEN = 'a key that is none = "'  # in hearth.toml: the appliance cannot start


class Terminal:
    """A pseudo-terminal of 80 by 24, and what a person sees on it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.name = os.ttyname(theirs)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self._screen)
        self._theirs = theirs
        threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError):
            while True:
                self._stream.feed(decoder.decode(os.read(self._ours, 65536)))

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def close(self) -> None:
        os.close(self._theirs)
        os.close(self._ours)


@pytest.fixture(scope="module")
def screen() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, image = tmp_path_factory.mktemp("root") / "root", newest()
    assert image is not None
    unpack(image, folder)
    if os.environ.get("HEARTH_UNITS") == "here":
        lay_over(folder)
    return folder


@pytest.fixture(scope="module")
def box(root: Path, screen: Terminal) -> Iterator[Box]:
    with fresh_data() as data, started(root, data, screen.name) as running:
        yield running


@pytest.fixture
def well_again(box: Box) -> Iterator[None]:
    """Each test leaves a box that runs, with its count of failures forgotten."""
    yield
    (box.data / "hearth/hearth.toml").unlink(missing_ok=True)
    box.run("systemctl", "reset-failed")
    box.run("systemctl", "start", *RUNNING)


def test_everything_starts_and_nothing_fails(box: Box) -> None:
    assert box.listed("--failed") == []
    for name in (*RUNNING, *LISTENING):
        assert box.unit(name).active == "active", box.journal("-u", name)
    enabled = box.run("systemctl", "list-unit-files", "--no-legend", "--state=enabled", "hearth-*")
    for file in Path(__file__).parents[2].joinpath("systemd").glob("*.timer"):
        assert file.name in enabled and box.unit(file.name).active == "active"
    for file in Path(__file__).parents[2].joinpath("systemd").glob("*.path"):
        assert box.unit(file.name).active == "active"


def test_the_portal_answers_on_443(box: Box) -> None:
    status, page = box.fetch(PORTAL)
    assert status == 200 and "<html" in page


def test_nobody_holds_a_right_of_root(box: Box) -> None:
    for name in RUNNING:
        told = box.run("cat", f"/proc/{box.unit(name).pid}/status")
        said = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
        assert [int(said[kind], 16) for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [0, 0, 0, 0]
        assert "0" not in said["Uid"].split() and said["NoNewPrivs"] == "1" and said["Seccomp"] == "2"


def test_the_console_draws_on_its_terminal(box: Box, screen: Terminal) -> None:
    until(lambda: box.unit("hearth-console@tty1").active == "active")
    until(lambda: "Hearth" in screen.text() or "Español" in screen.text())


@afterwards
@pytest.mark.parametrize("name", [*RUNNING, "hearth-console@tty1"])
def test_what_is_killed_comes_back(box: Box, name: str) -> None:
    before = box.unit(name)
    box.signal(name, "KILL")
    until(lambda: box.unit(name).active == "active" and box.unit(name).pid not in (0, before.pid))
    assert box.unit(name).restarts > before.restarts
    assert box.unit("hearth-help").active == "inactive"


@afterwards
def test_who_comes_while_the_appliance_starts_again_waits_and_is_served(box: Box) -> None:
    box.signal("hearth-appliance", "KILL")
    until(lambda: box.unit("hearth-appliance").active != "active")
    assert box.fetch(PORTAL)[0] == 200


@afterwards
@pytest.mark.parametrize("name", RUNNING)
def test_what_hangs_is_found_and_started_again(box: Box, name: str) -> None:
    before = box.unit(name)
    box.signal(name, "STOP")
    until(lambda: box.unit(name).pid not in (0, before.pid), 2 * WATCHDOG)
    until(lambda: box.unit(name).active == "active")
    assert "watchdog" in box.journal("-u", name).lower()


def test_a_reminder_reaches_the_box_and_nobody_else_may_remind(box: Box) -> None:
    for what in ("backup", "audit", "look"):
        box.run("systemctl", "start", f"hearth-{what}.service")
        until(lambda what=what: "The box is locked" in box.journal("-u", f"hearth-{what}"))  # type: ignore[misc]
    remind = [
        "/opt/hearth/bin/python",
        "-m",
        "appliance.timer",
        "audit",
        "--socket",
        "/var/lib/hearth/run/control.sock",
    ]
    assert "refused" in box.run(
        "setpriv", "--reuid=hearth-console", "--regid=hearth-run", "--clear-groups", *remind, check=False
    )


@afterwards
def test_a_box_that_cannot_run_says_whom_to_call_and_comes_back(box: Box) -> None:
    (box.data / "hearth/contacts.json").write_text('[{"name": "Night line", "phone": "555 0199", "about": ""}]')
    (box.data / "hearth/hearth.toml").write_text(BROKEN)
    box.signal("hearth-appliance", "KILL")
    until(lambda: box.unit("hearth-help").active == "active", 90)
    for url in (PORTAL, "http://127.0.0.1/"):
        status, page = box.fetch(url)
        assert status == 503 and "555 0199" in page
    assert box.unit("hearth-relay").active == "active"
    (box.data / "hearth/hearth.toml").unlink()
    box.run("systemctl", "reset-failed", "hearth-appliance")  # what two minutes would do
    box.signal("hearth-help", "TERM")  # what ten minutes would do
    until(lambda: box.unit("hearth-appliance").active == "active")
    for name in LISTENING:
        assert box.unit(name).active == "active"
    assert box.fetch(PORTAL)[0] == 200
    assert box.unit("hearth-help").active == box.unit("hearth-help.socket").active == "inactive"


def test_what_was_sealed_for_this_machine_opens_at_the_next_start(root: Path) -> None:
    """The machine's own key slot: the root is read-only, so identity and secret of the machine live with the data."""
    place, given = "/etc/credstore.encrypted/hearth-slot", "/run/credentials/hearth-appliance.service/hearth-slot"
    with fresh_data() as data:
        with started(root, data) as box:
            box.run("sh", "-c", f"printf seed | systemd-creds encrypt --name=hearth-slot --with-key=host - {place}")
        with started(root, data) as box:
            assert box.unit("hearth-appliance").active == "active"
            assert box.run("cat", given) == "seed"
            relay = ["setpriv", "--reuid=hearth-relay", "--regid=hearth-relay", "--clear-groups"]
            assert box.run(*relay, "cat", given, check=False) == ""


CONSOLE = """
import asyncio, sys
from pathlib import Path
from appliance.control.client import ControlClient
async def run():
    client = ControlClient(Path("/var/lib/hearth/run/control.sock"))
    if sys.argv[1] == "state":
        print((await client.snapshot()).box.state)
    else:
        if (await client.snapshot()).box.state == "locked":
            await client.unlock("{passphrase}")
        await client.sign_in("ruth", "{password}")
        if sys.argv[1] == "add":
            assert (await client.keys()).machine_keeps == "on_disk"
            await client.add_own(tpm=False)
        for slot in (await client.keys()).slots:
            if slot.kind == "machine":
                print(slot.state)
                if sys.argv[1] == "remove":
                    await client.remove_key(slot.id)
    await client.close()
asyncio.run(run())
""".replace("{passphrase}", PASSPHRASE).replace("{password}", PASSWORD)


def test_what_the_console_has_the_machine_keep_opens_the_box_at_the_next_start(root: Path) -> None:
    """By the errand of the steward, in its unit; and forgotten when the slot is removed."""
    with fresh_data() as data:
        asyncio.run(a_clinic(data / "hearth", root))
        kept = data / "system/credstore.encrypted/hearth-slot"
        with started(root, data) as box:
            assert console(box, "state") == "locked"
            assert console(box, "add") == "untried", box.journal("-u", "hearth-credential")
            assert kept.stat().st_mode & 0o777 == 0o600 and kept.stat().st_uid == 0
            assert box.run("ls", "-A", "/run/hearth/ask") == ""
        with started(root, data) as box:
            until(lambda: console(box, "state") == "unlocked")
            assert console(box, "remove") == "elsewhere"
            assert not kept.exists()
            box.run("systemctl", "restart", "hearth-appliance")
            assert console(box, "state") == "locked"


async def a_clinic(home: Path, root: Path) -> None:
    """A store with a clinic in it, that of the user of the appliance in the box."""
    async with open_box(home):
        (home / "hearth.toml").write_text('[sign_in]\nsecond_factor = "optional"\n')
    uid, gid = (root / "etc/passwd").read_text().split("\nhearth:x:")[1].split(":")[:2]
    for path in (home, *home.rglob("*")):
        os.chown(path, int(uid), int(gid))


def console(box: Box, word: str) -> str:
    """What a console does there, as the user of the console."""
    person = ["setpriv", "--reuid=hearth-console", "--regid=hearth-run", "--clear-groups"]
    return box.run(*person, "/opt/hearth/bin/python", "-c", CONSOLE, word).strip()
