"""A real PostgreSQL of the system's own binaries, for one run of tests: a folder, a Unix socket, no network."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"  # who it runs as when we are root: PostgreSQL refuses to be
_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin"), Path("/usr/bin"))
_OFF = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=20")


def binaries() -> Path | None:
    """The folder with initdb, or None: `apt install postgresql`."""
    return next((place for place in _PLACES if (place / "initdb").exists()), None)


@contextmanager
def running() -> Iterator[str]:
    """Its address, `postgresql:///…?host=FOLDER`, of an empty server."""
    place = binaries()
    assert place is not None
    root = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path has 107 bytes at most: not below pytest's own folder
    user = pwd.getpwnam(OWNER) if os.geteuid() == 0 else None
    if user is not None:
        os.chown(root, user.pw_uid, user.pw_gid)
    try:
        _run(place / "initdb", "-D", str(root / "data"), "-A", "trust", "-U", "hearth", "--no-sync", "-E", "UTF8")
        options = " ".join(f"-c {option}" for option in (*_OFF, f"unix_socket_directories={root}"))
        _run(place / "pg_ctl", "-D", str(root / "data"), "-w", "-l", str(root / "log"), "-o", options, "start")
        try:
            yield f"postgresql:///postgres?host={root}&user=hearth"
        finally:
            _run(place / "pg_ctl", "-D", str(root / "data"), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run(program: Path, *arguments: str) -> None:
    root = os.geteuid() == 0
    before = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"] if root else []
    subprocess.run([*before, str(program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")
