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
    cut        [least up, most up, least down, most down] in seconds: from now on the line is up for a random time, cut
               for a random time, and so on; [] mends it for good. Packets that wait in the queue of a line that is cut
               are lost when their turn comes                                                  [[]]
    tell       true: print the counts as one JSON line, and go on
    reset      true: counts from zero

Counts, each [a to b, b to a]: packets and bytes offered, lost, queue_drops, delivered, delivered_bytes; and up_seconds,
seconds, cuts: for how long the line was up since the start or the last reset, of how many, cut how often.
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
from typing import Any

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


WORDS = ("packets", "bytes", "lost", "queue_drops", "delivered", "delivered_bytes")


class Cuts:
    """When the line is up: changes happen at random times, drawn one by one from a seeded source of its own."""

    def __init__(self) -> None:
        self.up = True
        self._ranges: list[float] = []
        self._chance = random.Random(1)  # noqa: S311
        self._next = float("inf")
        self._since = self._start = time.monotonic()
        self._up_seconds, self._cuts = 0.0, 0

    def seed(self, number: float) -> None:
        self._chance.seed(number)

    def change(self, ranges: list[float], now: float) -> None:
        self.turn(now)
        self._ranges = ranges
        self._set(True, now)
        self._next = now + self._chance.uniform(*ranges[:2]) if ranges else float("inf")

    def turn(self, now: float) -> None:
        """Whatever changed until `now`."""
        while self._next <= now:
            at, self._cuts = self._next, self._cuts + self.up
            self._set(not self.up, at)
            self._next = at + self._chance.uniform(*(self._ranges[:2] if self.up else self._ranges[2:]))

    def reset(self, now: float) -> None:
        self.turn(now)
        self._since = self._start = now
        self._up_seconds, self._cuts = 0.0, 0

    def told(self, now: float) -> dict[str, float]:
        self.turn(now)
        self._set(self.up, now)
        return {"up_seconds": self._up_seconds, "seconds": now - self._start, "cuts": self._cuts}

    def _set(self, up: bool, at: float) -> None:
        self._up_seconds += (at - self._since) * self.up
        self._since, self.up = at, up


class Line:
    """What happens to each packet. `heap`: (when it arrives, order, side, packet)."""

    def __init__(self) -> None:
        self.settings = {"up": 100e6, "down": 100e6, "rtt": 0.02, "jitter": 0.0, "loss": 0.0, "queue": 64_000}
        self.counts = {word: [0, 0] for word in WORDS}
        self.cuts = Cuts()
        self.heap: list[tuple[float, int, int, bytes]] = []
        self._chance = random.Random(1)  # noqa: S311
        self._free_at = [0.0, 0.0]
        self._order = 0

    def change(self, wanted: dict[str, Any]) -> str:
        """What to print about it."""
        now, said = time.monotonic(), "done"
        if "seed" in wanted:
            self._chance.seed(wanted["seed"])
            self.cuts.seed(wanted.pop("seed"))
        if wanted.pop("tell", False):
            said = json.dumps({**self.counts, **self.cuts.told(now)})
        if wanted.pop("reset", False):
            self.counts = {word: [0, 0] for word in WORDS}
            self.cuts.reset(now)
        if "cut" in wanted:
            self.cuts.change(wanted.pop("cut"), now)
        self.settings.update(wanted)
        return said

    def take(self, side: int, packet: bytes, now: float) -> None:
        have, rate = self.settings, self.settings["up" if side == 0 else "down"]
        self.counts["packets"][side] += 1
        self.counts["bytes"][side] += len(packet)
        if max(0.0, self._free_at[side] - now) * rate / 8 + len(packet) > have["queue"]:
            self.counts["queue_drops"][side] += 1
            return
        self._free_at[side] = at = max(now, self._free_at[side]) + len(packet) * 8 / rate
        self.cuts.turn(now)
        if not self.cuts.up or self._chance.random() < have["loss"]:
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
                self.counts["delivered_bytes"][side] += len(packet)


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
                print(line.change(json.loads(order)), flush=True)
            else:
                running = False
        line.deliver(ends, time.monotonic())
    for side in "ab":
        _ip("netns", "del", space(link, side), check=False)
    print(json.dumps({**line.counts, **line.cuts.told(time.monotonic())}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
