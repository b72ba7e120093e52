"""Nothing that strangers nearby can see says what the box is used for, or whose it is (C59).

Strangers: whoever is on the same network, sees its Wi-Fi's name, connects to a port, or holds its disk in hand.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from appliance import standin
from appliance.portal import certificates, trust
from appliance.portal.listener import HEADERS
from appliance.portal.mdns import service
from appliance.portal.plain import Own, answered
from appliance.steward.network_files import derive
from appliance.steward.network_settings import AccessPoint, Network
from image.layout import TABLE

ROOT = Path(__file__).parents[2]
TELLING = re.compile(
    r"health|clinic|therap|patient|medic|hospital|doctor|care\b|counsel|psych|addict|recovery|sobriet|riverbend",
    re.IGNORECASE,
)
NOW = datetime(2031, 3, 4, tzinfo=UTC)
CLINIC = "Riverbend"


def fit(text: str) -> bool:
    return not TELLING.search(text)


def test_the_words_that_would_tell_are_found_at_all() -> None:
    assert not fit("Healthcare box") and not fit(f"the {CLINIC} clinic") and fit("hearth.local")


def test_what_is_announced_on_the_network_is_neutral() -> None:
    told = service("hearth", 443, ["192.168.1.5"])
    shown = f"{told.name} {told.server} {told.type} {told.text!r} {told.properties}"
    assert fit(shown) and told.properties == {b"path": b"/"}


def test_certificates_are_neutral_in_every_field() -> None:
    authority = certificates.new_authority(["hearth.local"], ["192.168.1.5"], NOW)
    for pem in (
        authority.certificate,
        certificates.issue(authority, ["hearth.local"], ["192.168.1.5"], NOW),
        certificates.stand_in(["hearth.local"], [], NOW),
    ):
        found = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
        texts = [found.subject.rfc4514_string(), found.issuer.rfc4514_string(), *map(str, found.extensions)]
        assert all(fit(one) for one in texts), texts
    assert fit(trust.profile(certificates.shown(authority.certificate)).decode("latin-1"))


def test_what_the_machine_tells_routers_and_guests_is_neutral() -> None:
    asked = Network(kind="access_point", access_point=AccessPoint("Hearth", "quiet lamps", "ES"))
    texts = derive(asked, ("eth0",), ("wlan0",), ("hearth.local",)).files.values()
    assert all(fit(text) for text in texts)
    assert any("Hostname=hearth\n" in text for text in texts)


def test_the_answers_of_both_ports_name_no_use_and_no_library() -> None:
    plain = answered(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Own(frozenset(), frozenset()), "192.168.1.5").decode()
    assert fit(plain) and "Server" not in plain
    assert all(fit(f"{name}: {value}") for name, value in HEADERS.items())


def test_the_name_that_a_wifi_of_its_own_begins_with_is_neutral() -> None:
    assert 'Field("name", was.name if was else "Hearth", 32)' in (ROOT / "tui/screens/network.py").read_text()


def test_the_units_that_open_ports_and_the_disks_names_are_neutral() -> None:
    sockets = [file.read_text() for file in (ROOT / "systemd").glob("*.socket")]
    names = [name for text in sockets for name in re.findall(r"^FileDescriptorName=(.*)$", text, re.M)]
    labels = [name for part in TABLE for name in (part.name, part.name.upper())]
    assert names and labels and all(fit(one) for one in [*names, *labels])


def test_what_the_screen_says_before_the_console_and_who_answers_while_the_box_is_away_are_neutral() -> None:
    start = (ROOT / "image/initrd/init").read_text() + (ROOT / "image/grub/grub.cfg").read_text()
    assert "The box starts again" in start and fit(start)
    assert all(fit(f"{name}: {value}") for name, value in standin.HEADERS.items()) and "Server" not in standin.HEADERS
