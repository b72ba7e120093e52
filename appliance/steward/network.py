"""The errand `network`: how this machine is on the network, its time zone, and the names that it answers to.

    what   {"do": "look"} | {"do": "set", "network": {…}} | {"do": "keep"} | {"do": "back"} | {"do": "scan"}
           | {"do": "zone", "zone": "Europe/Madrid"} | {"do": "names", "names": ["box.example.org"]}
           | {"do": "keyboard", "layout": "latam"}
    facts  {"network": {…} without passwords, "seconds_left", "zone", "keyboard",
            "networks": [{"name", "strength", "locked"}]}

    network.json       what is kept, on the data partition, for root alone: passwords are in it
    tried.json         what is on trial, in memory: a power cut or TRIAL_SECONDS later it is gone, and with it the trial

Also started at boot (`boot`: make the files, before systemd-networkd and nothing is asked of a running program) and by
a timer (`back`). Every deed makes all files anew from what is kept, so after a crash the next one finds nothing half.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from appliance.steward import errand, keyboard
from appliance.steward import network_air as air
from appliance.steward import network_settings as rules
from appliance.steward.errand import Refused, Tell
from appliance.steward.network_files import NETWORKD, OTHERS, Derived, derive
from appliance.steward.network_settings import Network, Wrong

TRIAL_SECONDS = 60  # long enough to see whether people reach the box, short for those who do not
JOIN_SECONDS = 25.0  # for a Wi-Fi to let the box in; the slowest seen in the wild take 15
LOOK_SECONDS = 0.5
MAX_NAMES = 4
TIMER = "hearth-network-back.timer"
KEYBOARD = "hearth-keyboard.service"  # this program has no right over a screen
# Programs that this file starts and stops; an instance that is not wanted is stopped.
_OURS = re.compile(r"(wpa_supplicant|hostapd|dnsmasq)@[A-Za-z0-9._:-]+\.service")
_NAME = re.compile(r"(?=.{1,200}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_INTERFACE = re.compile(
    r"[A-Za-z0-9._-]{1,15}"
)  # IFNAMSIZ less its end; nothing that a file of settings reads otherwise

Call = Callable[..., str]


def call(*command: str) -> str:
    """Run it; what it printed. Raises Refused("internal") if it failed or took longer than 20 s."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, timeout=20.0, text=True, errors="replace")  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        sys.stderr.write(f"network: {command[0]} failed\n")
        raise Refused("internal") from None
    return done.stdout


@dataclass(frozen=True, slots=True)
class Machine:
    """Where everything is, and what may be asked of the system; other places in tests."""

    system: Path = Path("/data/system")
    run: Path = Path(OTHERS)
    networkd: Path = Path(NETWORKD)
    interfaces: Path = Path("/sys/class/net")
    zones: Path = Path("/usr/share/zoneinfo")
    call: Call = call
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = field(default=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))

    # -- what is kept and tried --------------------------------------------------------------------------------------

    @property
    def kept_file(self) -> Path:
        return self.system / "network.json"

    @property
    def tried_file(self) -> Path:
        return self.run / "tried.json"

    def kept(self) -> Network:
        """What is kept; of a file that is missing or cannot be: every cable asks for its address."""
        return _read(self.kept_file) or Network()

    def tried(self) -> Network | None:
        return _read(self.tried_file)

    def names(self) -> tuple[str, ...]:
        try:
            return checked_names(msgspec.json.decode((self.system / "names.json").read_bytes(), type=list[str]))
        except (OSError, msgspec.DecodeError, Wrong):
            return ()

    def zone(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return str((self.system / "localtime").readlink().relative_to(self.zones))
        return ""

    # -- what it has -------------------------------------------------------------------------------------------------

    def wired_and_wifi(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of interfaces with a device behind them, in order; loopback, bridges and tunnels have none."""
        try:
            found = sorted(one.name for one in self.interfaces.iterdir() if (one / "device").exists())
        except OSError:
            return (), ()
        known = [name for name in found if _INTERFACE.fullmatch(name)]
        radios = tuple(name for name in known if (self.interfaces / name / "phy80211").exists())
        return tuple(name for name in known if name not in radios), radios


def _read(path: Path) -> Network | None:
    try:
        return rules.read(path.read_bytes())
    except (OSError, Wrong):
        return None


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that may stand in a file of settings. Raises Wrong."""
    if len(names) > MAX_NAMES or not all(_NAME.fullmatch(name) for name in names):
        raise Wrong("bad_request")
    return tuple(sorted(set(names)))


def keep_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Whole or not at all, also over a power cut: the bytes are on the disk before the name is theirs."""
    beside = path.with_name(f".{path.name}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# -- the deeds ---------------------------------------------------------------------------------------------------------


def do(machine: Machine, what: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """One errand; its facts. Raises Refused."""
    deeds: dict[str, Callable[[], dict[str, Any]]] = {
        "look": dict,
        "set": lambda: _set(machine, what.get("network"), tell),
        "keep": lambda: _keep(machine),
        "back": lambda: _back(machine),
        "scan": lambda: _scan(machine),
        "zone": lambda: _zone(machine, what.get("zone")),
        "names": lambda: _names(machine, what.get("names")),
        "keyboard": lambda: _keyboard(machine, what.get("layout")),
    }
    try:
        more = deeds[str(what.get("do"))]()
    except KeyError:
        raise Refused("bad_request") from None
    except Wrong as wrong:
        raise Refused(wrong.code) from None
    return {**facts(machine), **more}


def facts(machine: Machine) -> dict[str, Any]:
    """What anybody in the appliance may know: no password."""
    tried = machine.tried()
    shown = msgspec.to_builtins(tried or machine.kept())
    for kind in ("wifi", "access_point"):
        if shown[kind] is not None:
            shown[kind]["password"] = None
    del shown["version"]
    return {
        "network": shown,
        "seconds_left": _seconds_left(machine) if tried else 0,
        "zone": machine.zone(),
        "keyboard": keyboard.kept(machine.system),
    }


def _seconds_left(machine: Machine) -> int:
    try:
        until = float((machine.run / "until").read_text())
    except (OSError, ValueError):
        return 1
    return max(1, round(until - machine.now()))


def _set(machine: Machine, asked: object, tell: Tell) -> dict[str, Any]:
    try:
        wanted = msgspec.convert(asked, Network)
    except msgspec.ValidationError:
        raise Refused("bad_request") from None
    network = rules.filled(wanted, machine.tried() or machine.kept())
    rules.check(network)
    if network.kind != "wired" and not machine.wired_and_wifi()[1]:
        raise Refused("no_wifi")
    keep_file(machine.run / "until", str(machine.now() + TRIAL_SECONDS + JOIN_SECONDS).encode())
    keep_file(machine.tried_file, rules.write(network))
    machine.call("systemctl", "restart", "--no-block", TIMER)
    try:
        apply(machine, network)
        tell(40, facts(machine))
        _see_joined(machine, network)
    except BaseException:
        _back(machine)
        raise
    if network.kind == "wired" and network.wired.addressing == "dhcp":
        return _keep(machine)  # nothing that could be wrong: it is what a box without any settings does
    keep_file(machine.run / "until", str(machine.now() + TRIAL_SECONDS).encode())
    machine.call("systemctl", "restart", "--no-block", TIMER)
    return {}


def _see_joined(machine: Machine, network: Network) -> None:
    """Wait until the Wi-Fi let the box in. Raises Refused("wifi_refused")."""
    if network.kind != "wifi":
        return
    radio, until = machine.wired_and_wifi()[1][0], machine.now() + JOIN_SECONDS
    while machine.now() < until:
        state = air.state(_quietly(machine, *_cli(machine, radio), "status"))
        if state == "COMPLETED":
            return
        machine.wait(LOOK_SECONDS)
    raise Refused("wifi_refused")


def _keep(machine: Machine) -> dict[str, Any]:
    tried = machine.tried()
    if tried is None:
        raise Refused("no_trial")
    keep_file(machine.kept_file, rules.write(tried))
    _end_trial(machine)
    return {}


def _back(machine: Machine) -> dict[str, Any]:
    if machine.tried() is None:
        raise Refused("no_trial")
    _end_trial(machine)
    apply(machine, machine.kept())
    return {}


def _end_trial(machine: Machine) -> None:
    machine.tried_file.unlink(missing_ok=True)
    (machine.run / "until").unlink(missing_ok=True)
    machine.call("systemctl", "stop", "--no-block", TIMER)


def _scan(machine: Machine) -> dict[str, Any]:
    """Through the wpa_supplicant that runs, or one with nothing to join that is started for it."""
    network, radios = machine.tried() or machine.kept(), machine.wired_and_wifi()[1]
    if not radios:
        raise Refused("no_wifi")
    if network.kind == "access_point":
        raise Refused("wifi_busy")

    def ask(word: str) -> str:
        return machine.call(*_cli(machine, radios[0]), word)

    if network.kind == "wifi":
        return {"networks": air.listen(ask, machine.wait)}
    unit = f"wpa_supplicant@{radios[0]}.service"
    keep_file(
        machine.run / f"wpa_supplicant-{radios[0]}.conf", b"ctrl_interface=/run/wpa_supplicant\nupdate_config=0\n"
    )
    try:
        machine.call("systemctl", "start", unit)
        return {"networks": air.listen(ask, machine.wait)}
    finally:
        apply(machine, network)


def _cli(machine: Machine, radio: str) -> tuple[str, ...]:
    """How wpa_supplicant is asked. Its answer comes to a socket in a folder that both of us see."""
    return ("wpa_cli", "-s", str(machine.run), "-i", radio)


def _zone(machine: Machine, asked: object) -> dict[str, Any]:
    zone = rules.check_zone(str(asked))
    if not (machine.zones / zone).is_file():
        raise Refused("zone_unknown")
    beside = machine.system / ".localtime"
    beside.unlink(missing_ok=True)
    beside.symlink_to(machine.zones / zone)
    beside.rename(machine.system / "localtime")
    return {}


def _keyboard(machine: Machine, asked: object) -> dict[str, Any]:
    """Kept first: a screen that is not there now, or comes later, gets it when it comes."""
    layout = next((one for one in keyboard.LAYOUTS if one == asked), None)
    if layout is None:
        raise Refused("keyboard_unknown")
    keep_file(machine.system / "keyboard", f"{layout}\n".encode(), 0o644)
    machine.call("systemctl", "start", KEYBOARD)
    return {}


def _names(machine: Machine, asked: object) -> dict[str, Any]:
    try:
        names = checked_names(msgspec.convert(asked, list[str]))
    except msgspec.ValidationError:
        raise Refused("bad_request") from None
    if names != machine.names():
        keep_file(machine.system / "names.json", msgspec.json.encode(names))
        apply(machine, machine.tried() or machine.kept())
    return {}


# -- making it so ------------------------------------------------------------------------------------------------------


def write_files(machine: Machine, network: Network) -> tuple[Derived, frozenset[str]]:
    """All files of what is wanted, and none of what was wanted before; and the names of those that are others now."""
    wired, wifi = machine.wired_and_wifi()
    derived = derive(network, wired, wifi, machine.names())
    folders = {NETWORKD: machine.networkd, OTHERS: machine.run}
    wanted = {folders[str(Path(path).parent)] / Path(path).name: text for path, text in derived.files.items()}
    changed: set[str] = set()
    for folder in folders.values():
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for path in (*machine.networkd.glob("*-hearth-*"), *machine.run.glob("*.conf")):
        if path not in wanted:
            path.unlink()
            changed.add(path.name)
    for path, text in wanted.items():
        if not path.exists() or path.read_text() != text:
            public = path.parent == machine.networkd or path.name.startswith("dnsmasq")
            keep_file(path, text.encode(), 0o644 if public else 0o600)
            changed.add(path.name)
    return derived, frozenset(changed)


def apply(machine: Machine, network: Network) -> None:
    """Files, then the programs that read them. What is the same goes on: nobody is thrown out for another's name."""
    derived, changed = write_files(machine, network)
    listed = machine.call("systemctl", "list-units", "--plain", "--no-legend", "--all", "*@*.service")
    running = {word for line in listed.splitlines() for word in line.split()[:1] if _OURS.fullmatch(word)}
    unwanted = sorted(running - set(derived.units))
    if unwanted:
        machine.call("systemctl", "stop", *unwanted)
        _quietly(machine, "systemctl", "reset-failed", *unwanted)
    if any(name.endswith(".network") for name in changed):
        machine.call("networkctl", "reload")
        for one in (name for names in machine.wired_and_wifi() for name in names):
            _quietly(machine, "networkctl", "reconfigure", one)
    for unit in derived.units:
        other = unit.replace("@", "-", 1).removesuffix(".service") + ".conf" in changed
        try:
            machine.call("systemctl", "restart" if other else "start", unit)
        except Refused:
            raise Refused("no_wifi" if unit.startswith("hostapd@") else "internal") from None


def _quietly(machine: Machine, *command: str) -> str:
    """What may fail: an interface that networkd does not know yet, a program that is not up yet."""
    try:
        return machine.call(*command)
    except Refused:
        return ""


# -- the program -------------------------------------------------------------------------------------------------------


def boot(machine: Machine) -> int:
    """Before the network is up: the files, and the programs that are started along with it."""
    derived, _ = write_files(machine, machine.kept())
    if derived.units:
        machine.call("systemctl", "start", "--no-block", *derived.units)
    return 0


def main(arguments: list[str], machine: Machine | None = None) -> int:
    """Without an argument: the errand. `boot`, `back`: by systemd."""
    os.umask(0o022)
    machine = machine or Machine()
    machine.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (machine.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the timer may fire while an errand is under way
        if arguments == ["boot"]:
            return boot(machine)
        if arguments == ["back"]:
            with contextlib.suppress(Refused):  # kept in the last moment
                _back(machine)
            return 0
        return errand.run("network", lambda what, tell: do(machine, what, tell))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
