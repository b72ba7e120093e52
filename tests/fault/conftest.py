"""What needs real browsers and a bad line runs by `make fault` alone: it is slow, and needs root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NEEDED = ("/usr/bin/chromium", "/usr/bin/firefox-esr", "/dev/net/tun", "/sbin/ip")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "fault" not in config.getoption("markexpr"):
        left_out = [item for item in items if item.get_closest_marker("fault")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        return
    missing = [path for path in NEEDED if not Path(path).exists()]
    if os.geteuid() != 0 or missing:
        reason = f"a bad line between namespaces needs root{' and ' + ', '.join(missing) if missing else ''}"
        for item in items:
            if item.get_closest_marker("fault"):
                item.add_marker(pytest.mark.skip(reason=reason))
