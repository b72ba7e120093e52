"""Which wire a relay gets, and what it does where the plane in C was not built."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pylibsrtp
import pytest

from media import limits
from media.bandwidth.twcc import read_feedback
from media.native import build, library
from media.native.library import NotBuilt
from media.native.wire import NativeWire
from media.plane.interface import Extensions, StreamFormat
from media.relay import bind
from media.rtp import write_header
from media.srtp import Srtp
from media.wire import PythonWire, new_wire
from tests.fakes.waiting import until

NUMBERED = Extensions(transport_sequence=5)


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


def session(inbound: bool) -> Srtp:
    """The same key in both directions, of one client alone."""
    kind = pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    return Srtp(pylibsrtp.Session(pylibsrtp.Policy(key=bytes(30), ssrc_type=kind)))


def passed(instant: float) -> bool:
    return time.monotonic() >= instant


def numbered(sequence: int) -> bytes:
    """A header with a transport-wide number."""
    return (
        b"\x90\x60"
        + sequence.to_bytes(2)
        + bytes(4)
        + b"\x00\x00\x00\x07\xbe\xde\x00\x01\x51\x00"
        + bytes([sequence, 0])
    )


@pytest.mark.skipif(not build.library().exists(), reason="the plane in C is not built")
async def test_a_sender_is_told_when_its_packets_came_and_not_when_somebody_looked(udp: socket.socket) -> None:
    wire, sealing = NativeWire(udp), session(inbound=False)
    wire.plane.add_transport(1)
    wire.plane.set_extensions(1, NUMBERED)
    wire.keys(1, session(inbound=True), session(inbound=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        wire.learn(client.getsockname(), 1)
        for sequence in range(10):
            sent = time.monotonic()
            client.sendto(sealing.seal_rtp(numbered(sequence), b"payload"), ("127.0.0.1", udp.getsockname()[1]))
            await until(partial(passed, sent + 0.005))
    try:
        wire.start(lambda datagram, source, waited: None, lambda: None)
        await until(lambda: wire.counts()["received"] == 10)
        (fci,) = wire.plane.feedback(1)
    finally:
        wire.stop()
    came = [tick for tick in read_feedback(fci).arrivals if tick is not None]
    assert len(came) == 10
    # The kernel may begin to stamp a moment after it was asked to.
    assert came[-1] - came[-3] >= 2 * 20, "10 ms, in ticks of 250 microseconds"


@pytest.mark.skipif(not build.library().exists(), reason="the plane in C is not built")
async def test_ssrcs_that_became_known_by_name_count_no_more_however_often_a_camera_is_turned_on(
    udp: socket.socket,
) -> None:
    wire, sealing = NativeWire(udp), session(inbound=False)
    wire.plane.add_transport(1)
    wire.keys(1, session(inbound=True), session(inbound=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        wire.learn(client.getsockname(), 1)
        wire.start(lambda datagram, source, waited: None, lambda: None)

        async def say(ssrc: int, sequence: int) -> None:
            before = wire.counts()["received"]
            packet = sealing.seal_rtp(write_header(False, False, 96, sequence, 0, ssrc), b"payload")
            client.sendto(packet, ("127.0.0.1", udp.getsockname()[1]))
            await until(lambda: wire.counts()["received"] > before)

        try:
            for ssrc in range(1, 2 * limits.MAX_FOREIGN_SSRCS):
                await say(ssrc, 1)
                assert "unknown" in [event.name for event in wire.plane.take()]
                wire.plane.add_stream(ssrc, 1, StreamFormat("video", ssrc, {96: 96}, 90_000, sealed=False))
                await say(ssrc, 2)
                wire.plane.remove_stream(ssrc)
        finally:
            wire.stop()


# The heads that are in clear (RFC 3711 section 3.4).
RTCP = {
    "transport-wide feedback": b"\x8f\xcd\x00\x05" + bytes(36),
    "a key frame's request": b"\x81\xce\x00\x02" + bytes(24),
    "a report alone": b"\x81\xc9\x00\x07" + bytes(44),
    "a report and a NACK": b"\x81\xc9\x00\x07" + bytes(60),
    "a sender report": b"\x80\xc8\x00\x06" + bytes(60),
    "a head that lies": b"\x8f\xcd\xff\xff" + bytes(8),
}


@pytest.mark.parametrize("look", [True, False])
@pytest.mark.parametrize("name", RTCP)
@pytest.mark.skipif(not build.library().exists(), reason="the plane in C is not built")
async def test_rtcp_is_handed_out_to_whoever_looks_and_else_comes_by_itself(
    udp: socket.socket, name: str, look: bool
) -> None:
    wire, seen, noticed = NativeWire(udp), list[tuple[bytes, float]](), list[bool]()
    wire.plane.add_transport(1)
    wire.keys(1, session(inbound=True), session(inbound=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        wire.learn(client.getsockname(), 1)
        wire.start(lambda datagram, source, waited: seen.append((datagram, waited)), lambda: noticed.append(True))
        client.sendto(RTCP[name], ("127.0.0.1", udp.getsockname()[1]))
        try:
            if look:
                while not seen:
                    wire.look()
                assert not noticed, "whoever looks sees to the rest"
            await until(lambda: bool(seen))
        finally:
            wire.stop()
    ((datagram, waited),) = seen
    assert datagram == RTCP[name]
    assert 0 <= waited < 60
