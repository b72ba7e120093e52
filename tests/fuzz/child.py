"""One target under libFuzzer (atheris), guided by the coverage of our packages. `python -m tests.fuzz` starts it.

    python -m tests.fuzz.child TARGET INPUTS REPORT FINDS

Goes on after a find: the first input of each place that raised is kept in the folder FINDS. REPORT gets one JSON
object.
Memory is read after a tenth of the inputs, when caches and libFuzzer's own corpus have grown, and at the end.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import traceback
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import atheris

with atheris.instrument_imports(include=["media", "aioice", "appliance", "sync"], enable_loader_override=False):
    from tests.fuzz.targets import CORPUS, TARGETS

LONGEST = 1500  # bytes of an input: a datagram; lines are shorter than the bytes that matter in them
LONGER = {"slots": 8192, "proof": 4096, "sync_facts": 8192, "sync_sealed": 4096, "sync_enrolment": 16_384}


class Watch:
    """Counts inputs and finds, and writes the report at the last one."""

    def __init__(self, target: str, inputs: int, report: Path, finds: Path) -> None:
        self._run, self._inputs, self._report, self._finds = TARGETS[target], inputs, report, finds
        self._found: set[str] = set()
        self._count = self._crashes = 0
        self._warm = max(1, inputs // 10)
        self._before: tuple[int, int] = (0, 0)
        self._began = time.monotonic()

    def __call__(self, data: bytes) -> None:
        self._count += 1
        try:
            self._run(data)
        except Exception as found:  # noqa: BLE001  anything at all is a find
            self._keep(data, found)
        if self._count == self._warm:
            self._before = _memory()
        if self._count == self._inputs:
            self._write()

    def _keep(self, data: bytes, found: Exception) -> None:
        self._crashes += 1
        last = traceback.extract_tb(found.__traceback__)[-1]
        place = f"{type(found).__name__} {Path(last.filename).name}:{last.lineno}"
        if place not in self._found:
            self._found.add(place)
            (self._finds / sha256(data).hexdigest()[:16]).write_bytes(data)

    def _write(self) -> None:
        resident, blocks = _memory()
        figures: dict[str, Any] = {
            "inputs": self._count,
            "seconds": round(time.monotonic() - self._began, 1),
            "crashes": self._crashes,
            "places": sorted(self._found),
            "resident_growth_kib": resident - self._before[0],
            "python_blocks_growth": blocks - self._before[1],
        }
        self._report.write_text(json.dumps(figures))


def _memory() -> tuple[int, int]:
    """Resident KiB now, and blocks that Python holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024, sys.getallocatedblocks()


def main(target: str, inputs: int, report: Path, finds: Path) -> None:
    with TemporaryDirectory() as folder:  # libFuzzer writes what it learns into its first folder
        seeds = Path(folder) / "corpus"
        copytree(CORPUS / target, seeds)
        options = [
            f"-runs={inputs}",
            f"-max_len={LONGER.get(target, LONGEST)}",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-verbosity=0",
        ]
        options += ["-print_final_stats=0", f"-artifact_prefix={finds}/", "-seed=1"]
        atheris.Setup([sys.argv[0], *options, str(seeds)], Watch(target, inputs, report, finds))
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
