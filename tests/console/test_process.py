"""The console as a program: what it imports, how it ends, what it says at the shell."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.conftest import sitting_down
from tests.fakes.daemon import FakeDaemon
from tui import __main__ as program
from tui.app import Console


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": "", **environment},
    )


def test_the_console_loads_no_store_no_key_and_no_media() -> None:
    code = "import sys, tui.__main__; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.partition(".")[0] in ("appliance", "media", "sync", "tests")}
    assert ours == {"appliance", "appliance.control", "appliance.control.client", "appliance.control.types"}
    assert not loaded & {"sqlcipher3", "aiortc", "av", "cryptography", "obstore", "psutil"}


def test_a_box_that_is_not_running_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    done = run("--socket", str(tmp_path / "none.sock"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "The box is not running" in done.stderr and done.stdout == ""


def test_the_sentence_comes_in_the_language_of_the_terminal_or_of_the_option(tmp_path: Path) -> None:
    socket = str(tmp_path / "none.sock")
    assert "El equipo no está en marcha" in run("--socket", socket, LANG="es_MX.UTF-8").stderr
    assert "El equipo no está en marcha" in run("--socket", socket, "--language", "es").stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("--socket",), ("--socket", "x", "--language", "de"), ("--socket", "x", "--idle-minutes", "0"), ("x",)],
)
def test_bad_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


async def test_without_a_terminal_it_says_so_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def no_trouble(socket: Path) -> tuple[str, str]:
        return "", ""

    monkeypatch.setattr(program, "_look", no_trouble)
    monkeypatch.setattr(asyncio, "run", lambda doing: doing.close() or ("", ""))
    assert program.main(["--socket", "x", "--language", "en"]) == 2
    assert capsys.readouterr().err == "The console needs a terminal to draw on.\n"


async def test_a_socket_of_another_group_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = await FakeDaemon(tmp_path / "c.sock").start()
    daemon.version += 1
    assert await program._look(daemon.path) == ("other_version", "")
    await daemon.stop()
    assert await program._look(daemon.path) == ("away", "")


async def test_q_leaves_and_signs_out(impatient: None) -> None:
    async with sitting_down() as desk:
        await desk.opens_the_group()
        await desk.presses("ctrl+q")
    assert desk.app.return_code == 0
    assert not desk.daemon.tokens


async def test_a_console_that_fails_shows_where_and_no_local_variable(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(app: Console) -> None:
        secret = "the passphrase"
        raise RuntimeError(secret)

    monkeypatch.setattr(Console, "_do_health", fails)
    said: list[object] = []
    monkeypatch.setattr(Console, "_print_error_renderables", lambda app: said.extend(app._exit_renderables))
    with pytest.raises(RuntimeError):
        async with sitting_down() as desk:
            await desk.signs_in()
            await desk.presses("h")
    assert len(said) == 1
    assert "RuntimeError, test_process.py:" in str(said[0]) and "passphrase" not in str(said[0])
