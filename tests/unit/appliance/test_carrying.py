from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance import carrying
from appliance.carrying import VERSION, Kept, choose
from appliance.home import Home
from appliance.settings import MediaSection

PI = "Raspberry Pi 4 Model B Rev 1.4"


def kept(**fields: object) -> Kept:
    usual = {"version": VERSION, "measured_at": "2031-03-04T14:00:00Z", "machine": PI, "cores": 4, "network": "eth0"}
    return Kept(**{**usual, "kbps": 70_000, "packets": 9_000, **fields})  # type: ignore[arg-type]


def test_what_is_set_comes_before_what_was_measured_and_that_before_what_is_assumed() -> None:
    measured = choose(MediaSection(), kept(), PI, 4)
    assert (measured.kbps, measured.packets, measured.source) == (70_000, 9_000, "measured")
    both = choose(MediaSection(capacity_kbps=5_000), kept(), PI, 4)
    assert (both.kbps, both.packets, both.source) == (5_000, 9_000, "measured")
    assert choose(MediaSection(capacity_kbps=5_000, capacity_packets=600), None, PI, 4).source == "set"


def test_a_figure_that_could_not_be_measured_is_assumed_and_said_to_be() -> None:
    found = choose(MediaSection(), kept(kbps=0), PI, 4)
    assert (found.kbps_source, found.packets_source, found.source) == ("assumed", "measured", "assumed")
    assert found.kbps > 0


@pytest.mark.parametrize(("machine", "cores"), [("Raspberry Pi 5 Model B", 4), (PI, 2)])
def test_figures_of_another_machine_count_for_nothing(machine: str, cores: int) -> None:
    assert choose(MediaSection(), kept(), machine, cores).source == "assumed"


def test_a_smaller_machine_is_assumed_to_carry_less() -> None:
    packets = [carrying.assumed(name).packets for name in (PI, "Raspberry Pi 5 Model B Rev 1.0", "KVM")]
    assert packets == sorted(packets) and len(set(packets)) == 3


def test_what_is_kept_is_read_again_and_nobody_else_may(tmp_path: Path) -> None:
    home = Home(tmp_path)
    carrying.write(home, kept())
    assert carrying.read(home) == kept()
    assert stat.S_IMODE(home.capacity.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": 1}', "x" * 10_000, "{}\ud800", "newer", "negative", "absurd"]
)
def test_a_file_that_is_none_of_ours_counts_as_none(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    wrong = {"newer": kept(version=VERSION + 1), "negative": kept(kbps=-1), "absurd": kept(packets=10**12)}
    if text in wrong:
        carrying.write(home, wrong[text])
    else:
        home.capacity.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert carrying.read(home) is None


def test_a_machine_that_does_not_say_its_name_has_none(tmp_path: Path) -> None:
    assert carrying.machine_name(tmp_path) == ""
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text(f"{PI}\x00")
    assert carrying.machine_name(tmp_path) == PI
