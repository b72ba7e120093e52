"""One connection to HQ with one streamed request on it: frames out, frames in. Knows no spool and decides nothing.

`open` is TCP, TLS and the pinned certificate; nothing of ours is sent before `say`. So several lines can be opened
beside each other, and only the one that is through first is spoken on.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import msgspec

from sync import frames
from sync.courier import pinning, sockets
from sync.courier.pinning import Pin
from sync.courier.sockets import Wire
from sync.faults import SENTENCES, SyncFault
from sync.frames import Frame
from sync.keys import HqFacts

CONNECT_SECONDS = 10.0  # TCP and TLS: four round trips of 600 ms with losses
STAGGER_SECONDS = 2.0  # between attempts beside each other: a lost SYN is repeated after 1, 3, 7 s, too seldom
CLOSE_SECONDS = 3.0  # for HQ's last word after ours
DATE_SECONDS = 8.0  # from our first byte to HQ's: its Date is from somewhere in between, so it is at most so much off
MAX_REFUSAL = 4096  # bytes of an answer that is no stream
MAX_RETRY_AFTER = 3600.0  # seconds that HQ may ask us to stay away
MAX_WANTED = 2**53  # no sequence number is higher
MAX_HELD = 4096  # frames heard and not taken yet; more is no HQ of ours
_CHUNK = 65_536


class Refusal(msgspec.Struct, frozen=True):
    """HQ's answer when it is not a receipt."""

    code: str = "hq_failed"
    next_wanted: int = 0
    retry_after: float = 0.0


class Refused(SyncFault):
    """HQ said no, in its own word. `retry_after`: seconds for which it wants to hear nothing."""

    def __init__(self, code: str, *, next_wanted: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(code, next_wanted=next_wanted)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Way:
    """How HQ is reached: its public facts and this box's certificate and key, if it has one."""

    facts: HqFacts
    client: tuple[Path, Path] | None = None

    def pin(self) -> Pin:
        return Pin(self.facts.tls_certificates, pinning.host_of(self.facts))

    def url(self, path: str) -> str:
        return f"{self.facts.url.rstrip('/')}{path}"


class Line:
    """One line. `path` of the streamed request. All methods on one event loop; `close` ends it at any time."""

    def __init__(
        self,
        way: Way,
        path: str,
        now: Callable[[], float] = time.monotonic,
        spend: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._way = way
        self._path = path
        self._now = now
        self._spend = spend
        self._counted = 0
        self._pin = way.pin()
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._in: asyncio.Queue[Frame | SyncFault | None] = asyncio.Queue()
        self._connected = asyncio.Event()
        self._socket: socket.socket | None = None
        self._wire = Wire()
        self._task: asyncio.Task[None] | None = None
        self.heard_at = self.said_at = now()
        self.hq_time = 0.0  # HQ's clock when it began to answer, Unix seconds; 0: it did not say
        self.hq_heard = 0.0  # when that came, in seconds since this machine started
        self._asked = 0.0  # when the first byte was on its way there, likewise

    async def open(self) -> None:
        """TCP, TLS, pin. Raises SyncFault; `close` afterwards either way."""
        self._task = asyncio.create_task(self._exchange())
        through = asyncio.create_task(self._connected.wait())
        try:
            await asyncio.wait((self._task, through), timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            through.cancel()
        if not self._connected.is_set():
            said = self._in.get_nowait() if self._task.done() and not self._in.empty() else None
            raise said if isinstance(said, SyncFault) else SyncFault("hq_unreachable")
        self.heard_at = self.said_at = self._now()

    def say(self, frame: bytes) -> None:
        """Send a frame; b"" ends what we say, and HQ then ends its answer."""
        self.said_at = self._now()
        self._out.put_nowait(frame)

    async def heard(self, seconds: float) -> list[Frame]:
        """What HQ said since; none when it was silent for `seconds`. Raises SyncFault when the line is at its end."""
        found: list[Frame] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                found.append(self._got(await self._in.get()))
        while not self._in.empty():
            item = self._in.get_nowait()
            if found and not isinstance(item, Frame):
                self._in.put_nowait(item)  # what came before the end counts
                return found
            found.append(self._got(item))
        return found

    def _got(self, item: Frame | SyncFault | None) -> Frame:
        if isinstance(item, Frame):
            return item
        self._in.put_nowait(item)  # every later call meets the end too
        raise item or SyncFault("hq_unreachable")

    def wire(self) -> Wire:
        """What the kernel knows; the last of it after the line was closed."""
        found = sockets.wire(self._socket)
        if found.bytes:
            self._wire = found
        return self._wire

    def count(self) -> None:
        """Tell `spend` what went over the line since the last time: what is never spoken on costs too."""
        total = self.wire().bytes
        self._spend(max(0, total - self._counted))
        self._counted = max(total, self._counted)

    async def finish(self) -> list[Frame]:
        """Say that it was all and hear HQ's last frames."""
        self.say(b"")
        found: list[Frame] = []
        with suppress(SyncFault, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while True:
                    found += await self.heard(CLOSE_SECONDS)
        return found

    async def close(self) -> None:
        """End it now; what was on the way may have arrived or not."""
        self.count()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _make_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        self._socket = sockets.bad_line_socket(address)
        return self._socket

    async def _exchange(self) -> None:
        """The request from its first byte to its last; its end is the last item that `heard` meets."""
        end: SyncFault | None = None
        try:
            async with session(self._way, self._pin, self._make_socket) as http:
                url = self._way.url(self._path)
                async with http.post(url, data=self._body(), allow_redirects=False) as answer:
                    await self._listen(answer)
        except SyncFault as fault:
            end = fault
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as problem:
            end = pinning.connect_fault(problem, self._pin)
        self._in.put_nowait(end)

    async def _body(self) -> AsyncIterator[bytes]:
        """aiohttp asks for the first part when the connection stands, and has sent nothing until it gets it."""
        self._connected.set()
        while part := await self._out.get():
            while not self._out.empty() and len(part) < frames.MAX_SMALL:
                more = self._out.get_nowait()
                if not more:
                    self._out.put_nowait(more)
                    break
                part += more
            self.wire()
            self._asked = self._asked or time.clock_gettime(time.CLOCK_BOOTTIME)
            yield part

    async def _listen(self, answer: aiohttp.ClientResponse) -> None:
        heard = time.clock_gettime(time.CLOCK_BOOTTIME)
        if heard - self._asked <= DATE_SECONDS:
            self.hq_time, self.hq_heard = _date(answer.headers.get("Date", "")), heard
        if answer.status != 200:
            raise refused(await bounded(answer, MAX_REFUSAL), answer)
        reader = frames.Reader()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            self.heard_at = self._now()
            self.wire()
            for frame in reader.feed(chunk):
                if not frame.kind & frames.FROM_HQ or self._in.qsize() >= MAX_HELD:
                    raise SyncFault("hq_failed")
                self._in.put_nowait(frame)


def session(
    way: Way | None, pin: Pin, make_socket: Callable[[aiohttp.AddrInfoType], socket.socket] = sockets.bad_line_socket
) -> aiohttp.ClientSession:
    """A client for one connection, to the pinned HQ or, without a `way`, to whoever answers."""
    tls = pinning.context(pin, None if way is None else way.client)
    connector = aiohttp.TCPConnector(ssl=tls, socket_factory=make_socket, limit=1, happy_eyeballs_delay=None)
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
    headers = {
        "User-Agent": "hearth",
        "Content-Type": "application/octet-stream",
        "Accept-Encoding": "identity",
    }
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=headers,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a limit on bytes is one on the bytes that came
    )


async def race(make: Callable[[], Line], seconds: float, jitter: Callable[[], float] = random.random) -> Line:
    """Open lines beside each other, one more every STAGGER_SECONDS or up to half as long again, until one is through or
    `seconds` are over. `jitter` in [0, 1): boxes that lost HQ in one moment do not knock in step.

    Raises the last attempt's fault: at once when HQ or the network refuses, for then nothing was slow.
    """
    attempts: dict[asyncio.Task[None], Line] = {}
    loop, fault = asyncio.get_running_loop(), SyncFault("hq_unreachable")
    until = loop.time() + seconds
    winner: Line | None = None
    try:
        while loop.time() < until:
            line, pause = make(), STAGGER_SECONDS * (1.0 + 0.5 * jitter())
            attempts[asyncio.create_task(line.open())] = line
            done, _ = await asyncio.wait(attempts, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                problem = task.exception()
                if problem is None and winner is None:
                    winner = attempts.pop(task)
                elif isinstance(problem, SyncFault):
                    fault = problem
                    await attempts.pop(task).close()
            if winner is not None:
                return winner
            if not attempts:
                raise fault
        raise fault
    finally:
        for task, line in attempts.items():
            task.cancel()
            await line.close()


async def bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """A body of at most `limit` bytes, or `hq_failed`."""
    got = bytearray()
    async for chunk in answer.content.iter_chunked(limit + 1):
        got += chunk
        if len(got) > limit:
            raise SyncFault("hq_failed")
    return bytes(got)


def refused(body: bytes, answer: aiohttp.ClientResponse | None = None) -> Refused:
    """HQ's refusal in its own words, as far as we know them."""
    try:
        said = msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, ValueError, RecursionError):
        said = Refusal()
    asked = "" if answer is None or answer.status not in (429, 503) else answer.headers.get("Retry-After", "")
    wait = float(asked) if asked.isdecimal() and len(asked) <= 20 else said.retry_after
    code = said.code if said.code in SENTENCES else "hq_failed"
    wanted = said.next_wanted if 0 < said.next_wanted <= MAX_WANTED else 0
    return Refused(code, next_wanted=wanted, retry_after=min(MAX_RETRY_AFTER, wait) if wait > 0 else 0.0)


def _date(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
