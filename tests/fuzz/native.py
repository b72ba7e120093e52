"""The forwarding plane in C under libFuzzer with the address, leak and undefined-behaviour sanitizers. Needs clang.

Any find ends the run: a sanitizer cannot go on after one. It lies in the folder of finds as `crash-…`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from media.native.build import FOLDER, SOURCES, constants
from tests.fuzz.targets import CORPUS

PROGRAM = Path(__file__).with_suffix(".c")
SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
# Freed memory that the sanitizer keeps back to catch its use: small and soon full, so that growth is the plane's own.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=8"}
NEEDED = "clang with libclang-rt-dev"


def build(target: Path) -> bool:
    """False without a clang that has libFuzzer."""
    if shutil.which("clang") is None:
        return False
    sources = (str(PROGRAM), *(str(FOLDER / name) for name in SOURCES))
    flags = ("-std=c11", "-O1", "-g", "-pthread", *SANITIZERS, *constants(), f"-I{FOLDER}")
    return subprocess.run(["clang", *flags, *sources, "-o", str(target)], check=False).returncode == 0


def run(inputs: int, out: Path, finds: Path) -> dict[str, Any]:
    """As the report of `child.py`; `out` is for program and log."""
    program, log = out / "native-fuzzer", out / "native.log"
    if not build(program):
        return {"inputs": 0, "seconds": 0, "crashes": 0, "places": [f"left out: no {NEEDED}"]}
    began = time.monotonic()
    with TemporaryDirectory() as learnt, log.open("wb") as file:
        options = [f"-runs={inputs}", "-max_len=1500", "-seed=1", "-timeout=10", f"-artifact_prefix={finds}/"]
        child = [str(program), *options, learnt, str(CORPUS / "room")]
        environment = {**os.environ, **ENVIRONMENT}
        code = subprocess.run(child, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False).returncode
    text = log.read_text(errors="replace")
    done = re.search(r"Done (\d+) runs", text)
    return {
        "inputs": int(done[1]) if done else 0,
        "seconds": time.monotonic() - began,
        "crashes": int(code != 0),
        "places": [f"ended with {code}, see {log}"] if code else [],
        "resident_growth_kib": _growth(text, inputs),
    }


def _growth(text: str, inputs: int) -> int:
    """Resident KiB from a tenth of the inputs to the end, as libFuzzer said them in whole MiB."""
    said = [(int(count), int(size)) for count, size in re.findall(r"#(\d+)\s.*rss: (\d+)Mb", text)]
    late = [size for count, size in said if count >= inputs // 10]
    return (late[-1] - late[0]) * 1024 if late else 0
