"""`python -m media.native.build`: compile the forwarding plane with the system's C compiler, if that is not done yet.

Exits 0 when the library is there, 3 when there is no compiler (the relay then runs on its Python twin), 1 when
compiling failed. Sizes and times come from media/limits.py and media/bandwidth/limits.py. The library's name has a
digest of everything it is made from, so one that is out of date is never loaded.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from media import limits
from media.bandwidth import limits as bandwidth

FOLDER = Path(__file__).parent
SOURCES = (
    *("map.c", "parse.c", "twcc.c", "arrivals.c", "departures.c"),
    *("stream.c", "down.c", "tables.c", "plane.c", "send.c", "wire.c"),
)
LIMITS = (
    "AUDIO_CACHE_BYTES",
    "AUDIO_CACHE_PACKETS",
    "FOREIGN_AGAIN",
    "LACK_AGAIN",
    "LACK_AGE",
    "LACK_PATIENCE",
    "MAX_ASKED",
    "MAX_ASKS",
    "MAX_DATAGRAM",
    "MAX_DATAGRAMS_PER_WAKE_UP",
    "MAX_FOREIGN_SSRCS",
    "MAX_JUDGED_FRAMES",
    "MAX_PLANE_EVENTS",
    "MAX_RTP",
    "MAX_SEGMENTS",
    "MAX_WAITED",
    "MAX_WAITING_DATAGRAMS",
    "RESENDS_PER_SECOND",
    "RESEND_BURST",
    "REPORT_GATHERING",
    "RTCP_GATHERING",
    "SEALED_AGAIN",
    "SEEN_WINDOW",
    "VIDEO_CACHE_BYTES",
    "VIDEO_CACHE_PACKETS",
)
BANDWIDTH_LIMITS = ("BURST", "LATE_PACKETS", "LONG_PAUSE", "MAX_FEEDBACK_ARRIVALS", "MAX_FEEDBACK_PACKETS", "SENT_KEPT")
# No contraction: on arm64 it would round jitter otherwise than Python does.
FLAGS = (
    *("-std=c11", "-O2", "-g0", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-ffp-contract=off"),
    *("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion", "-Wvla"),
    *("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"),
)
NO_COMPILER = 3


def constants() -> list[str]:
    own = [f"-D{name}={getattr(limits, name)!r}" for name in LIMITS]
    return own + [f"-D{name}={getattr(bandwidth, name)!r}" for name in BANDWIDTH_LIMITS]


def library() -> Path:
    """Where the library that belongs to these sources is, or would be."""
    digest = hashlib.sha256("\0".join((*FLAGS, *constants(), platform.machine())).encode())
    for source in sorted(FOLDER.glob("*.[ch]")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return FOLDER / "built" / f"hearth-{digest.hexdigest()[:16]}.so"


def command(compiler: str, target: Path, *more: str) -> list[str]:
    return [compiler, *FLAGS, *constants(), *more, *(str(FOLDER / name) for name in SOURCES), "-o", str(target)]


def build() -> int:
    target = library()
    if target.exists():
        return 0
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("There is no C compiler: the relay will run on its Python twin.")  # noqa: T201
        return NO_COMPILER
    target.parent.mkdir(exist_ok=True)
    made = target.with_suffix(".new")
    if subprocess.run(command(compiler, made), check=False).returncode:  # noqa: S603
        return 1
    for old in target.parent.glob("*.so"):
        old.unlink()
    made.rename(target)
    return 0


if __name__ == "__main__":
    sys.exit(build())
