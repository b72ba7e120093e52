"""The box writes a few settings itself: what else somebody wrote into the file stays, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import settings
from appliance.faults import Fault

BY_HAND = """# Our box.
[portal]
port = 443   # as on the image

[clinic]
# what people see
phone = "555 0100"
name = "Old" # neutral

[sync]
hours = "22:00-06:00"
"""


def test_a_name_is_changed_in_its_place_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "hearth.toml"
    file.write_text(BY_HAND)
    now = settings.save(file, "clinic", {"name": "Casa", "language": "es"})
    assert now == settings.load(file)
    assert (now.clinic.name, now.clinic.phone, now.clinic.language) == ("Casa", "555 0100", "es")
    kept = set(BY_HAND.splitlines()) - {'name = "Old" # neutral'}
    assert kept < set(file.read_text().splitlines())
    assert now.portal.port == 443 and now.sync.hours == "22:00-06:00"


@pytest.mark.parametrize("before", ["", "# nothing yet\n", "[portal]\nport = 1\n", "[clinic]", '[ clinic ]\nname="x"'])
def test_a_section_that_is_missing_or_bare_is_written(tmp_path: Path, before: str) -> None:
    file = tmp_path / "hearth.toml"
    file.write_text(before)
    assert settings.save(file, "clinic", {"name": "Casa", "phone": ""}).clinic.name == "Casa"


def test_a_file_that_is_missing_is_made(tmp_path: Path) -> None:
    settings.save(tmp_path / "hearth.toml", "clinic", {"name": "Casa"})
    assert settings.load(tmp_path / "hearth.toml").clinic.name == "Casa"


@pytest.mark.parametrize(
    "odd",
    [
        'clinic.name = "dotted"\n',
        'clinic = { name = "inline" }\n',
        '[clinic]\nphone = """\nname = "in a text"\n"""\nname = "Old"\n',
        '[clinic]\n"name" = "quoted"\n',
    ],
)
def test_a_file_written_another_way_is_left_alone_and_that_is_said(tmp_path: Path, odd: str) -> None:
    file = tmp_path / "hearth.toml"
    file.write_text(odd)
    with pytest.raises(Fault, match="bad_settings"):
        settings.save(file, "clinic", {"name": "Casa"})
    assert file.read_text() == odd


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_typed_is_what_is_read_and_nothing_else_changes(name: str, phone: str) -> None:
    try:
        changed = settings.changed_text(BY_HAND, "clinic", {"name": name, "phone": phone})
        found = settings.parse(changed)
    except Fault:
        assert any(0xD800 <= ord(char) <= 0xDFFF or char == "\x7f" for char in name + phone)
        return
    assert (found.clinic.name, found.clinic.phone) == (name, phone)
    assert (found.portal.port, found.sync.hours) == (443, "22:00-06:00")
