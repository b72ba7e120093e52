"""`python -m media --socket PATH --udp-port N [--address IP …]` runs the relay; `python -m media bench` measures it.

Prints `ready` when socket and port are bound. Exits 0 on SIGTERM or SIGINT, 1 when it failed, 2 on bad usage.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import ipaddress
import logging
import signal
import sys
import time
from pathlib import Path

import uvloop

from media import limits, notify
from media.addresses import own_addresses
from media.control import Control, SocketTaken
from media.native.library import NotBuilt
from media.relay import Relay, bind
from media.room.capacity import Budget


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 10**9:
        raise ValueError
    return number


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m media", description="The relay: forwards picture and sound.")
    parser.add_argument("--socket", type=Path, required=True, help="path of relay.sock")
    parser.add_argument("--udp-port", type=_port, required=True, help="the one UDP port for everybody")
    parser.add_argument(
        "--address",
        type=_address,
        action="append",
        help="IPv4 address browsers can reach; without any, all that we have",
    )
    parser.add_argument(
        "--plane",
        choices=("auto", "native", "python"),
        default="auto",
        help="what forwards: the thread in C, Python, or the first if it was built",
    )
    parser.add_argument("--last-n", type=_count, default=limits.LAST_N, help="pictures one receiver gets at most")
    parser.add_argument("--capacity-kbps", type=_count, default=0, help="kbit/s that the network carries; 0: no bound")
    parser.add_argument("--capacity-packets", type=_count, default=0, help="packets/s that may be sent; 0: no bound")
    return parser


async def serve(wanted: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError or SocketTaken when something cannot be bound, and NotBuilt."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    control = Control(wanted.socket)
    hosts = (lambda: wanted.address) if wanted.address else own_addresses
    budget = Budget(wanted.capacity_kbps, wanted.capacity_packets)
    pinging = asyncio.create_task(notify.ping())
    relay = Relay(bind(wanted.udp_port), hosts, control.tell, time.monotonic, wanted.last_n, budget, plane=wanted.plane)
    try:
        await control.start(relay)
        relay.start()
        print("ready", flush=True)  # noqa: T201  the parent waits for this line
        notify.tell("READY=1")
        await stopped.wait()
    finally:
        notify.tell("STOPPING=1")
        await control.stop()
        await relay.stop()
        pinging.cancel()


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return 1


def main(argv: list[str]) -> int:
    if argv[:1] == ["bench"]:
        from media.bench.command import main as bench

        return bench(argv[1:])
    if argv[:1] in (["measure"], ["carries"]):
        from media.measure import main as measure

        return measure(argv)
    wanted = arguments().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        uvloop.run(serve(wanted))
    except NotBuilt:
        return _fail("The plane in C is not there. Make it with: python -m media.native.build")
    except SocketTaken:
        return _fail(f"Another relay already listens on {wanted.socket}, or something else lies there.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _fail(f"Port {wanted.udp_port}/udp is already in use. Choose another one in the settings.")
        return _fail(f"The relay could not start: {error.strerror or error}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
