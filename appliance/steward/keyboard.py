"""The keyboard of the box's own screen, and a font with the letters of its languages; without one, US English.

Started before the console, for each screen that the kernel finds later, and after another choice (`network.py`, word
`keyboard`). What is chosen stands in one small file; a word that is not in the table below is none.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SYSTEM = Path("/data/system")
MAPS = Path("/usr/lib/hearth/console")
SCREEN = "/dev/tty0"  # the one that is in front, and root's own: the others belong to who sits there
SIZE = Path("/sys/class/graphics/fb0/virtual_size")
SECONDS = 20.0
MAX_SIZE = 32  # bytes of the file

# By xkb's own words, which Debian's maps go by.
LAYOUTS = ("us", "gb", "es", "latam", "br", "pt", "fr", "de")
# Name and the least size in pixels of a screen for it: a large one is far away, and has room for 80 by 24 either way.
FONTS = (("small.psf", (0, 0)), ("large.psf", (1600, 900)))


def kept(system: Path = SYSTEM) -> str:
    """The layout that was chosen, "" for none."""
    try:
        with (system / "keyboard").open("rb") as file:
            word = file.read(MAX_SIZE).strip().decode("ascii", "replace")
    except OSError:
        return ""
    return word if word in LAYOUTS else ""


def font(size: str) -> str:
    """The font for a screen of that size, as the kernel tells it ("1920,1080"); without one the small."""
    try:
        width, height = (int(one) for one in size.split(","))
    except ValueError:
        width, height = 0, 0
    return next(name for name, least in reversed(FONTS) if width >= least[0] and height >= least[1])


def commands(layout: str, size: str) -> list[tuple[str, ...]]:
    """What is to be run. Without a layout the kernel's own map stays."""
    letters = ("setfont", "-C", SCREEN, str(MAPS / font(size)))
    keys = ("loadkeys", "--quiet", "--unicode", "-C", SCREEN, str(MAPS / f"{layout}.kmap"))
    return [*([keys] if layout else []), letters]


def call(command: tuple[str, ...]) -> bool:
    """Whether it worked."""
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        sys.stderr.write(f"keyboard: {command[0]} failed\n")
        return False
    return True


def load(system: Path = SYSTEM, size: Path = SIZE, run: Callable[[tuple[str, ...]], bool] = call) -> int:
    """Exit code 0, or 1 where the keys could not be set: a font that did not fit is an inconvenience alone."""
    try:
        seen = size.read_text().strip()
    except OSError:  # a screen of letters only
        seen = ""
    layout = kept(system)
    done = {command[0]: run(command) for command in commands(layout, seen)}
    return 0 if done.get("loadkeys", True) else 1


if __name__ == "__main__":
    sys.exit(load())
