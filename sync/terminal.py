"""What the commands of this package say and when they stop: a line on stdout, a sentence on stderr, an exit code."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

DONE, FAILED, USAGE = 0, 1, 2


def tell(line: str) -> int:
    """A line on stdout, at once; the exit code of what went well."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return DONE


def say(sentence: str, code: int) -> int:
    """A sentence on stderr; the exit code it was given."""
    sys.stderr.write(sentence + "\n")
    return code


def ready(what: str) -> None:
    """The one line `ready`, for whoever started this process; `what` goes into the log."""
    logging.getLogger("hearth").info("%s", what)
    tell("ready")


def stopping() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def counted(number: int, one: str, many: str = "") -> str:
    """`1 box`, `2 boxes`: a figure with the word that belongs to it."""
    return f"{number} {one if number == 1 else many or one + 's'}"
