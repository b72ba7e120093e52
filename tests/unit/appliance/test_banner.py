from __future__ import annotations

from pathlib import Path

from appliance.banner import WIDTH, block
from appliance.demo import Demo, Other, Ticket
from appliance.policy import StaffRole

URLS = ("https://192.168.1.5:8443", "https://hearth.local:8443")
ROLES: tuple[tuple[StaffRole, str], ...] = (
    ("clinical_lead", "lena"),
    ("administrator", "ruth"),
    ("billing", "paul"),
    ("auditor", "nadia"),
)
OTHERS = [Other(role=role, username=name, password=f"{name}-kodimuse") for role, name in ROLES]
DEMO = Demo(
    passphrase="not shown",
    facilitator_username="mara",
    facilitator_password="bakoda-rimuse",
    cofacilitator_username="ines",
    cofacilitator_password="zafino-lepuvi",
    operator_username="jonas",
    operator_password="tule-sani",
    others=OTHERS,
    tickets=[Ticket(name=name, code="K7QX-4M2P", pin="123456") for name in ("Ada Brook", "Tomás Rivera", "Wen Li")],
)


def test_the_block_names_all_that_is_needed_to_begin() -> None:
    text = block("Riverbend House", URLS, DEMO, Path("/h"), locked=False)
    for word in (
        *URLS,
        "mara",
        "bakoda-rimuse",
        "ines",
        "zafino-lepuvi",
        "jonas",
        "tule-sani",
        "clinical lead lena  lena-kodimuse",
        "administrator ruth  ruth-kodimuse",
        "123456",
        "/join#K7QX-4M2P",
        "Ctrl-C",
    ):
        assert word in text
    assert "not shown" not in text


def test_the_block_fits_a_terminal_of_eighty_columns() -> None:
    assert max(map(len, block("Riverbend House", URLS, DEMO, Path("/h"), locked=False).splitlines())) <= WIDTH


def test_all_names_and_passwords_are_on_the_last_screen_of_twenty_four_lines() -> None:
    last = "\n".join(block("Riverbend House", URLS, DEMO, Path("/h"), locked=False).splitlines()[-22:])
    for word in ("/staff/sign-in", "bakoda-rimuse", "zafino-lepuvi", "tule-sani", "K7QX-4M2P", "ca.pem", "nadia-ko"):
        assert word in last


def test_a_locked_box_does_not_look_like_an_open_one() -> None:
    text = block("Riverbend House", URLS, None, Path("/h"), locked=True)
    assert "locked" in text
    assert "hearth console" in text
