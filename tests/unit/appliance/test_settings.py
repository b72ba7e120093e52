from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from appliance.faults import Fault
from appliance.outbox.metered import limits
from appliance.settings import KEYS, Settings, load, parse
from sync.limits import Limits


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


@pytest.mark.parametrize(
    "text", ['hours = "always"', 'hours = "08:00-08:00"', 'hours = "24:00-06:00"', "megabytes_per_day = -1"]
)
def test_limits_of_a_metered_line_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(f"[sync]\n{text}")
    assert (caught.value.code, "sync." in caught.value.detail) == ("bad_settings", True)


def test_the_courier_gets_the_limits_that_the_settings_name() -> None:
    found = parse('[sync]\nmegabytes_per_day = 20\nhours = "22:00-06:00"\nurgent_always = false').sync
    assert limits(found) == Limits(bytes_per_day=20_000_000, hours="22:00-06:00", urgent_always=False)
    assert limits(Settings().sync) == Limits()
