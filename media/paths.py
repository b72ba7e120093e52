"""All transports on one UDP port: who a datagram belongs to, the handshake of each, and sending back all but RTP.

A datagram finds its transport by the STUN username it proves, and from then on by its source address. The wire
(`wire.py`) is told of every address and of the keys: RTP is its matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable

from media import ice, limits
from media.faults import MediaFault
from media.ice import Address, IceLite
from media.outputs import ConnectTransport, OpenTransport, RestartIce
from media.strangers import Strangers
from media.transport import Certificate, Dtls
from media.wire import Wire


class Path:
    """One transport's ICE, DTLS and SRTP. `since` is when checks are to be expected from; None before that."""

    __slots__ = ("addresses", "dtls", "early", "ice", "id", "number", "room", "since", "speakers")

    def __init__(self, opened: OpenTransport) -> None:
        self.id = opened.transport
        self.number = opened.number
        self.room = opened.room
        self.ice = IceLite(opened.username, opened.password)
        self.dtls: Dtls | None = None
        self.early: list[bytes] = []
        self.addresses: dict[Address, None] = {}
        self.since: float | None = None
        # Whose RTCP was opened.
        self.speakers = Strangers(limits.MAX_RTCP_SSRCS, limits.FOREIGN_AGAIN / 1e9)


class Paths:
    """`on_change(transport, "ready" | "closed")` reports DTLS. `dropped` counts datagrams by the reason."""

    def __init__(
        self, udp: socket.socket, wire: Wire, certificate: Certificate, on_change: Callable[[str, str], None]
    ) -> None:
        self._udp = udp
        self._wire = wire
        self._certificate = certificate
        self._on_change = on_change
        self._paths: dict[str, Path] = {}
        self._by_username: dict[str, Path] = {}
        self._by_address: dict[Address, Path] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.dropped: Counter[str] = Counter()
        self.sent = 0
        self.received = 0

    def __len__(self) -> int:
        return len(self._paths)

    def get(self, transport: str) -> Path | None:
        return self._paths.get(transport)

    def open(self, opened: OpenTransport) -> None:
        path = Path(opened)
        self._paths[path.id] = self._by_username[path.ice.username] = path

    def restart(self, wanted: RestartIce) -> None:
        """Only checks with the new credentials are answered from now on; the address stays until one nominates."""
        path = self._paths.get(wanted.transport)
        if path is not None:
            self._by_username.pop(path.ice.username, None)
            path.ice.restart(wanted.username, wanted.password)
            self._by_username[wanted.username] = path

    def connect(self, wanted: ConnectTransport, now: float) -> None:
        path = self._paths.get(wanted.transport)
        if path is None or path.dtls is not None:
            return
        path.since = now
        path.dtls = Dtls(
            self._certificate,
            wanted.role,
            lambda datagram: self._send(path, datagram),
            lambda change: self._dtls_changed(path, change),
        )
        path.dtls.start(wanted.fingerprints)
        for datagram in path.early:
            path.dtls.feed(datagram)
        path.early.clear()

    def _dtls_changed(self, path: Path, change: str) -> None:
        if change == "ready" and path.dtls is not None:
            self._wire.keys(path.number, *path.dtls.rtp_sessions())
        else:
            self._wire.end(path.number)
        self._on_change(path.id, change)

    def close(self, transport: str) -> None:
        """From here on the path neither sends nor takes anything but the goodbye of DTLS."""
        path = self._paths.pop(transport, None)
        if path is None:
            return
        self._wire.end(path.number)
        self._by_username.pop(path.ice.username, None)
        for address in path.addresses:
            if self._by_address.get(address) is path:
                del self._by_address[address]
                self._wire.forget(address)
        if path.dtls is not None:
            task = asyncio.get_running_loop().create_task(path.dtls.stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close_all(self) -> None:
        for transport in list(self._paths):
            self.close(transport)
        if self._ending:
            await asyncio.wait(self._ending, timeout=0.5)

    def expired(self, now: float) -> list[str]:
        """Transports whose consent has ended."""
        return [
            path.id for path in self._paths.values() if path.since is not None and path.ice.expired(path.since, now)
        ]

    def find(self, source: Address) -> Path | None:
        return self._by_address.get(source)

    def stun(self, datagram: bytes, source: Address, now: float) -> None:
        """Answer a check and learn its source. Raises MediaFault for what is not a request for one of our paths."""
        message = ice.read_request(datagram)
        path = self._by_username.get(ice.username_of(message))
        answer = path.ice.check(message, source, now) if path is not None else None
        if path is None or answer is None:
            self.dropped["unauthentic check"] += 1
            return
        if path.since is None:
            path.since = now
        if self._by_address.get(source) is not path:
            self._learn(path, source)
        if answer.selected:
            self._wire.select(path.number, source)
        self._sendto(answer.response, source)

    def _learn(self, path: Path, source: Address) -> None:
        before = self._by_address.get(source)
        if before is not None:
            before.addresses.pop(source, None)
        self._by_address[source] = path
        self._wire.learn(source, path.number)
        path.addresses[source] = None
        if len(path.addresses) > limits.MAX_ADDRESSES_PER_TRANSPORT:
            oldest = next(address for address in path.addresses if address not in (path.ice.address, source))
            del path.addresses[oldest]
            del self._by_address[oldest]
            self._wire.forget(oldest)

    def dtls(self, path: Path, datagram: bytes) -> None:
        if path.dtls is not None:
            path.dtls.feed(datagram)
        elif len(path.early) < limits.MAX_DTLS_QUEUE:
            path.early.append(datagram)

    def send_rtcp(self, transport: str, packet: bytes) -> None:
        path = self._paths.get(transport)
        if path is not None and path.dtls is not None and path.dtls.sealing is not None:
            with contextlib.suppress(MediaFault):
                self._send(path, path.dtls.sealing.seal_rtcp(packet))

    def _send(self, path: Path, datagram: bytes | memoryview) -> None:
        if path.ice.address is not None:
            self._sendto(datagram, path.ice.address)

    def _sendto(self, datagram: bytes | memoryview, address: Address) -> None:
        try:
            self._udp.sendto(datagram, address)
        except BlockingIOError:
            self.dropped["send buffer full"] += 1
        except OSError:  # unreachable for a moment: as good as lost on the way
            self.dropped["send failed"] += 1
