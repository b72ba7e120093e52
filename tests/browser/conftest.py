from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.fakes.boxes import Box, running_box

PROGRAMS = {"chromium": "/usr/bin/chromium", "firefox": "/usr/bin/firefox-esr"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A browser that is missing is a failure where it matters (CI), and a sentence elsewhere. Never silence."""
    missing = [name for name, program in PROGRAMS.items() if not Path(program).exists()]
    if missing and not os.environ.get("CI"):
        reason = f"no {' and '.join(missing)} here: `make test` as root installs them"
        for item in items:
            if "tests/browser" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as driver:
        yield driver


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    home = Path(mkdtemp(prefix="hearth-"))  # short: a Unix socket's path has at most 107 bytes
    try:
        async with running_box(home) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)
