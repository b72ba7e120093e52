"""Headquarters' commands, `hearth hq NAME DIR …`, in one table.

What each does is in a file of its own, imported only when it runs: a server loads nothing of what opens records.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync.hq import folder as hq_folder
from sync.spool import read_bounded, write_whole
from sync.terminal import DONE, FAILED, ready, say, stopping, tell

Argument = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Command:
    """`hq NAME DIR …`; every command works on HQ's folder DIR (`chosen.folder`) and returns its exit code."""

    name: str
    purpose: str
    run: Callable[[argparse.Namespace], int]
    arguments: Sequence[Argument] = ()


def add_to(parser: argparse.ArgumentParser) -> None:
    """Give `parser` all of them."""
    several = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        one = several.add_parser(command.name, help=command.purpose)
        one.add_argument("folder", type=Path, metavar="DIR")
        for name, how in command.arguments:
            one.add_argument(name, **how)
        one.set_defaults(run=command.run)


def _init(chosen: argparse.Namespace) -> int:
    store = ""
    if chosen.store:
        from sync.hq.bucket import settings

        store = settings(chosen.store, chosen.endpoint, chosen.region)
    elif chosen.endpoint:
        raise ValueError("--endpoint goes with --store s3://bucket/prefix")
    hq_folder.init(chosen.folder, chosen.url, datetime.now(UTC), store)
    return tell(f"HQ is in {chosen.folder}. Give hq-public.json to the boxes; keep keys/record.key apart.")


def _enroll(chosen: argparse.Namespace) -> int:
    from sync.hq import admitting

    return admitting.enroll(chosen)


def _revoke(chosen: argparse.Namespace) -> int:
    from sync.hq import admitting

    return admitting.revoke(chosen)


def _rotate(chosen: argparse.Namespace) -> int:
    from sync.hq import admitting

    return admitting.rotate(chosen)


def _upgrade(chosen: argparse.Namespace) -> int:
    from sync.hq import admitting

    return admitting.upgrade(chosen)


def _serve(chosen: argparse.Namespace) -> int:
    from sync.hq.admitting import upgrade_now
    from sync.hq.serve import serve

    upgrade_now(chosen.folder)

    async def run() -> None:
        stop = stopping()
        await serve(chosen.folder, chosen.host, chosen.port, lambda port: ready(f"port {port}"), stop)

    asyncio.run(run())
    return DONE


def _open(chosen: argparse.Namespace) -> int:
    from sync.hq import open_command

    return open_command.run(chosen)


def _publish(chosen: argparse.Namespace) -> int:
    from sync.hq import publish

    return publish.run(chosen)


def _import(chosen: argparse.Namespace) -> int:
    from sync.hq import by_stick

    return by_stick.import_stick(chosen)


def _export(chosen: argparse.Namespace) -> int:
    from sync.hq import by_stick

    return by_stick.export_stick(chosen)


def _give_back(chosen: argparse.Namespace) -> int:
    from sync.hq import reseal

    return reseal.run(chosen)


def _verify(chosen: argparse.Namespace) -> int:
    from sync.hq import verify_command

    return verify_command.verify(chosen)


def _accept_hole(chosen: argparse.Namespace) -> int:
    from sync.hq import verify_command

    return verify_command.accept_hole(chosen)


def _ask(chosen: argparse.Namespace) -> int:
    from sync.hq import asking

    return asking.run(chosen)


def _fleet(chosen: argparse.Namespace) -> int:
    from sync.hq import fleet_command

    return fleet_command.run(chosen)


def _open_share(chosen: argparse.Namespace) -> int:
    """As `open-slot`: only after the check code was compared with the clinic."""
    from sync.hq import share

    raw = read_bounded(chosen.request, share.MAX_REQUEST)
    if raw is None:
        raise ValueError("there is no request under that name")
    request = share.read(raw)
    if not _compared(share.check_code(raw), chosen.check):
        return say("The check code was not confirmed. Nothing was opened.", FAILED)
    write_whole(chosen.answer, asyncio.run(share.open_share(chosen.folder, request)), mode=0o600)
    return tell(f"The answer is in {chosen.answer}. Only box {request.box.hex()[:8]} can open it.")


def _code(chosen: argparse.Namespace) -> int:
    from sync.hq import slot

    return tell(slot.key_code(hq_folder.public(chosen.folder).record_key))


def _open_slot(chosen: argparse.Namespace) -> int:
    """Only after somebody has compared the check code with the clinic: the request may have come from anybody."""
    from sync.hq import slot

    request = read_bounded(chosen.request, slot.MAX_REQUEST)
    if request is None:
        raise ValueError("there is no request under that name")
    if not _compared(slot.check_code(request), chosen.check):
        return say("The check code was not confirmed. Nothing was opened.", FAILED)
    write_whole(chosen.answer, slot.open_slot(request, hq_folder.record_key(chosen.folder)), mode=0o600)
    return tell(f"The answer is in {chosen.answer}. Only the box that asked can open it.")


def _compared(code: str, given: str) -> bool:
    if given:
        return given.strip().upper() == code
    if not sys.stdin.isatty():
        raise ValueError("give --check CODE: the check code that the clinic read to you")
    tell(f"Check code: {code}")
    return input("Did the clinic, called under a number that you know, read you the same? [y/N] ").strip() in ("y", "Y")


_MANY: dict[str, Any] = {"action": "append", "default": [], "type": Path, "metavar": "FILE"}
PUBLISH: Sequence[Argument] = (
    ("--to", {"default": "", "metavar": "BOX|all|FILE", "help": "a box's id, all, or a file with an id a line"}),
    ("--policy", {**_MANY, "help": "what boxes hold back, when they warn (TOML)"}),
    ("--agreement", {**_MANY, "help": "a new version of the agreement (TOML and texts)"}),
    ("--resource", {**_MANY, "help": "something to read or listen to, or its removal (TOML and a file)"}),
    ("--roster", {**_MANY, "help": "staff: who is to have an account, who not (TOML)"}),
    ("--update", {**_MANY, "help": "that a release is there (TOML)"}),
    ("--revoke", {"action": "append", "default": [], "metavar": "USER", "help": "retire an account at once"}),
    ("--sign-out-everybody", {"action": "store_true", "help": "end every login of staff"}),
    ("--tls-name", {"default": "", "metavar": "NAME", "help": "have one box ask for a certificate of that name"}),
    ("--certificate", {"type": Path, "metavar": "PEM", "help": "one box's certificate chain"}),
    ("--hq-keys", {"action": "store_true", "help": "HQ's keys as in hq-public.json"}),
    ("--void", {"action": "append", "default": [], "type": int, "metavar": "N", "help": "pass over refused pack N"}),
    ("--list", {"default": "", "metavar": "BOX", "help": "the packs that were made for that box"}),
    ("--json", {"action": "store_true", "help": "one JSON object a line"}),
)

COMMANDS: Sequence[Command] = (
    Command(
        "init",
        "make keys, certificate and hq-public.json",
        _init,
        (
            ("--url", {"default": hq_folder.DEFAULT_URL, "help": "where boxes will reach this HQ"}),
            ("--store", {"default": "", "metavar": "s3://BUCKET/PREFIX", "help": "default: a folder in DIR"}),
            ("--endpoint", {"default": "", "metavar": "URL", "help": "the S3 server's address; default: Amazon's"}),
            ("--region", {"default": "us-east-1", "help": "the bucket's region, where the server knows any"}),
        ),
    ),
    Command(
        "enroll",
        "let a box in: print a one-time code for it, or take its file, or answer its request from a stick",
        _enroll,
        (
            ("box", {"type": Path, "nargs": "?", "metavar": "BOX.json", "help": "a box's public facts, by hand"}),
            ("--name", {"default": "", "help": "print a code for a box that will be called so"}),
            ("--replaces", {"default": "", "metavar": "BOX", "help": "with --name: the lost box whose place it takes"}),
            ("--request", {"type": Path, "metavar": "FILE", "help": "what `hearth enroll --request` wrote"}),
            ("--answer", {"type": Path, "metavar": "FILE", "help": "where the answer to it goes"}),
            ("--json", {"action": "store_true", "help": "with --name: print address and code as JSON"}),
        ),
    ),
    Command(
        "revoke",
        "shut a box out, from its next request on; what it has sent stays readable",
        _revoke,
        (
            ("box", {"metavar": "BOX", "help": "its id, the beginning of it, or its name"}),
            ("--reason", {"required": True, "help": "stays with the box's card"}),
            ("--replaced-by", {"default": "", "metavar": "BOX", "help": "the box that took its place"}),
        ),
    ),
    Command(
        "rotate",
        "exchange a key in two acts: list the next one, and with --finish put it in use",
        _rotate,
        (
            ("kind", {"choices": ("tls", "receipts", "packs", "record")}),
            ("--finish", {"action": "store_true", "help": "put the listed key in use"}),
        ),
    ),
    Command("upgrade", "give an HQ of an older version the keys that it lacks", _upgrade),
    Command(
        "serve",
        "take envelopes; needs no opening key",
        _serve,
        (("--host", {"default": "127.0.0.1"}), ("--port", {"type": int, "default": 8444})),
    ),
    Command(
        "open",
        "open the records: print them, or keep them elsewhere with --to",
        _open,
        (
            ("--json", {"action": "store_true", "help": "one JSON object a line"}),
            (
                "--to",
                {
                    "default": "",
                    "metavar": "TARGET",
                    "help": "postgres://HOST/DATABASE (password by PGPASSFILE), parquet:FOLDER or fhir:FOLDER; goes on"
                    " where the last run stopped",
                },
            ),
            ("--again", {"default": "", "metavar": "CLASS", "help": "with --to: type the records of a class anew"}),
        ),
    ),
    Command("publish", "send agreements, resources, roster and the like down to boxes", _publish, PUBLISH),
    Command(
        "import",
        "take what boxes wrote on a stick; receipts and packs for them go back on it",
        _import,
        (
            ("stick", {"type": Path, "metavar": "STICK", "help": "the folder where it is mounted"}),
            ("--no-export", {"action": "store_true", "help": "write nothing on the stick"}),
            ("--json", {"action": "store_true", "help": "one JSON object a line"}),
        ),
    ),
    Command(
        "export",
        "write receipts and packs on a stick: for the boxes that are on it",
        _export,
        (
            ("stick", {"type": Path, "metavar": "STICK", "help": "the folder where it is mounted"}),
            ("--box", {"default": "", "metavar": "BOX", "help": "for this box"}),
            ("--all", {"action": "store_true", "help": "for every box"}),
            ("--json", {"action": "store_true", "help": "one JSON object a line"}),
        ),
    ),
    Command(
        "give-back",
        "re-seal a lost box's records to the box that takes its place",
        _give_back,
        (
            ("--lost", {"required": True, "metavar": "BOX", "help": "the id of the box that is lost"}),
            ("--to", {"required": True, "metavar": "BOX", "help": "the id of the box that takes its place"}),
            ("--reason", {"required": True, "help": "why; it stays at HQ"}),
            ("--force", {"action": "store_true", "help": "also when the lost box is not revoked in favour of it"}),
            ("--json", {"action": "store_true", "help": "one JSON object"}),
        ),
    ),
    Command(
        "verify",
        "hold all envelopes, receipts, packs and audits against each other; names what is wrong",
        _verify,
        (
            ("--box", {"default": "", "metavar": "BOX", "help": "only this box"}),
            ("--since", {"default": "", "metavar": "DATE", "help": "only boxes that sent something since"}),
            ("--receipts", {"type": Path, "metavar": "FOLDER", "help": "also against receipts that boxes have"}),
            ("--json", {"action": "store_true", "help": "one JSON object a line"}),
        ),
    ),
    Command(
        "ask",
        "ask a box to send again what headquarters lost of its log; it keeps what it sent last for a while",
        _ask,
        (("box", {"metavar": "BOX", "help": "the box's id, 32 hexadecimal digits"}),),
    ),
    Command(
        "accept-hole",
        "sign that an envelope is lost for good, so that its box's log goes on over it",
        _accept_hole,
        (
            ("box", {"metavar": "BOX", "help": "the box's id, 32 hexadecimal digits"}),
            ("sequence", {"type": int, "metavar": "N", "help": "the number of the missing envelope"}),
            ("--reason", {"required": True, "help": "why; it stays at HQ"}),
            ("--receipt", {"type": Path, "metavar": "FILE", "help": "a receipt that ends with the missing envelope"}),
        ),
    ),
    Command(
        "fleet",
        "how the boxes are; those that need a person first",
        _fleet,
        (
            ("--late", {"type": int, "default": 7, "metavar": "DAYS", "help": "when a silent box is told of"}),
            ("--html", {"type": Path, "metavar": "FILE", "help": "write a page instead, for a browser"}),
            ("--json", {"action": "store_true", "help": "one JSON object a line"}),
        ),
    ),
    Command(
        "open-share",
        "open HQ's share of a clinic's notes recovery key, sealed to the box that asks",
        _open_share,
        (
            ("request", {"type": Path, "metavar": "REQUEST"}),
            ("answer", {"type": Path, "metavar": "ANSWER"}),
            ("--check", {"default": "", "metavar": "CODE", "help": "the check code that the clinic read to you"}),
        ),
    ),
    Command("code", "the code of HQ's key, to read to a clinic that gives it a slot", _code),
    Command(
        "open-slot",
        "open the key slot of a box whose clinic lost every way in",
        _open_slot,
        (
            ("request", {"type": Path, "metavar": "REQUEST"}),
            ("answer", {"type": Path, "metavar": "ANSWER"}),
            ("--check", {"default": "", "metavar": "CODE", "help": "the check code that the clinic read to you"}),
        ),
    ),
)
