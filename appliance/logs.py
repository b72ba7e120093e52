"""The appliance's log: which kind of failure and where, never its text. A library's exception may quote what a person
sent, and a trace of it the lines around."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

log = logging.getLogger(__name__)


class KindsOnly(logging.Formatter):
    """Writes an exception as `ValueError in parser.py:12`."""

    def formatException(  # noqa: N802 - the name is logging's
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _, trace = ei
        frames = traceback.extract_tb(trace)
        place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{kind.__name__ if kind else 'nothing'}{place}"


def to(stream: TextIO = sys.stderr) -> None:
    """Send the log of this process there."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(KindsOnly("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("aiohttp", "asyncio", "zeroconf"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def forgotten(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For the event loop's failures that nobody waited for: its own words would quote the exception."""
    log.error("a failure nobody waited for: %s", type(context.get("exception")).__name__)
