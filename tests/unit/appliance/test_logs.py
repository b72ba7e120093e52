from __future__ import annotations

import asyncio
import gc
import io
import logging
from collections.abc import Iterator

import pytest

from appliance import logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process would write to its log."""
    root, out = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    logs.to(out)
    yield out
    for chatty in ("aiohttp", "asyncio", "zeroconf"):
        logging.getLogger(chatty).setLevel(logging.NOTSET)


def test_a_librarys_exception_is_logged_by_kind_and_place_not_by_text(written: io.StringIO) -> None:
    """aiohttp logs a bad request with the line that it could not read."""
    try:
        raise ValueError("GET /join?pin=planted HTTP/9.9")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request")
    assert "ValueError in test_logs.py:" in written.getvalue()
    assert "planted" not in written.getvalue()
    assert "raise" not in written.getvalue()


async def test_a_failure_nobody_waited_for_is_logged_by_kind(written: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError("planted")

    asyncio.get_running_loop().set_exception_handler(logs.forgotten)
    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    assert "ValueError" in written.getvalue()
    assert "planted" not in written.getvalue()
