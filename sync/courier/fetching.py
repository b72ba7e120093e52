"""Brings releases from HQ, a part at a time, behind everything else: records first, then what budget and hours leave.

    update/wanted.json      what the box asks for (the appliance's): without it nothing is fetched, and nothing is kept
    update/<digest>.list    HQ's list of it, held against the digest        update/<digest>.part    what came so far
    update/<digest>.raucb   whole and held against its digest               update/told.json        how far it is

What came is appended as it comes, so a line or power cut costs what the disk had not taken yet. A part that is not what
the list says is fetched again. The file is believed by nobody for being here: its signature is the machine's to check.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import msgspec

from sync import releases
from sync.courier import freight, pinning, sockets
from sync.courier.line import Way, refused, session
from sync.courier.talk import LOOK_SECONDS, Desk
from sync.faults import SyncFault
from sync.releases import PART, Bundle, Fetching, List, Wanted
from sync.spool import read_bounded, sync_folder, write_whole

FOLDER = "update"
RESERVE = 512 * 1024 * 1024  # bytes that stay free: the store and its backups need room more than a release does
SILENT_SECONDS = 30.0  # without a byte the line is dead
AGAIN_SECONDS, LATEST_SECONDS = 5.0, 600.0  # after a fault: doubles, and begins anew when something came
ROOM_SECONDS = 60.0  # between two looks at a disk that was too full
OVERHEAD = 8_000  # bytes of a connection
MAX_REFUSAL = 4096
_CHUNK = 65_536
# Of the stream's faults those that pass by themselves. With another one records wait for a person, who may need this
# very release.
_PASSING = ("", "hq_unreachable", "busy", "hq_failed", "gap")

_log = logging.getLogger("hearth.courier")


class _Yield(Exception):
    """Something that goes first wants the line, or somebody wants another release."""


class Fetcher:
    """`way`: how HQ is reached as of the last hq.json; None before there is one. `free`: bytes free at a path."""

    def __init__(
        self,
        desk: Desk,
        way: Callable[[], Way | None],
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._desk = desk
        self._way = way
        self._free = free
        self._folder = desk.spool.root / FOLDER
        self._told: Fetching | None = None
        self._faults = 0
        self._at = 0.0  # not before
        self._stamp = -1  # of wanted.json as it was looked at last

    async def run(self) -> None:
        """Look after it until cancelled."""
        while True:
            try:
                await self._turn()
            except _Yield:
                await self._tell(state="waiting")
            except SyncFault as fault:
                await self._failed(fault.code)
            except OSError:
                await self._failed("spool_failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _turn(self) -> None:
        stamp = self._wanted_stamp()
        if stamp != self._stamp:
            self._stamp, self._at, self._faults = stamp, 0.0, 0
        elif self._desk.now() < self._at:
            return
        wanted = await asyncio.to_thread(self._wanted)
        if wanted is None:
            self._at = float("inf")
            await asyncio.to_thread(self._clear, ())
            return
        way = self._way()
        box = await asyncio.to_thread(freight.box_id, self._desk.spool)
        if way is not None and box is not None:
            await self._bring(wanted, way, box)

    async def _bring(self, wanted: Wanted, way: Way, box: bytes) -> None:
        """All of it, or as much as there is leave for."""
        if self._told is None or self._told.wanted != wanted.digest:
            self._told = Fetching(wanted=wanted.digest)
        base = f"/v1/boxes/{box.hex()}/updates/"
        found = await asyncio.to_thread(self._list, wanted)
        if found is None:
            found = await self._fetch_list(wanted, way, f"{base}{wanted.digest}/0")
        bundle = found.bundle(wanted.compatible)
        await asyncio.to_thread(self._clear, (wanted.digest, "" if bundle is None else bundle.digest))
        if bundle is None:
            await self._tell(state="none", have=0, size=0)
            self._at = float("inf")  # until something else is wanted
            return
        if await asyncio.to_thread(self._place(bundle).exists):
            await self._tell(state="here", digest=bundle.digest, have=bundle.size, size=bundle.size)
            self._at = self._desk.now() + ROOM_SECONDS
            return
        have = await asyncio.to_thread(self._have, bundle)
        if await asyncio.to_thread(self._free, self._folder) < bundle.size - have + RESERVE:
            await self._tell(state="no_room", digest=bundle.digest, have=have, size=bundle.size)
            self._at = self._desk.now() + ROOM_SECONDS
            return
        await self._tell(digest=bundle.digest, have=have, size=bundle.size)
        await self._fetch(bundle, way, f"{base}{bundle.digest}")
        await asyncio.to_thread(self._finish, bundle)
        await self._tell(state="here", have=bundle.size)

    # -- over the line

    async def _fetch_list(self, wanted: Wanted, way: Way, path: str) -> List:
        self._leave(wanted.size)
        used: list[socket.socket] = []
        pin = way.pin()
        try:
            async with session(way, pin, _counted(used)) as http:
                raw = bytearray()
                try:
                    async with http.get(way.url(path), allow_redirects=False, timeout=_timeout()) as got:
                        if got.status != 200:
                            raise await _refusal(got)
                        async for chunk in got.content.iter_chunked(_CHUNK):
                            raw += chunk
                            if len(raw) > wanted.size:
                                raise SyncFault("hq_failed")
                finally:
                    self._desk.purse.spend(_wire(used))
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as problem:
            raise pinning.connect_fault(problem, pin) from None
        if hashlib.sha256(raw).hexdigest() != wanted.digest:
            raise SyncFault("hq_failed")
        found = releases.from_json(bytes(raw))
        await asyncio.to_thread(write_whole, self._folder / f"{wanted.digest}.list", bytes(raw))
        return found

    async def _fetch(self, bundle: Bundle, way: Way, path: str) -> None:
        """Part by part on one connection, as long as there is leave."""
        used: list[socket.socket] = []
        spent = 0
        pin = way.pin()
        try:
            async with session(way, pin, _counted(used)) as http:
                while (have := await asyncio.to_thread(self._have, bundle)) < bundle.size:
                    number, start = divmod(have, PART)
                    self._leave(min(PART, bundle.size - number * PART) - start)
                    await self._tell(state="fetching", have=have, fault="")
                    try:
                        await self._fetch_part(bundle, http, way.url(f"{path}/{number}"), number, start)
                    finally:
                        now = _wire(used)
                        self._desk.purse.spend(max(0, now - spent))
                        spent = now
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as problem:
            if isinstance(problem, OSError) and not isinstance(problem, aiohttp.ClientError) and problem.errno in _DISK:
                raise
            raise pinning.connect_fault(problem, pin) from None

    async def _fetch_part(self, bundle: Bundle, http: aiohttp.ClientSession, url: str, number: int, start: int) -> None:
        """The rest of one part, appended as it comes, then the whole of it held against the list."""
        wanted = min(PART, bundle.size - number * PART) - start
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with http.get(url, headers=headers, allow_redirects=False, timeout=_timeout()) as got:
            if got.status != (206 if start else 200):
                raise await _refusal(got)
            async for chunk in got.content.iter_chunked(_CHUNK):
                wanted -= len(chunk)
                if wanted < 0:
                    raise SyncFault("hq_failed")
                await asyncio.to_thread(self._append, bundle, chunk)
                self._faults = 0
                self._go_first()
        if wanted or not await asyncio.to_thread(self._good, bundle, number):
            await asyncio.to_thread(self._cut, bundle, number * PART if not wanted else None)
            raise SyncFault("hq_unreachable" if wanted else "hq_failed")

    def _leave(self, size: int) -> None:
        """Go on only if nothing goes first and budget and hours have room."""
        self._go_first()
        if self._desk.purse.held(size + OVERHEAD, urgent=False):
            raise _Yield

    def _go_first(self) -> None:
        spool = self._desk.spool
        newest, receipts = spool.segments()[-1:], spool.receipts()[-1:]
        waiting = bool(newest) and newest[0] > (receipts[0] if receipts else 0)
        if (waiting and self._desk.telling.status.fault in _PASSING) or self._wanted_stamp() != self._stamp:
            raise _Yield

    async def _failed(self, code: str) -> None:
        _log.log(logging.WARNING if not self._faults else logging.DEBUG, "release not fetched: %s", code)
        self._at = self._desk.now() + min(LATEST_SECONDS, AGAIN_SECONDS * 2.0 ** min(self._faults, 10))
        self._faults += 1
        with suppress(OSError):
            await self._tell(state="waiting", fault=code)

    async def _tell(self, **changes: object) -> None:
        """Written when it says something new; not synced: it is only shown."""
        if self._told is None:
            return
        told = msgspec.structs.replace(self._told, **changes)
        if told != self._told or not (self._folder / "told.json").exists():
            self._told = told
            raw = msgspec.json.encode(told)
            await asyncio.to_thread(write_whole, self._folder / "told.json", raw, durable=False)

    # -- on the disk; blocking

    def _wanted_stamp(self) -> int:
        try:
            return (self._folder / "wanted.json").stat().st_mtime_ns
        except OSError:
            return 0

    def _wanted(self) -> Wanted | None:
        raw = read_bounded(self._folder / "wanted.json", MAX_REFUSAL)
        try:
            found = msgspec.json.decode(raw or b"", type=Wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return found if releases.is_digest(found.digest) and 0 < found.size <= releases.MAX_LIST else None

    def _list(self, wanted: Wanted) -> List | None:
        raw = read_bounded(self._folder / f"{wanted.digest}.list", releases.MAX_LIST)
        if raw is None or hashlib.sha256(raw).hexdigest() != wanted.digest:
            return None
        return releases.from_json(raw)

    def _place(self, bundle: Bundle) -> Path:
        return self._folder / f"{bundle.digest}.raucb"

    def _partial(self, bundle: Bundle) -> Path:
        return self._folder / f"{bundle.digest}.part"

    def _have(self, bundle: Bundle) -> int:
        """Bytes that came; more than there can be is none of ours."""
        try:
            size = self._partial(bundle).stat().st_size
        except FileNotFoundError:
            return 0
        if size > bundle.size:
            self._cut(bundle, 0)
            return 0
        return size

    def _append(self, bundle: Bundle, raw: bytes) -> None:
        handle = os.open(self._partial(bundle), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o640)
        with os.fdopen(handle, "ab") as file:
            file.write(raw)

    def _good(self, bundle: Bundle, number: int) -> bool:
        """Whether that part is what the list says; it is on the disk then."""
        with self._partial(bundle).open("rb") as file:
            file.seek(number * PART)
            good = releases.part_hash(file.read(PART)) == bundle.hashes[number]
            if good:
                os.fsync(file.fileno())
            return good

    def _cut(self, bundle: Bundle, size: int | None) -> None:
        if size is not None:
            os.truncate(self._partial(bundle), size)

    def _finish(self, bundle: Bundle) -> None:
        """Whole: held against its digest once more, since a power cut may have torn what came before it."""
        whole, bad = hashlib.sha256(), -1
        with self._partial(bundle).open("rb") as file:
            for number, hashed in enumerate(bundle.hashes):
                raw = file.read(PART)
                whole.update(raw)
                if bad < 0 and releases.part_hash(raw) != hashed:
                    bad = number
            os.fsync(file.fileno())
        if bad >= 0 or whole.hexdigest() != bundle.digest:
            self._cut(bundle, max(0, bad) * PART)
            raise SyncFault("hq_failed")
        self._partial(bundle).rename(self._place(bundle))
        sync_folder(self._folder)

    def _clear(self, keep: tuple[str, ...]) -> None:
        """Take away what belongs to no release that is wanted."""
        if not keep:
            self._told = None
        with suppress(FileNotFoundError):
            for file in list(self._folder.iterdir()):
                ours = file.suffix in (".list", ".part", ".raucb", ".tmp") or (file.name == "told.json" and not keep)
                if ours and file.stem not in keep:
                    file.unlink(missing_ok=True)


_DISK = (28, 30, 5, 122)  # ENOSPC, EROFS, EIO, EDQUOT: ours, not the line's


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=SILENT_SECONDS, sock_read=SILENT_SECONDS)


def _counted(used: list[socket.socket]) -> Callable[[aiohttp.AddrInfoType], socket.socket]:
    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        used.append(sockets.bad_line_socket(address))
        return used[-1]

    return make


def _wire(used: list[socket.socket]) -> int:
    return sum(sockets.wire(one).bytes for one in used)


async def _refusal(got: aiohttp.ClientResponse) -> SyncFault:
    raw = await got.content.read(MAX_REFUSAL)
    return SyncFault("hq_failed") if got.status in (404, 416) else refused(raw, got)
