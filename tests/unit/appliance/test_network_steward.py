"""The steward of the network: settings on trial, kept or gone back from, at any moment of a power cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.steward import network
from appliance.steward.errand import Refused
from appliance.steward.network import TIMER, TRIAL_SECONDS, Machine
from appliance.steward.network_air import networks, unescape
from tests.fakes.machine import SCAN, Clock, Programs, machine

STATIC = {"kind": "wired", "wired": {"addressing": "static", "address": "192.168.1.5/24"}}
WIFI = {"kind": "wifi", "wifi": {"name": "River House", "password": "quiet lamps", "country": "ES"}}
OWN = {"kind": "access_point", "access_point": {"name": "Hearth", "password": "quiet lamps", "country": "ES"}}


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(tmp_path: Path, programs: Programs, clock: Clock) -> Machine:
    return machine(tmp_path, programs, clock)


def do(box: Machine, **what: Any) -> dict[str, Any]:
    return network.do(box, what, lambda _, __: None)


def static(box: Machine) -> bool:
    """Whether the files of the machine say so right now."""
    return (box.networkd / "10-hearth-static.network").exists()


# -- on trial ----------------------------------------------------------------------------------------------------------


def test_new_settings_hold_but_are_not_kept(box: Machine, programs: Programs) -> None:
    facts = do(box, do="set", network=STATIC)
    assert facts["seconds_left"] == TRIAL_SECONDS and facts["network"]["wired"]["address"] == "192.168.1.5/24"
    assert static(box) and not box.kept_file.exists()
    assert ("systemctl", "restart", "--no-block", TIMER) in programs.told
    assert ("networkctl", "reload") in programs.told and ("networkctl", "reconfigure", "eth0") in programs.told


def test_settings_that_somebody_keeps_are_kept(box: Machine, programs: Programs) -> None:
    do(box, do="set", network=STATIC)
    assert do(box, do="keep")["seconds_left"] == 0
    assert json.loads(box.kept_file.read_text())["wired"]["address"] == "192.168.1.5/24"
    assert box.kept_file.stat().st_mode & 0o777 == 0o600
    assert ("systemctl", "stop", "--no-block", TIMER) in programs.told
    network.main(["back"], box)  # the timer, too late
    assert static(box)


def test_settings_that_nobody_keeps_go_back_by_themselves(box: Machine) -> None:
    do(box, do="set", network=STATIC)
    assert network.main(["back"], box) == 0
    assert not static(box) and (box.networkd / "30-hearth-wired.network").exists()
    with pytest.raises(Refused, match="no_trial"):
        do(box, do="keep")


def test_a_power_cut_ends_a_trial(box: Machine) -> None:
    do(box, do="set", network=STATIC)
    for path in box.run.iterdir():  # in memory
        path.unlink()
    assert network.main(["boot"], box) == 0
    assert not static(box) and do(box, do="look")["seconds_left"] == 0


def test_a_cable_that_asks_for_its_address_is_kept_at_once(box: Machine) -> None:
    do(box, do="set", network=STATIC)
    do(box, do="keep")
    assert do(box, do="set", network={"kind": "wired"})["seconds_left"] == 0
    assert not static(box) and json.loads(box.kept_file.read_text())["wired"]["addressing"] == "dhcp"


def test_a_second_trial_goes_back_to_what_was_kept(box: Machine) -> None:
    do(box, do="set", network=STATIC)
    do(box, do="set", network={**STATIC, "wired": {"addressing": "static", "address": "10.0.0.9/8"}})
    do(box, do="back")
    assert not static(box)


@pytest.mark.parametrize("broken", ["reload", "list-units", "restart"])
def test_what_cannot_be_done_leaves_what_was(box: Machine, programs: Programs, broken: str) -> None:
    programs.broken = broken
    with pytest.raises(Refused):
        do(box, do="set", network=WIFI)
    programs.broken = ""
    network.main(["back"], box)
    assert do(box, do="look")["seconds_left"] == 0 and not programs.running
    assert not list(box.run.glob("wpa_supplicant*"))


@pytest.mark.parametrize("at", range(12))
def test_cut_at_any_write_the_old_settings_hold_or_the_new_ones(
    box: Machine, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    do(box, do="set", network=WIFI)
    do(box, do="keep")
    left, rename = [at], Path.rename

    def cut(self: Path, target: Path) -> Path:
        if left[0] == 0:
            raise OSError("no power")
        left[0] -= 1
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut)
    try:
        do(box, do="set", network=STATIC)
        do(box, do="keep")
    except OSError:
        pass
    monkeypatch.setattr(Path, "rename", rename)
    for path in (one for one in box.run.iterdir() if one.is_file()):
        path.unlink()
    assert network.main(["boot"], box) == 0
    assert box.kept().kind in ("wifi", "wired")
    assert static(box) == (box.kept().kind == "wired")


# -- radios ------------------------------------------------------------------------------------------------------------


def test_a_wifi_is_joined_with_a_file_that_root_alone_reads(box: Machine, programs: Programs) -> None:
    do(box, do="set", network=WIFI)
    file = box.run / "wpa_supplicant-wlan0.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    assert programs.running == {"wpa_supplicant@wlan0.service"}
    assert ("wpa_cli", "-s", str(box.run), "-i", "wlan0", "status") in programs.told


def test_a_wifi_that_does_not_let_the_box_in_is_left_at_once(box: Machine, programs: Programs, clock: Clock) -> None:
    programs.joins, began = False, clock.now
    with pytest.raises(Refused, match="wifi_refused"):
        do(box, do="set", network=WIFI)
    assert clock.now - began <= network.JOIN_SECONDS + 1
    assert not programs.running and do(box, do="look")["seconds_left"] == 0
    assert not list(box.run.glob("wpa_supplicant*"))


def test_no_password_is_ever_told(box: Machine) -> None:
    facts = do(box, do="set", network=WIFI)
    assert "quiet" not in json.dumps(facts) and facts["network"]["wifi"]["name"] == "River House"


def test_going_over_to_a_network_of_its_own_stops_the_other_program(box: Machine, programs: Programs) -> None:
    do(box, do="set", network=WIFI)
    do(box, do="set", network=OWN)
    assert programs.running == {"hostapd@wlan0.service", "dnsmasq@guests.service"}
    assert not list(box.run.glob("wpa_supplicant*"))


def test_a_machine_without_a_radio_says_so(tmp_path: Path, programs: Programs) -> None:
    bare = machine(tmp_path, programs, wifi="")
    for what in ({"do": "set", "network": WIFI}, {"do": "scan"}):
        with pytest.raises(Refused, match="no_wifi"):
            do(bare, **what)


def test_a_box_hears_networks_before_it_ever_joined_one_and_is_as_it_was_then(box: Machine, programs: Programs) -> None:
    heard = do(box, do="scan")["networks"]
    assert heard == [
        {"name": "River House", "strength": 100, "locked": True},
        {"name": "Café", "strength": 20, "locked": False},
    ]
    assert not programs.running and not list(box.run.glob("*.conf"))


def test_a_box_that_offers_a_network_throws_nobody_out_to_listen(box: Machine, programs: Programs) -> None:
    do(box, do="set", network=OWN)
    with pytest.raises(Refused, match="wifi_busy"):
        do(box, do="scan")
    assert "hostapd@wlan0.service" in programs.running


def test_names_of_strangers_networks_can_be_anything() -> None:
    lines = [f"b\t2412\t-40\t[ESS]\t{name}" for name in ("\\x00\\x00", "\\xff", "a\\nb", "", '\\\\ \\"', "x" * 40)]
    assert [one["name"] for one in networks("\n".join([SCAN.split("\n")[0], *lines, "half", "b\t1\tx\t[]\tn"]))] == [
        '\\ "'
    ]
    assert unescape("\\e[2J") == "" and len(networks("\n" + "\n".join(f"b\t1\t-4\t[]\t{n}" for n in range(99)))) == 40


# -- names and zone ----------------------------------------------------------------------------------------------------


def test_the_boxs_names_are_answered_from_the_next_moment_and_after_a_restart(box: Machine, programs: Programs) -> None:
    do(box, do="names", names=["box.example.org", "hearth.local"])
    assert programs.running == {"dnsmasq@names.service"}
    assert "interface-name=box.example.org,eth0/4" in (box.run / "dnsmasq-names.conf").read_text()
    programs.told.clear()
    do(box, do="names", names=["hearth.local", "box.example.org"])
    assert not programs.told  # nobody waits while nothing is done
    programs.running.clear()
    network.main(["boot"], box)
    assert programs.running == {"dnsmasq@names.service"}


def test_another_name_throws_no_guest_off_the_boxs_own_network(box: Machine, programs: Programs) -> None:
    do(box, do="set", network=OWN)
    programs.told.clear()
    do(box, do="names", names=["box.example.org"])
    assert not [one for one in programs.told if "hostapd@wlan0.service" in one and "restart" in one]


def test_a_zone_is_set_whole_or_not_at_all(box: Machine) -> None:
    assert do(box, do="zone", zone="Europe/Madrid")["zone"] == "Europe/Madrid"
    with pytest.raises(Refused, match="zone_unknown"):
        do(box, do="zone", zone="Europe/Nowhere")
    assert do(box, do="look")["zone"] == "Europe/Madrid"


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"do": "everything"},
        {"do": ["set"]},
        {"do": "set"},
        {"do": "set", "network": []},
        {"do": "set", "network": {"kind": "bridge"}},
        {"do": "set", "network": {"version": 2}},
        {"do": "set", "network": {"more": 1}},
        {"do": "names", "names": "x"},
        {"do": "names", "names": ["a/b\n.example"]},
        {"do": "names", "names": ["a.example"] * 9},
    ],
)
def test_what_is_no_errand_is_refused_and_changes_nothing(
    box: Machine, programs: Programs, what: dict[str, Any]
) -> None:
    with pytest.raises(Refused):
        do(box, **what)
    assert not programs.told and not list(box.run.iterdir())


def test_interfaces_with_names_that_a_file_could_misread_are_left_out(box: Machine) -> None:
    (box.interfaces / "eth0 Name=x" / "device").mkdir(parents=True)
    assert box.wired_and_wifi() == (("eth0",), ("wlan0",))


def test_kept_settings_that_are_damaged_count_as_none(box: Machine) -> None:
    box.kept_file.write_text('{"kind":')
    assert network.main(["boot"], box) == 0
    assert not static(box) and (box.networkd / "30-hearth-wired.network").exists()
