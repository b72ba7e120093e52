"""Which wire a relay gets, and what it does where the plane in C was not built."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.native import build, library
from media.native.library import NotBuilt
from media.native.wire import NativeWire
from media.relay import bind
from media.wire import PythonWire, new_wire


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    made = bind(0)
    yield made
    made.close()


@pytest.fixture
def not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    library.load.cache_clear()
    monkeypatch.setattr(library, "library", lambda: tmp_path / "missing.so")
    yield
    library.load.cache_clear()


@pytest.mark.usefixtures("not_built")
def test_where_nothing_was_built_packets_are_forwarded_in_python(
    udp: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(new_wire(udp), PythonWire)
    assert "not built" in caplog.text


@pytest.mark.usefixtures("not_built")
def test_whoever_asks_for_the_native_one_is_told_that_it_is_not_there(udp: socket.socket) -> None:
    with pytest.raises(NotBuilt):
        new_wire(udp, "native")


@pytest.mark.skipif(not build.library().exists(), reason="the plane in C is not built")
def test_where_it_was_built_the_native_one_is_taken_unless_python_is_asked_for(udp: socket.socket) -> None:
    assert isinstance(new_wire(udp), NativeWire)
    assert isinstance(new_wire(udp, "python"), PythonWire)


def test_a_library_of_other_sources_or_limits_has_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.library()
    monkeypatch.setattr("media.limits.MAX_RTP", 1000)
    assert build.library() != before


def test_where_there_is_no_compiler_building_says_so_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "library", lambda: tmp_path / "missing.so")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.build() == build.NO_COMPILER
    assert "no C compiler" in capsys.readouterr().out
