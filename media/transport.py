"""DTLS and SRTP of one path. The only file that knows aiortc, and it knows one class of it: RTCDtlsTransport.

aiortc (pinned) does the handshake, checks the peer's fingerprint and derives the SRTP keys; its timers run on the event
loop. Its ICE is replaced by `_Path` below, and RTP never enters it: packets go straight to its two libsrtp sessions,
since its own receive loop parses every packet and drops header extensions it does not know.

Private names used, held by tests/contract/test_never_decodes.py and the relay's contract tests: `_srtp_profiles`,
`_rx_srtp`, `_tx_srtp`, `_ssl`, `_role`, and the ICE transport's `_recv` and `_send`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pylibsrtp

from media import limits
from media.srtp import Srtp

log = logging.getLogger("hearth.relay")


def _load() -> ModuleType:
    """aiortc.rtcdtlstransport without the rest of aiortc, which would load PyAV and with it every codec of ffmpeg.

    The package's `__init__` imports all of aiortc, and its rtp module wants one name of PyAV for a type hint. Both get
    an empty stand-in while the module loads, and leave no trace in sys.modules: tests import the real aiortc beside it.
    """
    spec = importlib.util.find_spec("aiortc")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("aiortc is not installed")
    package, av = ModuleType("aiortc"), ModuleType("av")
    package.__path__ = list(spec.submodule_search_locations)
    av.__dict__["AudioFrame"] = object

    def ours(name: str) -> bool:
        return name in ("aiortc", "av") or name.startswith(("aiortc.", "av."))

    before = {name: module for name, module in sys.modules.items() if ours(name)}
    for name in before:
        del sys.modules[name]
    sys.modules.update({"aiortc": package, "av": av})
    try:
        return importlib.import_module("aiortc.rtcdtlstransport")
    finally:
        for name in [name for name in sys.modules if ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)


_aiortc = _load()
# 128 before 80-bit HMAC and never 256: browsers take what the server puts first, and a Pi has no AES instructions.
_PROFILES = [_aiortc.SRTP_AEAD_AES_128_GCM, _aiortc.SRTP_AES128_CM_SHA1_80]


class Certificate:
    """The relay's DTLS identity, made at start and never written down."""

    def __init__(self) -> None:
        self.made: Any = _aiortc.RTCCertificate.generateCertificate()

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """(algorithm, value), SHA-256 only: every browser has it, and all that are listed must match."""
        return [(item.algorithm, item.value) for item in self.made.getFingerprints() if item.algorithm == "sha-256"]


class _Path:
    """Stands where aiortc expects an ICE transport: DTLS datagrams in by a bounded queue, out by a callable."""

    def __init__(self, role: str, send: Callable[[bytes], None]) -> None:
        # aiortc takes its DTLS role from this one: controlling means server.
        self.role = "controlling" if role == "server" else "controlled"
        self._send_datagram = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(limits.MAX_DTLS_QUEUE)

    def feed(self, datagram: bytes | None) -> None:
        if not self._waiting.full():  # a lost handshake datagram is repeated by the peer
            self._waiting.put_nowait(datagram)

    async def _recv(self) -> bytes:
        datagram = await self._waiting.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._send_datagram(datagram)


def _session(profile: Any, key: bytes, ssrcs: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=ssrcs, srtp_profile=profile.libsrtp_profile)
    # A packet may be sent again bit for bit, and one may come as late as the plane takes it.
    policy.allow_repeat_tx = True
    policy.window_size = limits.SEEN_WINDOW
    return pylibsrtp.Session(policy)


class Dtls:
    """One DTLS association. `on_change` is called with "ready" once and with "closed" once, in any failure too."""

    def __init__(
        self, certificate: Certificate, role: str, send: Callable[[bytes], None], on_change: Callable[[str], None]
    ) -> None:
        self._path = _Path(role, send)
        self._dtls = _aiortc.RTCDtlsTransport(self._path, [certificate.made])
        self._dtls._srtp_profiles = _PROFILES
        self._dtls.on("statechange", self._changed)
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        # The keys of both directions; None before the handshake is done and after the end.
        self.opening: Srtp | None = None
        self.sealing: Srtp | None = None

    def start(self, fingerprints: Sequence[tuple[str, str]]) -> None:
        """Begin the handshake with a peer whose certificate has these fingerprints."""
        parameters = _aiortc.RTCDtlsParameters(
            fingerprints=[_aiortc.RTCDtlsFingerprint(algorithm=name, value=value) for name, value in fingerprints]
        )
        self._task = asyncio.get_running_loop().create_task(self._dtls.start(parameters))
        self._task.add_done_callback(self._ended)

    def rtp_sessions(self) -> tuple[Srtp, Srtp]:
        """(opening, sealing) for RTP alone, made anew from the keys of the handshake (RFC 5764 section 4.2).

        `opening` and `sealing` of this object are then for RTCP: two sessions must not share one packet counter.
        """
        ssl, ours = self._dtls._ssl, self._dtls._role == "server"
        name = ssl.get_selected_srtp_profile()
        profile = next(item for item in _PROFILES if item.openssl_profile == name)
        keys = ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length))
        opening = _session(profile, profile.get_key_and_salt(keys, 0 if ours else 1), pylibsrtp.Policy.SSRC_ANY_INBOUND)
        sealing = _session(
            profile, profile.get_key_and_salt(keys, 1 if ours else 0), pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        )
        return Srtp(opening), Srtp(sealing)

    def feed(self, datagram: bytes) -> None:
        """A DTLS datagram from the peer (first byte 20 to 63, RFC 7983)."""
        self._path.feed(datagram)

    async def stop(self) -> None:
        """Say goodbye to the peer and end. Nothing is sealed or opened afterwards."""
        self.opening = self.sealing = None
        self._dtls.remove_all_listeners()
        if self._task is not None:
            self._task.cancel()
        await self._dtls.stop()
        # aiortc's object and its tasks hold each other until a collection; what OpenSSL and libsrtp keep goes now, for
        # with two associations for each page that comes it adds up to 60 KiB between two collections.
        self._dtls._ssl = self._dtls._rx_srtp = self._dtls._tx_srtp = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A handshake that broke in a way aiortc does not know is a failed one."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a DTLS handshake broke (%s)", type(error).__name__)
            self.opening = self.sealing = None
            self._on_change("closed")

    def _changed(self) -> None:
        state = self._dtls.state
        if state == "connected":
            self.opening, self.sealing = Srtp(self._dtls._rx_srtp), Srtp(self._dtls._tx_srtp)
            self._on_change("ready")
        elif state in ("failed", "closed"):
            self.opening = self.sealing = None
            self._on_change("closed")
