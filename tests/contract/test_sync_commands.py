"""`python -m sync`: the processes as they are started, told apart by words and exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sync import keys
from sync.__main__ import main
from sync.hq import folder as hq_folder
from sync.spool import Spool
from tests.fakes.parties import SealingBox, enrolled_box, hand_over, known_hq, make_hq, objects, until_receipted
from tests.fakes.waiting import until

COMMAND = [sys.executable, "-m", "sync"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command as it is typed, but in this process: starting an interpreter for each is what would take the time."""
    out, err, words = io.StringIO(), io.StringIO(), list(map(str, arguments))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words) if _current_loop() is None else hq_folder.waited_for(asyncio.to_thread(main, words))
        except SystemExit as left:  # argparse
            code = int(left.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A process that said `ready`."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def hq(tmp_path: Path, port: int) -> Path:
    assert run("hq", "init", tmp_path / "hq", "--url", f"https://127.0.0.1:{port}").returncode == 0
    known_hq(tmp_path / "hq")
    return tmp_path / "hq"


async def test_init_enrol_serve_carry_open(tmp_path: Path, hq: Path, port: int) -> None:
    box = SealingBox(hq_folder.public(hq))
    (tmp_path / "box.json").write_bytes(keys.box_to_json(box.facts))
    assert run("hq", "enroll", hq, tmp_path / "box.json").returncode == 0
    spool = Spool(tmp_path / "spool")
    with started("courier", "--spool", spool.root) as courier:
        spool.prepare("out")
        box.spool(spool, 2)
        hand_over(spool, hq_folder.public(hq), box.facts.box)
        await until(lambda: spool.status().fault == "hq_unreachable")
        with started("hq", "serve", hq, "--port", str(port)) as serving:
            await until_receipted(spool, 2)
            for process in (courier, serving):
                process.send_signal(signal.SIGTERM)
                assert process.wait(5) == 0
                assert process.stderr is not None and box.facts.box.hex() not in process.stderr.read()
    opened = run("hq", "open", hq, "--json")
    lines = [json.loads(line) for line in opened.stdout.splitlines()]
    assert opened.returncode == 0
    assert [(line["sequence"], line["class"], line["body"]) for line in lines[:2]] == [
        (1, "session_ended", {}),
        (2, "session_ended", {}),
    ]
    assert lines[2]["size"] == 2
    assert "record 1 2026-01-02T03:04:05Z session_ended" in run("hq", "open", hq).stdout


def test_a_second_courier_on_one_spool_gives_way(tmp_path: Path) -> None:
    with started("courier", "--spool", tmp_path / "spool"):
        second = run("courier", "--spool", tmp_path / "spool")
    assert second.returncode == 1
    assert second.stderr == "Another courier already works on this spool.\n"


def test_a_taken_port_is_one_sentence(hq: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = run("hq", "serve", hq, "--port", str(taken.getsockname()[1]))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "Another program already uses that port.\n"


def test_each_mistake_is_one_sentence_and_one_code(tmp_path: Path, hq: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    for arguments, code in (
        (("hq", "serve", tmp_path / "none"), 1),
        (("hq", "open", tmp_path / "none"), 1),
        (("hq", "init", hq), 1),
        (("hq", "init", tmp_path / "new", "--url", "http://127.0.0.1"), 2),
        (("hq", "enroll", hq, tmp_path / "bad.json"), 2),
        (("hq", "enroll", hq, tmp_path / "missing.json"), 2),
        (("courier", "--spool", tmp_path / "bad.json"), 1),
        (("hq", "unknown"), 2),
    ):
        answer = run(*arguments)
        assert answer.returncode == code, arguments
        assert answer.stdout == "" and answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize("harm", ["hole", "torn", "other_box", "chain", "other_key"])
def test_open_names_what_is_wrong_and_prints_the_rest(harm: str, hq: Path) -> None:
    box = enrolled_box(hq)
    folder = hq / "objects" / "boxes" / box.facts.box.hex()
    folder.mkdir(parents=True)
    for sequence in range(1, 4):
        (folder / f"{sequence:016d}").write_bytes(box.seal())
    middle = folder / f"{2:016d}"
    twin = SealingBox(box.hq, box.facts.box)
    twin.key = box.key
    twin.seal()
    expected = {"hole": "hole", "torn": "malformed_envelope", "other_box": "bad_signature", "chain": "chain"}
    if harm == "hole":
        middle.unlink()
    elif harm == "torn":
        middle.write_bytes(middle.read_bytes()[:99])
    elif harm == "other_box":
        twin.key = SealingBox(box.hq).key
        middle.write_bytes(twin.seal())
    elif harm == "chain":
        middle.write_bytes(twin.seal())
    else:
        make_hq(hq.parent / "other")
        (hq / "keys" / "record.key").write_bytes((hq.parent / "other" / "keys" / "record.key").read_bytes())
    answer = run("hq", "open", hq, "--json")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    troubles = [(line["sequence"], line["trouble"]) for line in lines if "trouble" in line]
    assert answer.returncode == 1
    if harm == "other_key":
        assert troubles == [(n, "unknown_recipient") for n in (1, 2, 3)]
        return
    assert troubles[0] == (2, expected[harm])
    assert {line["sequence"] for line in lines if "class" in line} >= {1, 3}
    assert lines[-1]["size"] == 1


async def test_a_courier_killed_at_any_moment_leaves_a_spool_that_goes_on(tmp_path: Path, hq: Path, port: int) -> None:
    box = enrolled_box(hq)
    spool = Spool(tmp_path / "spool")
    spool.prepare("out")
    box.spool(spool, 30)
    hand_over(spool, box.hq)
    with started("hq", "serve", hq, "--port", str(port)):
        for goal in (3, 8, 15):
            with started("courier", "--spool", spool.root) as courier:
                await until_receipted(spool, goal)
                os.kill(courier.pid, signal.SIGKILL)
        with started("courier", "--spool", spool.root):
            await until(lambda: spool.receipts()[-1:] == [30])
    assert [path.read_bytes() for path in objects(hq)] == box.sealed
