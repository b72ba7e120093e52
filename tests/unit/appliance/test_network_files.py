"""What people type about a network: which of it can be, and that no word of it adds a line to any program's file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.steward import network_settings as rules
from appliance.steward.network import checked_names
from appliance.steward.network_files import derive, for_guests, for_neighbours, hostapd, key_of, supplicant
from appliance.steward.network_settings import AccessPoint, Network, Wifi, Wired, Wrong

WIFI = Wifi("River House", "quiet lamps", "ES")
OWN = AccessPoint("Hearth", "quiet lamps", "ES")
STATIC = Wired("static", "192.168.1.5/24", "192.168.1.1", ("192.168.1.1", "9.9.9.9"))
ANY_TEXT = st.text(max_size=70)


def code(network: Network) -> str:
    try:
        rules.check(network)
    except Wrong as wrong:
        return wrong.code
    return ""


# -- what can be -------------------------------------------------------------------------------------------------------


def test_a_box_without_settings_has_every_cable_ask_for_its_address() -> None:
    derived = derive(Network(), ("eth0", "eth1"), ("wlan0",))
    assert list(derived.files) == ["/run/systemd/network/30-hearth-wired.network"]
    text = next(iter(derived.files.values()))
    assert "Type=ether" in text and "DHCP=yes" in text and "LLMNR=no" in text and "MulticastDNS=no" in text
    assert derived.units == ()


@pytest.mark.parametrize(
    ("wired", "why"),
    [
        (STATIC, ""),
        (Wired("static", "10.0.0.9/8"), ""),
        (Wired("static", ""), "network_address"),
        (Wired("static", "192.168.1.5"), "network_address"),
        (Wired("static", "192.168.1.0/24"), "network_address"),
        (Wired("static", "192.168.1.255/24"), "network_address"),
        (Wired("static", "192.168.1.5/31"), "network_address"),
        (Wired("static", "192.168.1.5/255.255.255.0"), "network_address"),
        (Wired("static", "127.0.0.1/8"), "network_address"),
        (Wired("static", "224.0.0.5/24"), "network_address"),
        (Wired("static", "fd00::1/64"), "network_address"),
        (Wired("static", "192.168.1.5/24\nDNS=1.1.1.1"), "network_address"),
        (Wired("static", "١٩٢.168.1.5/24"), "network_address"),
        (Wired("static", "192.168.1.5/24", "192.168.2.1"), "network_gateway"),
        (Wired("static", "192.168.1.5/24", "192.168.1.5"), "network_gateway"),
        (Wired("static", "192.168.1.5/24", "192.168.1.1 "), "network_gateway"),
        (Wired("static", "192.168.1.5/24", "", ("1.1.1.1",) * 4), "network_dns"),
        (Wired("static", "192.168.1.5/24", "", ("dns.example",)), "network_dns"),
        (Wired("dhcp", "192.168.1.5/24"), "network_address"),
    ],
)
def test_an_address_is_one_that_a_machine_on_such_a_network_can_have(wired: Wired, why: str) -> None:
    assert code(Network(wired=wired)) == why


@pytest.mark.parametrize(
    ("name", "password", "country", "why"),
    [
        ("Café", "12345678", "ES", ""),
        ("x", "", "ES", ""),  # an open one
        ("x", "0123456789abcdef" * 4, "ES", ""),
        ("", "12345678", "ES", "network_name"),
        ("x" * 33, "12345678", "ES", "network_name"),
        ("é" * 17, "12345678", "ES", "network_name"),
        ("a\nb", "12345678", "ES", "network_name"),
        ("a\u202eb", "12345678", "ES", "network_name"),
        ("x", "1234567", "ES", "network_password"),
        ("x", "1" * 64 + "g", "ES", "network_password"),
        ("x", "g" * 64, "ES", "network_password"),
        ("x", "1234567\n8", "ES", "network_password"),
        ("x", "contraseña", "ES", "network_password"),
        ("x", None, "ES", "network_password"),
        ("x", "12345678", "es", "network_country"),
        ("x", "12345678", "ES\n", "network_country"),
    ],
)
def test_a_wifi_has_a_name_a_password_and_a_country_that_can_be(
    name: str, password: str | None, country: str, why: str
) -> None:
    assert code(Network(kind="wifi", wifi=Wifi(name, password, country))) == why


def test_a_network_of_its_own_is_never_an_open_one() -> None:
    assert code(Network(kind="access_point", access_point=AccessPoint("x", "", "ES"))) == "network_password"


@pytest.mark.parametrize("channel", [-1, 0, 12, 13, 14, 35, 52, 165])
def test_a_channel_is_one_that_needs_no_permission(channel: int) -> None:
    own = AccessPoint("x", "12345678", "ES", channel)
    assert code(Network(kind="access_point", access_point=own)) == "network_channel"


def test_a_kind_without_its_settings_cannot_be() -> None:
    assert code(Network(kind="wifi")) == code(Network(kind="access_point")) == "network_name"


def test_a_password_that_is_not_given_again_stays_for_that_name_alone() -> None:
    before = Network(kind="wifi", wifi=WIFI)
    again = rules.filled(Network(kind="wifi", wifi=Wifi("River House", None, "PT")), before)
    assert again.wifi == Wifi("River House", "quiet lamps", "PT")
    with pytest.raises(Wrong, match="network_password"):
        rules.filled(Network(kind="wifi", wifi=Wifi("Lake House", None, "PT")), before)


@given(st.binary(max_size=300))
def test_any_bytes_are_settings_or_wrong(content: bytes) -> None:
    with contextlib.suppress(Wrong):
        rules.check(rules.read(content))


def test_settings_come_back_as_they_were_written() -> None:
    network = Network(kind="wifi", wired=STATIC, wifi=WIFI, access_point=OWN)
    assert rules.read(rules.write(network)) == network


def test_no_settings_show_a_password_where_they_are_printed() -> None:
    assert "lamps" not in repr(Network(kind="wifi", wifi=WIFI, access_point=OWN))


@pytest.mark.parametrize(
    "name", ["box", "box.", ".example", "a b.example", "box.example\n", "*.example", "b/x.example", "1.2"]
)
def test_a_name_that_the_box_answers_to_is_a_name_and_nothing_more(name: str) -> None:
    with pytest.raises(Wrong):
        checked_names([name])


@pytest.mark.parametrize(
    "zone", ["", "../etc/passwd", "/etc/shadow", "Europe/../x", "Europe/Mad rid", "a/b/c/d", "Europe/"]
)
def test_a_zone_is_a_word_that_leads_nowhere_else(zone: str) -> None:
    with pytest.raises(Wrong, match="zone_unknown"):
        rules.check_zone(zone)


# -- into files --------------------------------------------------------------------------------------------------------


def shape(text: str) -> list[str]:
    """The lines of a file without their values."""
    return [line.partition("=")[0] for line in text.split("\n")]


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_value_of_a_wifi_adds_a_line_or_ends_one(name: str, password: str, country: str) -> None:
    asked = Network(kind="wifi", wifi=Wifi(name, password, country))
    if code(asked):
        return
    made = supplicant(Wifi(name, password, country))
    assert shape(made) in (shape(supplicant(WIFI)), shape(supplicant(Wifi("x", "", "ES"))), shape(supplicant(KEYED)))
    assert '"' not in made and "#" not in made


KEYED = Wifi("x", "0123456789abcdef" * 4, "ES")
# What passes the rules and would do harm where it were written down as it is.
CUNNING = st.text(st.sampled_from("\"'#\\=|{} \tn$`;%é\u00a0abc"), min_size=1, max_size=32)
CUNNING_KEYS = st.text(st.sampled_from("\"'#\\=|{} n$`;%abc"), min_size=8, max_size=63)


@settings(max_examples=15, deadline=None)  # each derives keys, which is made to be slow
@given(CUNNING, CUNNING_KEYS)
def test_cunning_names_and_passwords_stand_in_the_files_as_digits(name: str, password: str) -> None:
    wifi, own = Wifi(name, password, "ES"), AccessPoint(name, password, "ES")
    if not code(Network(kind="wifi", wifi=wifi)):
        assert not set(supplicant(wifi)) & set("\"'#\\|$`;%é\u00a0")
        made = hostapd("wlan0", own)
        assert not set(made) & set("\"'#\\|$`;%é\u00a0{}") and shape(made) == shape(hostapd("wlan0", OWN))


@given(st.text(max_size=25), st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3))
def test_no_value_of_a_cable_adds_a_line(address: str, gateway: str, dns: list[str]) -> None:
    wired = Wired("static", address, gateway, tuple(dns))
    if not code(Network(wired=wired)):
        text = derive(Network(wired=wired), ("eth0",), ()).files["/run/systemd/network/10-hearth-static.network"]
        assert len(text.split("\n")) <= 24


def test_a_static_address_is_the_first_cables_and_the_others_ask() -> None:
    files = derive(Network(wired=STATIC), ("eth0", "eth1"), ()).files
    text = files["/run/systemd/network/10-hearth-static.network"]
    assert "Name=eth0\n" in text and "Address=192.168.1.5/24" in text and "Gateway=192.168.1.1" in text
    assert text.count("DNS=") - text.count("MulticastDNS=") == 2
    assert "/run/systemd/network/30-hearth-wired.network" in files


def test_a_machine_without_a_radio_gets_no_files_for_one() -> None:
    kinds: tuple[rules.Kind, ...] = ("wifi", "access_point")
    for kind in kinds:
        asked = Network(kind=kind, wifi=WIFI, access_point=OWN)
        assert derive(asked, ("eth0",), ()).units == ()


def test_guests_and_neighbours_are_answered_by_two_programs() -> None:
    asked = Network(kind="access_point", access_point=OWN)
    derived = derive(asked, ("eth0",), ("wlan0",), ("box.example.org",))
    assert derived.units == ("hostapd@wlan0.service", "dnsmasq@guests.service", "dnsmasq@names.service")
    names = derived.files["/run/hearth-net/dnsmasq-names.conf"]
    assert "wlan0" not in names and "address=/#/" not in names  # a wrong answer for every name of the clinic's network


def test_the_key_of_a_wifi_is_the_standards() -> None:
    # IEEE 802.11-2020 annex J.4.2, test vectors 1 and 2.
    assert key_of("IEEE", "password") == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert (
        key_of("ThisIsASSID", "ThisIsAPassword") == "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"
    )


# -- what the programs themselves say of them --------------------------------------------------------------------------

needs_dnsmasq = pytest.mark.skipif(
    shutil.which("dnsmasq") is None and not os.environ.get("CI"),  # CI is to fail without it
    reason="this machine has no dnsmasq",
)


@needs_dnsmasq
@pytest.mark.parametrize("text", [for_guests("wlan0"), for_neighbours(("box.example.org", "hearth.local"), ("eth0",))])
def test_dnsmasq_reads_what_is_made_for_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "conf").write_text(text)
    done = subprocess.run(["dnsmasq", "--test", f"--conf-file={tmp_path / 'conf'}"], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
