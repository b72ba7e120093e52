"""The folder between the box and its courier: sealed envelopes out, receipts in. Nothing in it is readable or secret.

    out/<sequence>.segment   written and removed by the box, read by the courier
    in/<sequence>.receipt    written by the courier, read and removed by the box; the newest one stays
    hq.json                  HQ's public facts, by the box     courier.json   how the last attempt went
    urgent.json              numbers of envelopes in out/ that hold urgent records, by the box
    ask/head.request         the box asks how far HQ is: {"box": its id}
    ask/head.answer          the courier's answer: {"status": 200}: the receipt is in in/; 204: none; {"fault": …}
    courier.lock             held by the one courier that runs

A file appears whole or not at all: written beside its place, fsynced, renamed, folder fsynced.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from sync import keys
from sync.envelope import MAX_ENVELOPE
from sync.faults import SENTENCES
from sync.keys import HqFacts
from sync.limits import Limits
from sync.receipt import MAX_RECEIPT

MAX_STATUS = 4096
DIGITS = 16  # of a sequence number in a file or object name, so that names sort as numbers
GRAIN_NS = 2_000_000_000  # of a folder's time of change, on the coarsest file system
_NO_FILE = (errno.ENXIO, errno.ELOOP)  # a socket; links in a circle
_MOST = 2**53  # of any figure: what every reader of JSON keeps
_SLOWEST = 0.001  # bytes a second. Less is no line, and no time to reckon with
_NAME = re.compile(r"^([0-9]{16})\.(segment|receipt)$")


class CourierStatus(msgspec.Struct, frozen=True, kw_only=True):
    """courier.json. Times are RFC 3339 or ""; `fault` is the code of the last attempt's fault, "" when it went well.

    `state`: what the courier does now; `hours` and `budget` mean that something waits for them. `in_flight`: envelopes
    said and not receipted. `bytes_today`: both ways with all headers. `budget_left`: -1 without a budget. `rate`: bytes
    of envelopes receipted per second over the last minutes, outages counted; 0 when nothing was carried. `next_wanted`:
    what HQ asked for with `gap`, else 0. `clock_off`: seconds by which this machine's clock is ahead of HQ's.
    `hq_heard`: when HQ last said what time it is, in seconds since the machine started (CLOCK_BOOTTIME), `hq_ahead`:
    by how much its time was more than that. 0: not since this courier started. Nobody who sets a clock moves them.
    """

    fault: str = ""
    last_attempt_at: str = ""
    last_success_at: str = ""
    state: Literal["no_hq", "idle", "connecting", "sending", "waiting", "hours", "budget"] = "idle"
    fault_since: str = ""
    waits_until: str = ""
    in_flight: int = 0
    bytes_today: int = 0
    budget_left: int = -1
    rate: float = 0.0
    next_wanted: int = 0
    clock_off: int = 0
    hq_heard: float = 0.0
    hq_ahead: float = 0.0

    def hq_time(self, elapsed: float) -> float | None:
        """HQ's time, Unix seconds, when the machine has run for `elapsed`; None where it was not heard."""
        heard = 0.0 < self.hq_heard <= elapsed and self.hq_ahead > 0.0
        return self.hq_ahead + elapsed if heard else None


class HeadTold(msgspec.Struct, frozen=True, kw_only=True):
    """ask/head.answer. `status` 200: HQ's head is in in/ as a receipt; 204: HQ has none of this box; else `fault`."""

    status: int = 0
    fault: str = ""


class Spool:
    """Blocking file access: call it from a thread, an fsync on an SD card can take half a second. Raises OSError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._out = root / "out"
        self._in = root / "in"
        self._listed: tuple[int, int, list[int]] = (0, -1, [])  # out/: looked when, had changed when, what was there

    def prepare(self, own: Literal["out", "in"]) -> None:
        """Make the folders and clear away what a crash left half written in the one that the caller writes to."""
        for folder in (self.root, self._out, self._in):
            folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        for left in (self.root / own).glob(".*.tmp"):
            left.unlink(missing_ok=True)

    def put_segment(self, sequence: int, raw: bytes) -> None:
        write_whole(self._out / f"{sequence:0{DIGITS}d}.segment", raw)

    def segment(self, sequence: int) -> bytes | None:
        return read_bounded(self._out / f"{sequence:0{DIGITS}d}.segment", MAX_ENVELOPE)

    def segments(self) -> list[int]:
        """Numbers of the envelopes that wait, rising.

        Both sides look several times a second, and after a stick 10,000 may lie here: a folder whose time of change is
        the same, and old enough that no change can hide in its grain, is not listed again.
        """
        changed, at = self._out.stat().st_mtime_ns, time.time_ns()
        listed_at, found_change, found = self._listed  # one value: threads look too
        if found_change != changed or changed >= listed_at - GRAIN_NS:
            found = _numbers(self._out)
            self._listed = at, changed, found
        return found.copy()

    def drop_segment(self, sequence: int) -> None:
        (self._out / f"{sequence:0{DIGITS}d}.segment").unlink(missing_ok=True)

    def put_receipt(self, size: int, raw: bytes) -> None:
        write_whole(self._in / f"{size:0{DIGITS}d}.receipt", raw)

    def receipt(self, size: int) -> bytes | None:
        return read_bounded(self._in / f"{size:0{DIGITS}d}.receipt", MAX_RECEIPT)

    def receipts(self) -> list[int]:
        """Sizes of the receipts that are there, rising."""
        return _numbers(self._in)

    def drop_receipt(self, size: int) -> None:
        (self._in / f"{size:0{DIGITS}d}.receipt").unlink(missing_ok=True)

    def drop_settled(self, size: int, but_from: int = 0) -> None:
        """Remove the envelopes that the receipt for `size` covers and the receipts before it. `but_from`: envelopes
        from that number on stay, since HQ lost them and wants them again."""
        for sequence in self.segments():
            if sequence <= size and not 0 < but_from <= sequence:
                self.drop_segment(sequence)
        for older in self.receipts():
            if older < size:
                self.drop_receipt(older)

    def hq_facts(self) -> HqFacts | None:
        """HQ's public facts, None before enrolment. Raises SyncFault `malformed_facts`, `unsupported_version`."""
        raw = read_bounded(self.root / "hq.json", keys.MAX_FACTS)
        return None if raw is None else keys.hq_from_json(raw)

    def hq_stamp(self) -> int:
        """Changes when hq.json does; 0 when there is none."""
        try:
            return (self.root / "hq.json").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def put_hq_json(self, raw: bytes) -> None:
        """Tell the courier who HQ is. Written by the box, from its store, and by nobody else."""
        write_whole(self.root / "hq.json", raw)

    def status(self) -> CourierStatus:
        """The courier's last word; an empty one when there is none or it cannot be read."""
        raw = read_bounded(self.root / "courier.json", MAX_STATUS)
        try:
            status = msgspec.json.decode(raw or b"{}", type=CourierStatus)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return CourierStatus()
        return status if believable(status) else CourierStatus()

    def put_status(self, status: CourierStatus) -> None:
        write_whole(self.root / "courier.json", msgspec.json.encode(status), durable=False)

    def ask_head(self, box: bytes) -> None:
        """Ask the courier to ask HQ how far it is. Asked already: nothing is written."""
        request = self.root / "ask" / "head.request"
        if not request.exists():
            request.parent.mkdir(mode=0o770, exist_ok=True)
            write_whole(request, msgspec.json.encode({"box": box.hex()}))

    def head_told(self) -> HeadTold | None:
        """The answer; None while there is none."""
        raw = read_bounded(self.root / "ask" / "head.answer", MAX_STATUS)
        try:
            return None if raw is None else msgspec.json.decode(raw, type=HeadTold)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return HeadTold(fault="hq_failed")

    def forget_head(self) -> None:
        """Take question and answer away: it was heard, or is to be asked anew."""
        for name in ("head.request", "head.answer"):
            (self.root / "ask" / name).unlink(missing_ok=True)

    def put_urgent(self, sequences: Sequence[int]) -> None:
        """Which envelopes hold urgent records: they pass the day's budget and hours."""
        write_whole(self.root / "urgent.json", msgspec.json.encode(list(sequences)), durable=False)

    def put_queue(self, records: int, oldest_at: str) -> None:
        """How many records wait and since when, for HQ's page of its boxes."""
        told = {"records": records, "oldest_at": oldest_at}
        write_whole(self.root / "queue.json", msgspec.json.encode(told), durable=False)

    def put_limits(self, limits: Limits) -> None:
        """What a metered line may carry; written when it is not there so already."""
        raw = msgspec.json.encode(limits)
        if read_bounded(self.root / "limits.json", MAX_STATUS) != raw:
            write_whole(self.root / "limits.json", raw)

    def urgent(self) -> list[int]:
        """Those, or none when the file is not there or cannot be read."""
        try:
            return msgspec.json.decode(read_bounded(self.root / "urgent.json", MAX_STATUS) or b"[]", type=list[int])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []

    def lock(self) -> int | None:
        """Take the courier's lock until the process ends; None when another courier has it."""
        return _flock(self.root / "courier.lock")

    def courier_runs(self) -> bool:
        """Whether some courier holds the lock."""
        try:
            handle = _flock(self.root / "courier.lock")
        except FileNotFoundError:
            return False
        if handle is None:
            return True
        os.close(handle)
        return False


def believable(status: CourierStatus) -> bool:
    """Whether an honest courier could have said so. Who took it over could else make whoever reckons with its figures
    or reads its times stumble. Pure."""
    counts = (status.in_flight, status.bytes_today, status.budget_left + 1, status.next_wanted, abs(status.clock_off))
    times = (status.last_attempt_at, status.last_success_at, status.fault_since, status.waits_until)
    heard = all(0.0 <= one <= _MOST for one in (status.hq_heard, status.hq_ahead))
    rate = status.rate == 0.0 or _SLOWEST <= status.rate <= _MOST
    known = not status.fault or status.fault in SENTENCES
    return (
        rate
        and known
        and heard
        and all(0 <= count <= _MOST for count in counts)
        and all(_is_time(one) for one in times)
    )


def _is_time(text: str) -> bool:
    """RFC 3339 with its distance from UTC, or ""."""
    try:
        return not text or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def write_whole(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o640) -> None:
    """Write a file so that it is there whole or not at all, after a power cut too if `durable`."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_bounded(path: Path, limit: int) -> bytes | None:
    """The file's bytes, at most `limit` + 1 of them: a parser then refuses a larger one. None when it is not there.

    What is no file counts as not there: the other side may be taken over, and a pipe would keep its reader for ever.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        if isinstance(fault, FileNotFoundError) or fault.errno in _NO_FILE:
            return None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(limit + 1)


def _numbers(folder: Path) -> list[int]:
    with os.scandir(folder) as entries:
        found = [_NAME.match(entry.name) for entry in entries if entry.is_file(follow_symlinks=False)]
    return sorted(int(match.group(1)) for match in found if match)


def _flock(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o660)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
