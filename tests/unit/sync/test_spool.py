"""Rules of what the box believes of its spool, where a courier that was taken over may have put anything."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sync import spool as spool_file
from sync.spool import CourierStatus, Spool, read_bounded

HONEST = {"fault": "hq_unreachable", "fault_since": "2026-01-02T03:04:05Z", "rate": 179.4, "budget_left": -1}


def said(tmp_path: Path, **fields: Any) -> CourierStatus:
    (tmp_path / "courier.json").write_text(json.dumps({**HONEST, **fields}))
    return Spool(tmp_path).status()


def test_an_honest_couriers_word_is_believed(tmp_path: Path) -> None:
    assert said(tmp_path) == CourierStatus(**HONEST)  # type: ignore[arg-type]
    assert said(tmp_path, waits_until="2026-01-02T03:04:05+02:00", rate=0.1).rate == 0.1


@pytest.mark.parametrize(
    "lie",
    [
        {"rate": 1e-308},  # a time made from it has no end
        {"rate": -1.0},
        {"bytes_today": 2**80},  # no JSON of ours carries it
        {"bytes_today": -1},
        {"budget_left": -2},
        {"in_flight": -1},
        {"next_wanted": 2**64},
        {"clock_off": -(2**63)},
        {"fault": "\x1b]0;pwned\x07"},
        {"fault": "[@click=app.quit]free money[/]"},
        {"fault_since": "yesterday"},
        {"last_attempt_at": "2026-13-45T99:00:00Z"},
        {"last_success_at": "2026-01-02T03:04:05"},  # of no zone: cannot be compared
        {"waits_until": "9" * 900},
        {"state": "dancing"},
    ],
)
def test_what_no_courier_of_ours_would_say_is_not_repeated(tmp_path: Path, lie: dict[str, Any]) -> None:
    assert said(tmp_path, **lie) == CourierStatus()


def test_what_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    with socket.socket(socket.AF_UNIX) as heard:
        heard.bind(str(tmp_path / "socket"))
        for name in ("pipe", "folder", "circle", "socket", "nothing"):
            assert read_bounded(tmp_path / name, 10) is None


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100)
    assert read_bounded(tmp_path / "large", 10) == b"x" * 11


def test_a_folder_is_listed_again_only_when_it_can_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []
    listed = spool_file._numbers

    def look(folder: Path) -> list[int]:
        looks.append(folder)
        return listed(folder)

    monkeypatch.setattr(spool_file, "_numbers", look)
    made = Spool(tmp_path)
    made.prepare("out")
    made.put_segment(1, b"1")
    assert (
        made.segments() == made.segments() == [1] and len(looks) == 2
    )  # just changed: another change could look alike
    out = tmp_path / "out"
    os.utime(out, ns=(0, out.stat().st_mtime_ns - 2 * spool_file.GRAIN_NS))
    made.segments().clear()
    assert made.segments() == [1] and len(looks) == 3
    made.put_segment(2, b"2")
    assert made.segments() == [1, 2]
    made.drop_segment(1)
    assert made.segments() == [2]
