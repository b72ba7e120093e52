"""`python -m media bench`: our relay, Janus and a plain C forwarder by turns on one load, and what a packet costs each.

Each round measures every peer once, one after the other, in a process of its own; ratios are of runs of one round.
README.md of this folder says how the load is made and what it can't show.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import uvloop

from media.bench.janus import Janus
from media.bench.native import NoCompiler
from media.bench.ours import Hearth
from media.bench.peer import Missing, Peer
from media.bench.plain import Plain
from media.bench.profiles import PROFILES, packets_in, packets_out
from media.bench.report import Run, profile_report
from media.bench.window import measure

PEERS = ("hearth", "janus", "janus_one_loop", "c")


def main(argv: list[str]) -> int:
    wanted = arguments().parse_args(argv)
    makers: dict[str, Callable[[], Peer]] = {
        "hearth": lambda: Hearth(wanted.tree, *wanted.relay_option),
        "janus": Janus,
        "janus_one_loop": lambda: Janus(1),
        "c": Plain,
    }
    missing: dict[str, str] = {}
    found: dict[str, Any] = {"machine": machine()}
    try:
        for profile in wanted.profiles:
            runs = rounds(profile, {name: makers[name] for name in wanted.peers}, wanted.runs, wanted.seconds, missing)
            asked = {"packets_in_per_second": packets_in(profile), "packets_out_per_second": packets_out(profile)}
            found[profile] = {"asked": asked, **profile_report(runs)}
    except NoCompiler as error:
        _say(str(error))
        return 1
    found["missing"] = missing
    print(json.dumps(found) if wanted.json else json.dumps(found, indent=2))  # noqa: T201
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hearth bench relay", description="What a packet costs in a room of 12.")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of one window (default 8)")
    parser.add_argument("--runs", type=int, default=3, help="rounds of each profile (default 3)")
    parser.add_argument("--profiles", type=_names(tuple(PROFILES)), default=list(PROFILES), help="call,mesh")
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS), help=",".join(PEERS))
    parser.add_argument("--tree", type=Path, help="measure the relay of another checkout")
    parser.add_argument(
        "--relay-option", action="append", default=[], help="one more word for the relay's command line"
    )
    return parser


def rounds(
    profile: str, makers: dict[str, Callable[[], Peer]], count: int, seconds: float, missing: dict[str, str]
) -> dict[str, list[Run]]:
    """All peers by turns. One that is not here is left out from then on, and `missing` says why."""
    runs: dict[str, list[Run]] = {name: [] for name in makers}
    for number in range(count):
        for name, make in makers.items():
            if name in missing:
                continue
            try:
                run = uvloop.run(measure(make(), profile, seconds))
            except Missing as error:
                missing[name] = str(error)
                _say(f"{error} The figures are without it.")
                continue
            runs[name].append(run)
            _say(f"{profile} {number + 1}/{count} {name}: {run.rate:,.0f} packets a processor second{_doubts(run)}")
    return runs


def _doubts(run: Run) -> str:
    """What is wrong with a run, for the person who watches."""
    said = "" if run.kept_pace else "; the generator was too slow, the machine is busy"
    said += f"; {run.loss:.2%} lost" if run.loss else ""
    return said + (f"; {run.withheld:.2%} withheld" if run.withheld else "")


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if not set(names) <= set(known):
            raise ValueError
        return names

    read.__name__ = "list of " + ",".join(known)
    return read


def machine() -> dict[str, Any]:
    return {
        "cpu": _processor(),
        "cores": psutil.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": psutil.getloadavg()[0],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
