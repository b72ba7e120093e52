"""Virtual machines run by `make test-image` and `make test-power` alone; the rest runs with all tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "image" in config.getoption("markexpr"):
        return
    mine = [item for item in items if item.get_closest_marker("image")]
    items[:] = [item for item in items if item not in mine]
    config.hook.pytest_deselected(items=mine)
