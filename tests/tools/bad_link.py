"""A slow, lossy, breaking line between two network namespaces, in user space. Needs root, /dev/net/tun and iproute2.

The kernels that the tests run on have no sch_netem, so this plays its part: one TUN device in each namespace, and this
process between them. From the `bad_link.py` that the project's maintainers shared; here the line changes while it runs.

    python -m tests.tools.bad_link ID

ID (1 to 250) names the namespaces `bl<ID>a` (address 10.77.<ID>.1) and `bl<ID>b` (10.77.<ID>.2). Prints `ready`, then
takes one JSON object a line on stdin, and each changes what it names; at the end of stdin it prints its counts and
ends.

    up, down   rate in bit/s from a to b and from b to a                                       [100 Mbit/s]
    rtt        round-trip time in seconds, half of it each way                                 [0.02]
    jitter     extra one-way delay in seconds, uniform in 0..jitter, per packet (reorders)     [0]
    loss       share of packets lost each way, 0 to 1; 1 is a line that is cut                 [0]
    queue      bytes that may wait in front of the line; more are dropped                      [64000]
    seed       of the random numbers, when it is named                                         [1]
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_QUIET = ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.ping_group_range=0 0")


def space(link: int, side: str) -> str:
    return f"bl{link}{side}"


def address(link: int, number: int) -> str:
    """1 is a's, 2 is b's at first, others are for moving to."""
    return f"10.77.{link}.{number}"


def device(link: int, side: str) -> str:
    return f"blt{link}{side}"


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stderr=None if check else subprocess.DEVNULL)


def make_end(link: int, side: str) -> int:
    """One namespace with one TUN device; the descriptor that reads what the namespace sends."""
    name, tap = space(link, side), device(link, side)
    own = 1 if side == "a" else 2
    _ip("netns", "del", name, check=False)
    _ip("netns", "add", name)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH", tap.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("link", "set", tap, "netns", name)
    for setting in _QUIET:
        _ip("netns", "exec", name, "sysctl", "-qw", setting)
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "addr", "add", f"{address(link, own)}/24", "dev", tap)
    _ip("-n", name, "link", "set", tap, "mtu", "1500", "up")
    return tun


class Line:
    """What happens to each packet. `heap`: (when it arrives, order, side, packet)."""

    def __init__(self) -> None:
        self.settings = {"up": 100e6, "down": 100e6, "rtt": 0.02, "jitter": 0.0, "loss": 0.0, "queue": 64_000}
        self.counts = {word: [0, 0] for word in ("packets", "bytes", "lost", "queue_drops", "delivered")}
        self.heap: list[tuple[float, int, int, bytes]] = []
        self._chance = random.Random(1)  # noqa: S311
        self._free_at = [0.0, 0.0]
        self._order = 0

    def change(self, wanted: dict[str, float]) -> None:
        if "seed" in wanted:
            self._chance.seed(wanted.pop("seed"))
        self.settings.update(wanted)

    def take(self, side: int, packet: bytes, now: float) -> None:
        have, rate = self.settings, self.settings["up" if side == 0 else "down"]
        self.counts["packets"][side] += 1
        self.counts["bytes"][side] += len(packet)
        if max(0.0, self._free_at[side] - now) * rate / 8 + len(packet) > have["queue"]:
            self.counts["queue_drops"][side] += 1
            return
        self._free_at[side] = at = max(now, self._free_at[side]) + len(packet) * 8 / rate
        if self._chance.random() < have["loss"]:
            self.counts["lost"][side] += 1
            return
        self._order += 1
        arrives = at + have["rtt"] / 2 + self._chance.random() * have["jitter"]
        heapq.heappush(self.heap, (arrives, self._order, side, packet))

    def wait(self, now: float) -> float:
        return max(0.0, min(0.2, self.heap[0][0] - now)) if self.heap else 0.2

    def deliver(self, ends: list[int], now: float) -> None:
        while self.heap and self.heap[0][0] <= now:
            _, _, side, packet = heapq.heappop(self.heap)
            with suppress(OSError):
                os.write(ends[1 - side], packet)
                self.counts["delivered"][side] += 1


def _read_all(end: int, side: int, line: Line) -> None:
    with suppress(BlockingIOError):
        while True:
            packet = os.read(end, 65536)
            if packet[0] >> 4 == 4:
                line.take(side, packet, time.monotonic())


def main(link: int) -> None:
    line, ends, orders = Line(), [make_end(link, "a"), make_end(link, "b")], sys.stdin.buffer
    poll = select.epoll()
    for descriptor in (*ends, orders.fileno()):
        poll.register(descriptor, select.EPOLLIN)
    print("ready", flush=True)
    running = True
    while running:
        for descriptor, _ in poll.poll(line.wait(time.monotonic())):
            if descriptor in ends:
                _read_all(descriptor, ends.index(descriptor), line)
            elif order := orders.readline():
                line.change(json.loads(order))
                print("done", flush=True)
            else:
                running = False
        line.deliver(ends, time.monotonic())
    for side in "ab":
        _ip("netns", "del", space(link, side), check=False)
    print(json.dumps(line.counts), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
