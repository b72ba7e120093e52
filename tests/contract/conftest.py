from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.box import OpenBox, open_box


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path) as found:
        yield found
