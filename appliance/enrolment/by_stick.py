"""A box's request and its HQ's answer as files on a stick, for a clinic without a line. Blocking: for a thread.

    hearth-<8 digits of the box's id>.request   written here; `hearth hq enroll DIR --request` of it at headquarters
    hearth-<8 digits of the box's id>.answer    which that writes beside it

At the top of the stick, where whoever carries it sees them. Only the box that asked can use the answer.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from appliance.copies.places import Place
from appliance.faults import Fault
from sync.enrolment import MAX_ANSWER
from sync.spool import read_bounded, write_whole

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def only(places: Sequence[Place]) -> Path:
    """The one stick that is plugged in: nobody types a path here. Faults: stick_missing, stick_several."""
    sticks = [place for place in places if place.kind == "stick"]
    if not sticks:
        raise Fault("stick_missing")
    if len(sticks) > 1:
        raise Fault("stick_several")
    return Path(sticks[0].path)


def put(stick: Path, box: str, request: bytes) -> None:
    """The request, whole and durable. An answer to an earlier one goes: it would fit no more. Faults: stick_full,
    stick_failed."""
    try:
        _file(stick, box, "answer").unlink(missing_ok=True)
        write_whole(_file(stick, box, "request"), request)
    except OSError as problem:
        raise Fault("stick_full" if problem.errno in _FULL else "stick_failed") from None


def answer(stick: Path, box: str) -> bytes:
    """HQ's answer, as it lies there: whoever takes it checks it. Faults: stick_no_answer, stick_failed."""
    file = _file(stick, box, "answer")
    try:
        raw = None if file.is_symlink() else read_bounded(file, MAX_ANSWER)
    except OSError:
        raise Fault("stick_failed") from None
    if raw is None:
        raise Fault("stick_no_answer")
    return raw


def _file(stick: Path, box: str, kind: str) -> Path:
    return stick / f"hearth-{box[:8]}.{kind}"
