"""What all tests share: those marked `again` wait for `make browsers`, and no drawn input is held to a time."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr"):
        return
    again = [item for item in items if item.get_closest_marker("again")]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in again]
