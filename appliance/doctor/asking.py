"""What other processes tell the doctor: a running box, and the relay that is measured. Each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from appliance.control.client import ControlClient, ControlFault
from appliance.doctor.facts import Box, Forwarding

MEASURE_SECONDS = 90.0  # a Pi with a cold card takes 20 s to load the relay, twice
NICE = 10  # so that a page that is open meanwhile notices little


def box(socket: Path) -> Box:
    """The box that answers at this control socket."""
    return asyncio.run(_ask(socket))


async def _ask(socket: Path) -> Box:
    client = ControlClient(socket)
    try:
        snapshot = await client.snapshot()
    except ControlFault:
        return Box(running=False)
    finally:
        await client.close()
    locked = snapshot.box.state != "unlocked"  # then there is no line to the relay yet, and that is well
    return Box(running=True, relay=snapshot.box.relay_connected or locked, people=snapshot.health.people)


def forwarding() -> Forwarding | None:
    """A few seconds of packets on loopback; None where that could not be measured."""
    found = _media("measure", MEASURE_SECONDS)
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.convert(found, Forwarding)
    return None


def people(kbps: int, packets: int) -> dict[str, int] | None:
    """How many people that is, by the relay's own arithmetic."""
    found = _media("carries", MEASURE_SECONDS, "--kbps", str(kbps), "--packets", str(packets))
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.convert(found, dict[str, int])
    return None


def _media(what: str, seconds: float, *arguments: str) -> object:
    """The JSON that a command of the relay's package prints; None if it did not. Its code is not loaded here."""
    command = [sys.executable, "-m", "media", what, *arguments]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(  # noqa: S603 - ours, no shell
            command, capture_output=True, text=True, timeout=seconds, check=True, preexec_fn=_nicer
        )
        return json.loads(done.stdout)
    return None


def _nicer() -> None:
    os.nice(NICE)
