"""GStreamer runs by `make interop` alone: it needs packages that nothing else here does."""

from __future__ import annotations

import subprocess

import pytest

from tests.interop.members import SYSTEM_PYTHON

PACKAGES = "gstreamer1.0-plugins-{base,good,bad} gstreamer1.0-nice gir1.2-gst-plugins-bad-1.0 python3-gi"
NEEDS = """
import gi, cryptography
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst
Gst.init(None)
assert all(Gst.ElementFactory.find(name) for name in ("webrtcbin", "nicesrc", "vp8enc", "opusenc", "srtpenc"))
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.get_closest_marker("interop")]
    if "interop" not in config.getoption("markexpr"):
        items[:] = [item for item in items if item not in mine]
        config.hook.pytest_deselected(items=mine)
    elif subprocess.run([SYSTEM_PYTHON, "-c", NEEDS], capture_output=True, check=False).returncode:
        for item in mine:
            item.add_marker(pytest.mark.skip(reason=f"sudo apt install {PACKAGES} python3-cryptography"))
