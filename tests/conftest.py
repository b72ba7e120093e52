"""What all tests share: those marked `again` wait for `make browsers`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr"):
        return
    again = [item for item in items if item.get_closest_marker("again")]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in again]
