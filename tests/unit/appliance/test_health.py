"""Box health: what the kernel tells, and what is said when it tells nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from appliance.control.health import Probe


def test_health_makes_sense_on_this_machine(tmp_path: Path) -> None:
    health = Probe(tmp_path).health()
    assert 0 < health.memory_used < health.memory_total
    assert 0 < health.disk_used <= health.disk_total
    assert health.cores >= 1
    assert health.load >= 0
    assert health.uptime_seconds > 0


def test_a_machine_without_a_sensor_has_no_temperature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: {"nvme": [SimpleNamespace(current=40.0)]})
    assert Probe(tmp_path).health().temperature is None


def test_the_processors_sensor_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = {"nvme": [SimpleNamespace(current=40.0)], "cpu_thermal": [SimpleNamespace(current=61.2)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors)
    assert Probe(tmp_path).health().temperature == 61.2


def test_a_home_that_is_gone_has_no_disk(tmp_path: Path) -> None:
    health = Probe(tmp_path / "gone").health()
    assert (health.disk_used, health.disk_total) == (0, 0)
