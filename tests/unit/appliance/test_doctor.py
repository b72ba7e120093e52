"""What the doctor makes of what it sees. Sysfs and `iw` are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance import carrying
from appliance.carrying import choose
from appliance.doctor import command, network, rules
from appliance.doctor.facts import Box, Facts, Forwarding, Interface, Machine
from appliance.home import Home
from appliance.settings import MediaSection

WELL = Machine(
    name="Raspberry Pi 5 Model B",
    processor="Cortex-A76",
    cores=4,
    temperature=51.0,
    throttled=False,
    memory_available=6 * 2**30,
    memory_total=8 * 2**30,
    disk_free=90 * 2**30,
    disk_total=116 * 2**30,
    write_ms=6.0,
    write_worst_ms=20.0,
    receive_buffer=4_194_304,
    clock_ok=True,
    clock_synchronised=True,
)
CABLE = Interface(name="eth0", kind="wire", mbps=1000)
SPEED = Forwarding(packets_per_cpu_second=40_000, packets_per_second=30_000)


def facts(interfaces: tuple[Interface, ...] = (CABLE,), box: Box | None = None, **machine: Any) -> Facts:
    return Facts(
        machine=msgspec.structs.replace(WELL, **machine),
        interfaces=interfaces,
        box=box or Box(running=True, relay=True),
        forwarding=SPEED,
    )


def marks(of: Facts) -> dict[str, str]:
    return {one.code: one.mark for one in rules.findings(of)}


def test_a_machine_that_is_well_has_nothing_to_look_at() -> None:
    assert set(marks(facts()).values()) == {"ok"}
    assert rules.exit_code(rules.findings(facts())) == 0


@pytest.mark.parametrize(
    ("code", "ill"),
    [
        ("temperature", {"temperature": 84.0}),
        ("throttled", {"throttled": True}),
        ("memory", {"memory_available": 200 * 2**20}),
        ("disk", {"disk_free": 5 * 2**30}),
        ("disk_writes", {"write_ms": 120.0}),
        ("disk_writes", {"write_ms": None}),
        ("clock", {"clock_ok": False}),
    ],
)
def test_what_needs_somebody_is_not_ok_and_the_command_says_so(code: str, ill: dict[str, Any]) -> None:
    found = facts(**ill)
    assert marks(found)[code] == "bad"
    assert rules.exit_code(rules.findings(found)) == 1


@pytest.mark.parametrize(
    ("code", "unseen"),
    [
        ("temperature", {"temperature": None}),
        ("socket_buffers", {"receive_buffer": None}),
        ("clock", {"clock_synchronised": None}),
    ],
)
def test_what_cannot_be_seen_is_said_and_not_guessed(code: str, unseen: dict[str, Any]) -> None:
    assert marks(facts(**unseen))[code] == "unknown"


def test_a_box_without_internet_is_not_ill() -> None:
    assert marks(facts(clock_synchronised=False))["clock"] == "look"


def test_a_relay_that_is_down_and_no_network_need_somebody() -> None:
    assert marks(facts(box=Box(running=True, relay=False)))["relay"] == "bad"
    assert marks(facts(interfaces=()))["network"] == "bad"


def test_half_of_what_a_processor_forwards_is_planned_with() -> None:
    assert rules.packets(facts()) == 15_000


def test_of_wifi_less_than_half_of_the_rate_is_reckoned_with() -> None:
    point = Interface(name="wlan0", kind="access_point", mbps=72.2)
    assert rules.kbps((point,)) == 28_880
    assert rules.kbps((Interface(name="wlan0", kind="wifi", mbps=72.2),)) < 15_000
    assert rules.kbps((CABLE,)) == 700_000
    assert rules.kbps((Interface(name="eth0", kind="wire", mbps=10, full_duplex=False),)) == 4_000


def test_people_come_by_the_boxs_own_wifi_where_it_has_one() -> None:
    point = Interface(name="wlan0", kind="access_point", mbps=72.2)
    assert rules.line((CABLE, point)) == point
    told = rules.summary(
        choose(MediaSection(), None, "", 2), {"pictures": 3, "one": 9, "sound": 60, "groups": 0}, (point,)
    )
    assert "3 people in one room with all pictures, or 9 with sound and one picture each" in told[0]
    assert any("4 to 10 people" in sentence for sentence in told)


@pytest.mark.parametrize("mbps", [None, 0.0, -1.0])
def test_a_rate_that_nobody_tells_is_none(mbps: float | None) -> None:
    unknown = Interface(name="eth0", kind="wire", mbps=mbps)
    assert rules.kbps((unknown,)) == 0
    assert marks(facts(interfaces=(unknown,)))["network"] == "look"


def test_what_is_assumed_is_said() -> None:
    people = {"pictures": 64, "one": 64, "sound": 64, "groups": 9}
    told = rules.summary(choose(MediaSection(capacity_packets=9), None, "", 2), people, (CABLE,))
    assert told[0].startswith("This box can carry sessions of 16 people, the largest there are")
    assert "The network's rate is assumed for such a machine, not measured." in told
    assert "The relay's speed is as set in hearth.toml." in told


def test_nothing_is_measured_while_people_are_in_a_room(tmp_path: Path) -> None:
    def never() -> Forwarding | None:
        raise AssertionError("measured")

    found = command.look(Home(tmp_path), Box(running=True, relay=True, people=3), never)
    assert found.why == "session" and marks(found)["forwarding"] == "bad"
    command._keep(Home(tmp_path), found)
    assert carrying.read(Home(tmp_path)) is None


def test_a_rate_that_is_not_told_today_keeps_yesterdays_of_the_same_line(tmp_path: Path) -> None:
    """An access point tells its guests' rates only while there are any."""
    home, point = Home(tmp_path), Interface(name="wlan0", kind="access_point", mbps=72.2)
    command._keep(home, facts(interfaces=(point,)))
    command._keep(home, facts(interfaces=(msgspec.structs.replace(point, mbps=None),)))
    assert (carrying.read(home) or pytest.fail("nothing kept")).kbps == 28_880
    command._keep(home, facts(interfaces=(msgspec.structs.replace(CABLE, mbps=None),)))
    assert (carrying.read(home) or pytest.fail("nothing kept")).kbps == 0


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    for name, files in {
        "eth0": {"speed": "1000\n", "duplex": "full\n", "device/x": ""},
        "eth1": {"speed": "-1\n", "duplex": "unknown\n", "device/x": ""},
        "old": {"speed": "10\n", "duplex": "half\n", "device/x": ""},
        "huge": {"speed": "4294967295\n", "device/x": ""},
        "br0": {"speed": "10000\n"},
        "wlan0": {"phy80211/x": "", "device/x": ""},
        "wlan1": {"wireless/x": "", "device/x": ""},
    }.items():
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return tmp_path


def made_up_iw(name: str, word: str) -> str:
    return {
        ("wlan0", "info"): "Interface wlan0\n\tifindex 3\n\ttype AP\n\tchannel 36",
        (
            "wlan0",
            "station dump",
        ): "Station 02:00\n\ttx bitrate:\t433.3 MBit/s\nStation 02:01\n\ttx bitrate:\t6.5 MBit/s",
        ("wlan1", "info"): "Interface wlan1\n\ttype managed",
        ("wlan1", "link"): "Connected\n\trx bitrate: 12.0 MBit/s\n\ttx bitrate: 72.2 MBit/s MCS 7",
    }.get((name, word), "")


@pytest.mark.parametrize(
    ("name", "kind", "mbps", "full"),
    [
        ("eth0", "wire", 1000.0, True),
        ("eth1", "wire", None, True),
        ("old", "wire", 10.0, False),
        ("huge", "wire", None, True),
        ("br0", "virtual", 10000.0, True),
        ("wlan0", "access_point", 6.5, True),
        ("wlan1", "wifi", 72.2, True),
    ],
)
def test_an_interface_is_what_the_kernel_says(
    sysfs: Path, name: str, kind: str, mbps: float | None, full: bool
) -> None:
    found = network.look(name, sysfs / name, made_up_iw)
    assert (found.kind, found.mbps, found.full_duplex) == (kind, mbps, full)


def test_without_iw_a_wifi_has_no_rate(sysfs: Path) -> None:
    assert network.look("wlan1", sysfs / "wlan1", lambda *_: "").mbps is None


def test_every_line_is_a_sentence_with_its_mark() -> None:
    shown = command.text(rules.findings(facts(temperature=None)), ["It carries."], restart=True)
    lines = [line for line in shown.splitlines() if line]
    assert all(line.endswith(".") for line in lines)
    assert sum(line.startswith("?") for line in lines) == 1
