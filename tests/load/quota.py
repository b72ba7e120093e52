"""A share of one processor core for one process, by the kernel's CPU bandwidth control (needs root)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# The shortest quota the kernel takes. The shorter, the shorter are the pauses, which a slow processor would not make.
QUOTA_US = 1000
_VERSION_1, _VERSION_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


class NoQuota(Exception):
    """Its text says why, to the person who asked."""


class Group:
    """A control group. `throttled` is the share of periods in which the process was made to wait."""

    def __init__(self, share: float) -> None:
        self._old = (_VERSION_1 / "cpu.cfs_quota_us").exists()
        self._folder = (_VERSION_1 if self._old else _VERSION_2) / f"hearth-load-{os.getpid()}"
        period = round(QUOTA_US / share)
        try:
            self._folder.mkdir()
            if self._old:
                (self._folder / "cpu.cfs_period_us").write_text(str(period))
                (self._folder / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
            else:
                (self._folder / "cpu.max").write_text(f"{QUOTA_US} {period}")
        except OSError as error:
            self.close()
            raise NoQuota(
                f"No CPU quota can be set here ({error.strerror}). It takes root and the cpu controller."
            ) from None

    def hold(self, pid: int) -> None:
        """All threads of the process."""
        (self._folder / "cgroup.procs").write_text(str(pid))

    def counts(self) -> tuple[int, int]:
        """Periods, and those in which it was throttled."""
        found = dict(line.split() for line in (self._folder / "cpu.stat").read_text().splitlines())
        return int(found["nr_periods"]), int(found["nr_throttled"])

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._folder.rmdir()


@contextlib.contextmanager
def group(share: float) -> Iterator[Group]:
    """Raises NoQuota. What was held has to have ended at the end."""
    made = Group(share)
    try:
        yield made
    finally:
        made.close()
