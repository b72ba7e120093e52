from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from appliance.faults import Fault
from appliance.settings import KEYS, Settings, load, parse


def test_without_a_file_the_defaults_count(tmp_path: Path) -> None:
    assert load(tmp_path / "hearth.toml") == Settings()


def test_a_known_key_is_taken() -> None:
    assert parse('[clinic]\nname = "Riverbend"').clinic.name == "Riverbend"


@pytest.mark.parametrize(
    "text", ['[clinic]\nnmae = "x"', "[relay]\nport = 1", "[portal]\nport = 'x'", "[portal]\nport = 70000", "["]
)
def test_a_mistake_is_refused_with_its_own_code(text: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(text)
    assert caught.value.code == "bad_settings"
    assert caught.value.detail


def test_every_setting_is_described() -> None:
    sections = msgspec.to_builtins(Settings())
    assert {f"{section}.{key}" for section, keys in sections.items() for key in keys} == set(KEYS)


@pytest.mark.parametrize("name", ["Ünï", "two words", "", "-hearth", "x" * 41, "hearth.local"])
def test_a_portals_name_is_one_that_a_certificate_can_hold(name: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(f'[portal]\nname = "{name}"')
    assert (caught.value.code, "portal.name" in caught.value.detail) == ("bad_settings", True)
