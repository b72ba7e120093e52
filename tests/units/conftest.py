"""What starts a whole box in a container runs by `make test-units` alone: it needs an image, root and two minutes."""

from __future__ import annotations

import pytest

from tests.units.box import missing


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.get_closest_marker("units")]
    if "units" not in config.getoption("markexpr"):
        items[:] = [item for item in items if item not in mine]
        config.hook.pytest_deselected(items=mine)
    elif why := missing():
        for item in mine:
            item.add_marker(pytest.mark.skip(reason=why))
