"""`python -m sync`: the courier's process, and HQ's five commands.

One line `ready` on stdout when it serves; faults are one sentence on stderr; logs go to stderr. Exit codes: 0 done, 1
failed, 2 bad usage or input.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sync import keys
from sync.courier import Courier
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import opening as hq_open
from sync.hq import slot as hq_slot
from sync.hq.serve import serve
from sync.spool import Spool, read_bounded, write_whole

DONE, FAILED, USAGE = 0, 1, 2
LOCK_TRIES, LOCK_SECONDS = 10, 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        code: int = chosen.run(chosen)
    except SyncFault as fault:
        return _say(fault.sentence, USAGE if fault.code in ("malformed_facts", "unsupported_version") else FAILED)
    except ValueError as fault:
        return _say(f"Bad input: {fault}", USAGE)
    except OSError as fault:
        return _say(f"{fault.filename or 'File'}: {fault.strerror}", FAILED)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sync", description="Sealed records to HQ, receipts back.")
    commands = parser.add_subparsers(required=True, metavar="command")
    courier = commands.add_parser("courier", help="carry what is in the spool to HQ")
    courier.add_argument("--spool", type=Path, required=True)
    courier.set_defaults(run=_courier)
    hq = commands.add_parser("hq", help="the other side").add_subparsers(required=True, metavar="command")
    init = _in_folder(hq.add_parser("init", help="make keys, certificate and hq-public.json"))
    init.add_argument("--url", default=hq_folder.DEFAULT_URL, help="where boxes will reach this HQ")
    init.set_defaults(run=_init)
    enroll = _in_folder(hq.add_parser("enroll", help="know a box from now on"))
    enroll.add_argument("box", type=Path, metavar="BOX.json")
    enroll.set_defaults(run=_enroll)
    serving = _in_folder(hq.add_parser("serve", help="take envelopes; needs no opening key"))
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, default=8444)
    serving.set_defaults(run=_serve)
    opening = _in_folder(hq.add_parser("open", help="verify everything and print the records"))
    opening.add_argument("--json", action="store_true", help="one JSON object a line")
    opening.set_defaults(run=_open)
    code = _in_folder(hq.add_parser("code", help="the code of HQ's key, to read to a clinic that gives it a slot"))
    code.set_defaults(run=_code)
    slot = _in_folder(hq.add_parser("open-slot", help="open the key slot of a box whose clinic lost every way in"))
    slot.add_argument("request", type=Path, metavar="REQUEST")
    slot.add_argument("answer", type=Path, metavar="ANSWER")
    slot.add_argument("--check", default="", metavar="CODE", help="the check code that the clinic read to you")
    slot.set_defaults(run=_open_slot)
    return parser


def _in_folder(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("folder", type=Path, metavar="DIR")
    return parser


def _init(chosen: argparse.Namespace) -> int:
    hq_folder.init(chosen.folder, chosen.url, datetime.now(UTC))
    return _tell(f"HQ is in {chosen.folder}. Give hq-public.json to the boxes; keep keys/record.key apart.")


def _enroll(chosen: argparse.Namespace) -> int:
    raw = read_bounded(chosen.box, keys.MAX_FACTS)
    if raw is None:
        raise ValueError("there is no file with the box's public facts under that name")
    facts = keys.box_from_json(raw)
    hq_folder.enroll(chosen.folder, facts)
    return _tell(f"Box {facts.box.hex()[:8]} is enrolled.")


def _open(chosen: argparse.Namespace) -> int:
    """Exit code 1 when anything is missing or wrong; what is right is printed all the same."""
    code = DONE
    for finding in hq_open.open_all(chosen.folder):
        if isinstance(finding, hq_open.Trouble):
            code = FAILED
        _tell(hq_open.as_json(finding) if chosen.json else hq_open.as_text(finding))
    return code


def _code(chosen: argparse.Namespace) -> int:
    return _tell(hq_slot.key_code(hq_folder.public(chosen.folder).record_key))


def _open_slot(chosen: argparse.Namespace) -> int:
    """Only after somebody has compared the check code with the clinic: the request may have come from anybody."""
    request = read_bounded(chosen.request, hq_slot.MAX_REQUEST)
    if request is None:
        raise ValueError("there is no request under that name")
    if not _compared(hq_slot.check_code(request), chosen.check):
        return _say("The check code was not confirmed. Nothing was opened.", FAILED)
    write_whole(chosen.answer, hq_slot.open_slot(request, hq_folder.record_key(chosen.folder)), mode=0o600)
    return _tell(f"The answer is in {chosen.answer}. Only the box that asked can open it.")


def _compared(code: str, given: str) -> bool:
    if given:
        return given.strip().upper() == code
    if not sys.stdin.isatty():
        raise ValueError("give --check CODE: the check code that the clinic read to you")
    _tell(f"Check code: {code}")
    return input("Did the clinic, called under a number that you know, read you the same? [y/N] ").strip() in ("y", "Y")


def _serve(chosen: argparse.Namespace) -> int:
    async def run() -> None:
        stop = _stopping()
        await serve(chosen.folder, chosen.host, chosen.port, lambda port: _ready(f"port {port}"), stop)

    asyncio.run(run())
    return DONE


def _courier(chosen: argparse.Namespace) -> int:
    async def run() -> int:
        stop = _stopping()
        spool = Spool(chosen.spool)
        spool.prepare("in")
        if await hold(spool) is None:
            return _say("Another courier already works on this spool.", FAILED)
        carrying = asyncio.create_task(Courier(spool).run())
        _ready("courier")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((carrying, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            carrying.result()  # it never returns: this raises what ended it
        carrying.cancel()
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


def _stopping() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _ready(what: str) -> None:
    logging.getLogger("hearth").info("%s", what)
    _tell("ready")


def _tell(line: str) -> int:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return DONE


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
