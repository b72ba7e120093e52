"""`python -m tests.fuzz [--inputs N] [TARGET …]`: each parser gets N random inputs. Prints a line of figures for each.

A room and relay.sock get a twentieth: one of their inputs is many packets or lines. Ends with 1 if anything was found;
what was found lies under tests/out/fuzz/TARGET. To mend it: copy the file into corpus/TARGET as `once-…`, see
`make test` fail, then mend the parser.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fuzz import native
from tests.fuzz.targets import PER_INPUT, TARGETS

OUT = Path(__file__).parents[1] / "out" / "fuzz"
NATIVE = "native"  # the forwarding plane in C, by another way
ALL = [*TARGETS, NATIVE]
HEADINGS = f"{'target':12}{'inputs':>12}{'seconds':>9}{'crashes':>9}{'KiB more':>10}{'objects more':>14}"


def run(target: str, inputs: int) -> dict[str, Any]:
    """The report of one target in a process of its own."""
    finds, report = OUT / target, OUT / f"{target}.json"
    finds.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    if target == NATIVE:
        return native.run(inputs, OUT, finds)
    child = [sys.executable, "-m", "tests.fuzz.child", target, str(inputs), str(report), str(finds)]
    with (OUT / f"{target}.log").open("wb") as log:
        code = subprocess.run(child, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    if not report.exists():  # it did not live to the end: a hang, a leak, or native code that fell
        return {"inputs": 0, "seconds": 0, "crashes": 1, "places": [f"ended with {code}, see {log.name}"]}
    figures: dict[str, Any] = json.loads(report.read_text())
    return figures


def line(target: str, figures: dict[str, Any]) -> str:
    grown = figures.get("resident_growth_kib", 0), figures.get("python_blocks_growth", 0)
    text = (
        f"{target:12}{figures['inputs']:12,}{figures['seconds']:9.0f}{figures['crashes']:9}{grown[0]:10}{grown[1]:14}"
    )
    return "\n".join([text, *(f"    {place}" for place in figures["places"])])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000_000, help="for each target")
    parser.add_argument("targets", nargs="*", choices=[[], *ALL], metavar="TARGET", help=", ".join(ALL))
    wanted = parser.parse_args()
    print(HEADINGS, flush=True)
    crashes = 0
    for target in wanted.targets or ALL:
        figures = run(target, max(1, wanted.inputs // PER_INPUT.get(target, 1)))
        crashes += figures["crashes"]
        print(line(target, figures), flush=True)
    return int(crashes > 0)


if __name__ == "__main__":
    sys.exit(main())
