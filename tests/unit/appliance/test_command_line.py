from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance import __main__ as hearth
from appliance import commands
from appliance.processes import Child


def run_as(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> int:
    """The exit code of a command that ends with `problem`."""

    def fail(_asked: argparse.Namespace) -> int:
        raise problem

    monkeypatch.setattr(commands, "parse", lambda _argv: argparse.Namespace(run=fail))
    return hearth.main([])


def test_a_command_that_was_broken_off_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that runs `hearth init` must not go on as if there were a clinic."""
    assert run_as(monkeypatch, KeyboardInterrupt()) == 1


def test_an_answer_that_never_comes_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_as(monkeypatch, EOFError()) == 2
    assert capsys.readouterr().err.count("\n") == 1


async def test_a_folder_may_have_braces_in_its_name(tmp_path: Path) -> None:
    script = "import sys; assert sys.argv[1] == '/a{b}c'; print('ready')"
    child = Child("child", ["-c", script, "/a{b}c", "{fd}"], tmp_path / "log", b"secret")
    assert await child.start()
    await child.end()
