"""`hearth doctor` as a command: measures a real relay, keeps the figures, and tells `hearth up`."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from appliance import carrying
from appliance.home import Home
from appliance.settings import MediaSection, Settings
from appliance.up import _Up
from tests.fakes.boxes import command


@pytest.mark.slow
async def test_what_the_doctor_measured_is_what_the_relay_is_started_with(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command("doctor", "--json", "--home", str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    told = json.loads(output)
    assert told["facts"]["forwarding"]["packets_per_cpu_second"] > 0
    assert process.returncode == int(any(one["mark"] == "bad" for one in told["findings"]))
    assert told["people"]["pictures"] >= 1
    kept = carrying.read(Home(tmp_path))
    assert kept is not None and kept.packets == told["capacity"]["packets"]
    assert f"--capacity-packets {kept.packets}" in Home(tmp_path).capacity.with_suffix(".env").read_text()
    started = _Up(Home(tmp_path), Settings(media=MediaSection(capacity_kbps=4321)), None, "")._children[0].command
    told_to = dict(itertools.pairwise(started))
    assert (told_to["--capacity-kbps"], told_to["--capacity-packets"]) == ("4321", str(kept.packets))


async def test_a_word_that_is_none_of_its_own_is_bad_usage(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command("doctor", "--cure", "--home", str(tmp_path)), stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 2


async def _says(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command("doctor", *words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_beside_a_box_that_does_not_run_a_helper_is_told_so_and_reads_the_same_from_its_code(
    tmp_path: Path,
) -> None:
    returned, said = await _says("--short", "--home", str(tmp_path))
    lines = said.splitlines()
    assert returned == 1 and lines[0].startswith(" 1 NO Hearth") and "the box does not run" in lines[0]
    assert not list(tmp_path.iterdir())  # nothing was written
    typed = " ".join(lines[-3:-1])
    assert (await _says("--read", typed.lower()))[1] == said
    assert "el equipo no funciona" in (await _says("--read", typed, "--language", "es"))[1]


async def test_what_is_no_code_is_said_so() -> None:
    assert await _says("--read", "A1B2 C3D4") == (1, "")
