"""Sockets that systemd opened for this process (sd_listen_fds(3)): the ports below 1024, without a right to them.

They outlive the process: whoever connects while it restarts waits a moment and is served.
"""

from __future__ import annotations

import os
import socket

FIRST = 3  # SD_LISTEN_FDS_START


def inherited() -> dict[str, socket.socket]:
    """Listening sockets by the name that their unit gave them (`FileDescriptorName=`); none without systemd.

    Taken once: the variables are removed, so that no child believes they are its own.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return {}
    return {name: socket.socket(fileno=FIRST + number) for number, name in zip(range(int(count)), names, strict=False)}
