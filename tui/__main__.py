"""`python -m tui --socket PATH`: exit code 0 done, 1 the box is not running or the console failed, 2 bad usage.

With `--wait`, as on the box's own screen, a box that is not running yet is waited for, and the page says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.control.client import AWAY, ControlClient, ControlFault
from tui.app import Console
from tui.words import LANGUAGES, Words, choose_language

MOST_MINUTES = 60  # a console that never locks itself is not offered


def parser(words: Words) -> argparse.ArgumentParser:
    """The options, explained in the language of the terminal."""
    made = argparse.ArgumentParser(prog="tui", description=words("shell.about"), allow_abbrev=False)
    made.add_argument("--socket", type=Path, required=True, metavar="PATH", help=words("shell.socket"))
    made.add_argument("--language", choices=LANGUAGES, default="", help=words("shell.language"))
    made.add_argument("--wait", action="store_true", help=words("shell.wait"))
    made.add_argument("--idle-minutes", type=_minutes, default=5.0, metavar="N", help=words("shell.idle"))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console; the exit code."""
    options = parser(Words(choose_language("", os.environ))).parse_args(arguments)
    words = Words(choose_language(options.language, os.environ))
    fault, language = asyncio.run(_look(options.socket))
    if fault == AWAY and not options.wait:
        return _fail(words("shell.not_running", socket=options.socket), 1)
    if fault not in ("", AWAY):
        return _fail(words.fault(fault), 1)
    if not options.language:
        words = Words(choose_language(language, os.environ))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # Textual draws on the error output
        return _fail(words("shell.no_terminal"), 2)
    console = Console(ControlClient(options.socket), words, idle_seconds=60 * options.idle_minutes)
    console.follows = not options.language
    console.own_screen = os.environ.get("TERM") == "linux"  # the kernel's own terminal: its keyboard is the box's
    console.run()
    return 1 if console.return_code else 0


async def _look(socket: Path) -> tuple[str, str]:
    """The code of what keeps the console from its box, or "", and the language that the box is set to, or ""."""
    client = ControlClient(socket)
    try:
        found = await client.snapshot()
    except ControlFault as fault:
        return fault.code, ""
    finally:
        await client.close()
    return "", found.box.language


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(Words(choose_language("", os.environ))("shell.minutes", most=MOST_MINUTES))
    return minutes


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
