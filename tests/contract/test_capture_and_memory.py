"""What looks for planted bytes on the wire and in a process finds them when they are there, and only then."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fakes.capture import MAY_CAPTURE, WHY_NOT, Datagram, capture
from tests.fakes.memory import chunks, found_in, regions
from tests.fakes.waiting import until

# Gets a secret with each byte inverted, and puts it together at one place only: 16 bytes before the end of a page, so
# that it lies across two. A second one it gets as it is, and keeps like any program.
CHILD = """
import mmap, sys
turned, plain = sys.stdin.buffer.read(32), sys.stdin.buffer.read(32)
page = mmap.mmap(-1, 4 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for offset, byte in enumerate(turned):
    page[4096 - 16 + offset] = byte ^ 0xFF
print("ready", flush=True)
sys.stdin.buffer.read(1)
"""
ACROSS, KEPT, NEVER = secrets.token_bytes(32), secrets.token_bytes(32), secrets.token_bytes(32)


@pytest.fixture(scope="module")
def child() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(bytes(byte ^ 0xFF for byte in ACROSS) + KEPT)
    process.stdin.flush()
    assert process.stdout.readline() == b"ready\n"
    yield process.pid
    process.kill()
    process.communicate()


@pytest.mark.parametrize("size", [4096, 1024 * 1024])
def test_a_secret_in_the_memory_of_a_process_is_found_and_one_that_is_not_there_is_not(child: int, size: int) -> None:
    assert found_in(child, {"across": ACROSS, "kept": KEPT, "never": NEVER}, size) == {"across", "kept"}


def test_a_secret_that_lies_across_two_chunks_needs_the_overlap(child: int) -> None:
    assert not any(ACROSS in chunk for chunk in chunks(child, 0, 4096))


def test_all_that_is_private_is_read_and_no_chunk_is_larger_than_asked_for(child: int) -> None:
    sizes = [len(chunk) for chunk in chunks(child, 31, 65_536)]
    assert max(sizes) <= 65_536 + 31
    assert sum(sizes) >= 0.9 * sum(end - start for start, end in regions(child))


@pytest.mark.skipif(not MAY_CAPTURE and not os.environ.get("CI"), reason=WHY_NOT)
async def test_a_capture_sees_both_directions_of_its_port_once_and_nothing_else() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tapped,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for each in (tapped, peer, other):
            each.bind(("127.0.0.1", 0))
        port, peers = tapped.getsockname()[1], peer.getsockname()[1]
        async with capture(port) as seen:
            peer.sendto(b"there " + ACROSS, tapped.getsockname())
            peer.sendto(b"elsewhere " + NEVER, other.getsockname())
            tapped.sendto(b"back " + KEPT, peer.getsockname())
            await until(lambda: len(seen.seen) >= 2)
    assert seen.seen == [
        Datagram("lo", peers, port, b"there " + ACROSS),
        Datagram("lo", port, peers, b"back " + KEPT),
    ]
    assert seen.holds(ACROSS) and seen.holds(KEPT) and not seen.holds(NEVER)


@pytest.mark.skipif(not MAY_CAPTURE and not os.environ.get("CI"), reason=WHY_NOT)
async def test_a_capture_loses_nothing_of_a_burst() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tapped,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        tapped.bind(("127.0.0.1", 0))
        async with capture(tapped.getsockname()[1]) as seen:
            for number in range(2000):
                peer.sendto(number.to_bytes(2, "big") + bytes(1000), tapped.getsockname())
            await until(lambda: len(seen.seen) + seen.lost >= 2000)
    assert [int.from_bytes(datagram.payload[:2], "big") for datagram in seen.seen] == list(range(2000))
