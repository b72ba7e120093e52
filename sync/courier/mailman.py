"""Single requests beside the stream: what the appliance asks for (spool/ask), packs that HQ has, HQ's newest receipt.

    ask/<id>.request   {"path": "/v1/enrolments", "url": "https://...", "body": base64, "trust": "any" | "pinned"}
    ask/head.request   {"box": 32 hex digits} fetch HQ's newest receipt for this box into in/
    ask/<id>.answer    {"status": 200, "body": base64} or {"fault": code}

With trust "any" TLS proves nothing: such messages prove themselves. "pinned" shows the box's certificate too.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec

from sync import keys, pack, receipt
from sync.courier import pinning, sockets
from sync.courier.line import Way, bounded, refused, session
from sync.courier.pinning import Pin
from sync.faults import SyncFault
from sync.receipt import MAX_RECEIPT
from sync.spool import read_bounded, write_whole

MAX_REQUEST = 262_144  # bytes of an ask file
MAX_ANSWER = 262_144  # bytes of what HQ answers to it
MAX_ASKS = 16  # looked at in one round
ANSWER_SECONDS = 120.0  # 160 KiB take 20 s at 64 kbit/s
HEAD = "head"
_NAME = re.compile(r"^([0-9A-Za-z_-]{1,64})\.request$")
_PATH = re.compile(r"^/v1/[0-9A-Za-z/_.-]{1,200}$")


Spend = Callable[[int], None]  # bytes that went over the line


class Ask(msgspec.Struct, frozen=True):
    path: str = ""
    box: str = ""
    url: str = ""
    body: str = ""
    trust: Literal["any", "pinned"] = "pinned"


def asks(root: Path) -> list[str]:
    """Ids of requests without an answer. An empty folder costs one listing."""
    try:
        names = [path.name for path in (root / "ask").iterdir()]
    except OSError:
        return []
    found = sorted(match.group(1) for match in map(_NAME.match, names) if match)
    return [one for one in found if f"{one}.answer" not in names][:MAX_ASKS]


def read(root: Path, name: str) -> Ask:
    """`malformed_carriage` when it is no request."""
    try:
        found = msgspec.json.decode(read_bounded(root / "ask" / f"{name}.request", MAX_REQUEST) or b"", type=Ask)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise SyncFault("malformed_carriage") from None
    if name == HEAD:
        return found
    if not _PATH.match(found.path) or ".." in found.path or (found.url and not keys.usable_url(found.url)):
        raise SyncFault("malformed_carriage")
    return found


def answer(root: Path, name: str, fields: dict[str, object]) -> None:
    write_whole(root / "ask" / f"{name}.answer", msgspec.json.encode(fields))


def _nothing(count: int) -> None:
    """Whoever does not count."""


async def post(ask: Ask, way: Way | None, spend: Spend = _nothing) -> dict[str, object]:
    """Carry one request; what its answer file says."""
    url = ask.url or ("" if way is None else way.facts.url)
    if not url or (ask.trust == "pinned" and way is None):
        return {"fault": "hq_unreachable"}
    try:
        body = base64.b64decode(ask.body, validate=True)
        target = f"{url.rstrip('/')}{ask.path}"
        status, got = await _request("POST", target, None if ask.trust == "any" else way, body, spend=spend)
    except SyncFault as fault:
        return {"fault": fault.code}
    except ValueError:
        return {"fault": "malformed_carriage"}
    return {"status": status, "body": base64.b64encode(got).decode()}


async def head(way: Way, box: bytes, spend: Spend = _nothing) -> bytes | None:
    """HQ's newest receipt for this box, checked; None when it has none."""
    status, raw = await _request("GET", way.url(f"/v1/boxes/{box.hex()}/head"), way, limit=MAX_RECEIPT, spend=spend)
    if status == 204:
        return None
    if status != 200:
        raise refused(raw)
    receipt.verify(receipt.parse(raw), way.facts.receipt_keys, box)
    return raw


async def fetch_pack(way: Way, box: bytes, number: int, spend: Spend = _nothing) -> bytes | None:
    """A pack that is laid out as one, or None when HQ has none of that number. The appliance verifies it."""
    url = way.url(f"/v1/boxes/{box.hex()}/packs/{number}")
    status, raw = await _request("GET", url, way, limit=pack.MAX_PACK, spend=spend)
    if status == 404:
        return None
    if status != 200:
        raise refused(raw)
    found = pack.parse(raw)
    pack.verify(found, way.facts.pack_keys, box)
    if found.number != number:
        raise SyncFault("malformed_pack")
    return raw


async def _request(
    method: str,
    url: str,
    way: Way | None,
    body: bytes | None = None,
    limit: int = MAX_ANSWER,
    *,
    spend: Spend,
) -> tuple[int, bytes]:
    """`way` None: whoever answers there. `spend` is told what went over the line, also when nothing came of it."""
    used: list[socket.socket] = []

    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        used.append(sockets.bad_line_socket(address))
        return used[-1]

    seen = 0
    pin = Pin(None, "") if way is None else way.pin()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with session(way, pin, make) as http:
            try:
                async with http.request(method, url, data=body, allow_redirects=False, timeout=timeout) as got:
                    raw = await bounded(got, limit)
                    seen = len(body or b"") + len(raw)
                    return got.status, raw
            finally:
                spend(max(seen, sum(sockets.wire(one).bytes for one in used)))
    except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as problem:
        raise pinning.connect_fault(problem, pin) from None
