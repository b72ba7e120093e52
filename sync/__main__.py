"""`python -m sync`: the courier's process, and HQ's commands (`hq/commands.py`).

One line `ready` on stdout when it serves; faults are one sentence on stderr; logs go to stderr. Exit codes: 0 done, 1
failed, 2 bad usage or input.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sync import notify
from sync.courier.run import Courier
from sync.faults import SyncFault
from sync.spool import Spool
from sync.terminal import DONE, FAILED, USAGE, ready, say, stopping

LOCK_TRIES, LOCK_SECONDS = 10, 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = _parser(hq=words[:1] != ["courier"]).parse_args(words)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        code: int = chosen.run(chosen)
    except SyncFault as fault:
        return say(fault.sentence, USAGE if fault.code in ("malformed_facts", "unsupported_version") else FAILED)
    except ValueError as fault:
        return say(f"Bad input: {fault}", USAGE)
    except OSError as fault:
        return say(f"{fault.filename or 'File'}: {fault.strerror}", FAILED)
    return code


def _parser(*, hq: bool) -> argparse.ArgumentParser:
    """`hq`: with its commands, 5 MB of modules that a courier never needs."""
    parser = argparse.ArgumentParser(prog="python -m sync", description="Sealed records to HQ, receipts back.")
    several = parser.add_subparsers(required=True, metavar="command")
    courier = several.add_parser("courier", help="carry what is in the spool to HQ")
    courier.add_argument("--spool", type=Path, required=True)
    courier.set_defaults(run=_courier)
    other = several.add_parser("hq", help="the other side")
    if hq:
        from sync.hq import commands

        commands.add_to(other)
    return parser


def _courier(chosen: argparse.Namespace) -> int:
    async def run() -> int:
        stop = stopping()
        spool = Spool(chosen.spool)
        spool.prepare("in")
        if await hold(spool) is None:
            return say("Another courier already works on this spool.", FAILED)
        carrying = asyncio.create_task(Courier(spool).run())
        ready("courier")
        notify.tell("READY=1")
        pinging = asyncio.create_task(notify.ping())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((carrying, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            carrying.result()  # it never returns: this raises what ended it
        notify.tell("STOPPING=1")
        carrying.cancel()
        pinging.cancel()
        await asyncio.wait((carrying,), timeout=0.5)
        # A thread may be looking up HQ's name on a dead line for half a minute, and Python would wait for it. What a
        # thread writes to the spool is there whole or not at all.
        logging.shutdown()
        os._exit(DONE)

    return asyncio.run(run())


async def hold(spool: Spool) -> int | None:
    """The courier's lock, or None when another courier has it. Tries again: the box takes it for a moment to look."""
    for _ in range(LOCK_TRIES):
        handle = spool.lock()
        if handle is not None:
            return handle
        await asyncio.sleep(LOCK_SECONDS)
    return None


if __name__ == "__main__":
    sys.exit(main())
