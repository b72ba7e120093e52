from __future__ import annotations

from pathlib import Path

from appliance.banner import WIDTH, block
from appliance.demo import Demo, Ticket

URLS = ("https://192.168.1.5:8443", "https://hearth.local:8443")
DEMO = Demo(
    passphrase="not shown",
    facilitator_username="mara",
    facilitator_password="bako-rimu",
    operator_username="jonas",
    operator_password="tule-sani",
    tickets=[Ticket(name=name, code="K7QX-4M2P", pin="123456") for name in ("Ada Brook", "Tomás Rivera", "Wen Li")],
)


def test_the_block_names_all_that_is_needed_to_begin() -> None:
    text = block("Riverbend House", URLS, DEMO, Path("/h"), locked=False)
    for word in (*URLS, "mara", "bako-rimu", "jonas", "tule-sani", "123456", "/join#K7QX-4M2P", "Ctrl-C"):
        assert word in text
    assert "not shown" not in text


def test_the_block_fits_a_terminal_of_eighty_columns() -> None:
    assert max(map(len, block("Riverbend House", URLS, DEMO, Path("/h"), locked=False).splitlines())) <= WIDTH


def test_a_locked_box_does_not_look_like_an_open_one() -> None:
    text = block("Riverbend House", URLS, None, Path("/h"), locked=True)
    assert "locked" in text
    assert "hearth console" in text
