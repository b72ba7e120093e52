"""`hearth`: one table of commands. Each says its words, what it is for, its arguments and what runs it.

Commands of the other packages run in a process of their own (exec), so that none of them ever holds the store's key.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from appliance.home import Home, default_root

Argument = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Command:
    """`hearth NAME`. `passes_on`: the rest of the line goes to another package's own command line, unread. `one_of`:
    arguments of which exactly one is given."""

    name: str
    purpose: str
    run: Callable[[argparse.Namespace], int]
    arguments: Sequence[Argument] = ()
    passes_on: bool = False
    one_of: Sequence[Argument] = ()


def _up(asked: argparse.Namespace) -> int:
    from appliance.up import up

    return up(asked.home, with_demo=asked.demo, passphrase_file=asked.passphrase_file)


def _init(asked: argparse.Namespace) -> int:
    from appliance.init import init

    return init(asked.home, asked.passphrase_file)


def _appliance(asked: argparse.Namespace) -> int:
    from appliance.serve import serve

    return serve(asked.home, asked.passphrase_fd)


def _accept_rollback(asked: argparse.Namespace) -> int:
    from appliance.rollback.command import accept_rollback

    return accept_rollback(asked.home, asked.reason, asked.passphrase_file)


def _status(asked: argparse.Namespace) -> int:
    from appliance.status import status

    return status(Home(asked.home).control_socket, as_json=asked.json)


def _doctor(asked: argparse.Namespace) -> int:
    from appliance.doctor.command import doctor
    from appliance.doctor.short import read_back, short

    if asked.read:
        return read_back(asked.read, asked.language, as_json=asked.json)
    if asked.short:
        return short(asked.home, asked.language, as_json=asked.json)
    return doctor(asked.home, as_json=asked.json)


def _backup(asked: argparse.Namespace) -> int:
    from appliance.copies import command

    if asked.to:
        return command.back_up(asked.home, asked.to, asked.passphrase_file, as_json=asked.json)
    if asked.list:
        return command.list_copies(asked.list, as_json=asked.json)
    return command.verify(asked.verify, asked.passphrase_file, as_json=asked.json)


def _restore(asked: argparse.Namespace) -> int:
    from appliance.copies.command import bring_back

    return bring_back(asked.copy, asked.home, asked.passphrase_file)


def _keys(asked: argparse.Namespace) -> int:
    if asked.what in ("request", "answer"):
        from appliance.keys.recovery import answer, request

        return (request if asked.what == "request" else answer)(asked.home, asked.which)
    from appliance.keys.command import Asked, keys

    return keys(
        asked.home,
        Asked(
            what=asked.what,
            which=asked.which,
            label=asked.label,
            language=asked.language,
            passphrase_file=asked.passphrase_file,
            credential=asked.credential,
            as_json=asked.json,
            yes=asked.yes,
        ),
    )


def _enroll(asked: argparse.Namespace) -> int:
    from appliance.enrolment.command import Asked, enroll

    if sum(one is not None for one in (asked.request, asked.answer, asked.facts)) > 1:
        sys.stderr.write("hearth enroll: one of --request, --answer, --facts\n")
        return 2
    return enroll(
        asked.home,
        Asked(
            by_code=asked.code,
            url=asked.url,
            request=asked.request,
            answer=asked.answer,
            facts=asked.facts,
            as_json=asked.json,
            yes=asked.yes,
        ),
    )


def _audit(asked: argparse.Namespace) -> int:
    from appliance.audit.command import Asked, audit

    return audit(
        asked.home,
        Asked(
            what=asked.what,
            which=asked.which,
            against=asked.against,
            key=asked.key,
            kind=asked.format,
            out=asked.out,
            passphrase_file=asked.passphrase_file,
            as_json=asked.json,
        ),
    )


def _ticket(asked: argparse.Namespace) -> int:
    from appliance.tickets.command import Asked, ticket

    if (asked.session == "list") == bool(asked.member):
        sys.stderr.write("hearth ticket list, or hearth ticket SESSION MEMBER\n")
        return 2
    return ticket(
        asked.home,
        Asked(
            session=asked.session,
            member=asked.member,
            pdf=asked.pdf,
            pin_pdf=asked.pin_pdf,
            language=asked.language,
            rejoin=asked.rejoin,
            yes=asked.yes,
            as_json=asked.json,
        ),
    )


def _sync(asked: argparse.Namespace) -> int:
    from appliance.sticks.command import Asked, sync

    return sync(
        asked.home,
        Asked(
            what=asked.what,
            place=asked.stick,
            reason=asked.reason,
            passphrase_file=asked.passphrase_file,
            as_json=asked.json,
        ),
    )


def _settings(asked: argparse.Namespace) -> int:
    from appliance.settings import KEYS

    sys.stdout.writelines(f"{key:<20} {meaning}\n" for key, meaning in KEYS.items())
    return 0


def _console(asked: argparse.Namespace) -> int:
    return _exec("tui", ["--socket", str(Home(asked.home).control_socket), *asked.rest])


def _hq(asked: argparse.Namespace) -> int:
    return _exec("sync", ["hq", *asked.rest])


def _bench(asked: argparse.Namespace) -> int:
    module, arguments = _BENCHES[asked.what]
    if find_spec(module.partition(".")[0]) is None or (module.startswith("tests.") and find_spec("playwright") is None):
        sys.stderr.write(f"hearth bench {asked.what} runs from a checkout with its tests: .ci/setup test\n")
        return 1
    return _exec(module, arguments, asked.rest)


def _exec(module: str, arguments: Sequence[str], more: Sequence[str] = ()) -> int:
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments, *more])  # noqa: S606 - ours, no shell


_BENCHES: dict[str, tuple[str, tuple[str, ...]]] = {
    "fleet": ("tests.load.hq_fleet", ()),
    "hq": ("tests.load.hq_bench", ()),
    "join": ("tests.load.join", ()),
    "relay": ("media", ("bench",)),
    "store": ("appliance.bench.store", ()),
    "sync": ("tests.load.sync_bench", ()),
}

_HOME: Argument = ("--home", {"type": Path, "default": None, "help": "the box's folder instead of $HEARTH_HOME"})
_PASSPHRASE_FILE: Argument = (
    "--passphrase-file",
    {"type": Path, "help": "read the passphrase from the first line of this file"},
)
_JSON: Argument = ("--json", {"action": "store_true", "help": "print facts as JSON"})

COMMANDS: tuple[Command, ...] = (
    Command(
        "up",
        "start the whole box here: appliance, relay and courier; with --demo a made-up clinic and its own HQ",
        _up,
        (_HOME, _PASSPHRASE_FILE, ("--demo", {"action": "store_true", "help": "use or make a demo clinic"})),
    ),
    Command("init", "make a new clinic: store, first administrator, agreement", _init, (_HOME, _PASSPHRASE_FILE)),
    Command(
        "appliance",
        "the appliance process alone, as systemd starts it; stays locked without a passphrase",
        _appliance,
        (_HOME, ("--passphrase-fd", {"type": int, "help": "read the passphrase from this open descriptor"})),
    ),
    Command(
        "accept-rollback",
        "go on with a store of which later entries are missing, with a reason that stays in the audit",
        _accept_rollback,
        (_HOME, _PASSPHRASE_FILE, ("--reason", {"required": True, "help": "why nobody can put the newer store back"})),
    ),
    Command("console", "the operator's console in this terminal", _console, (_HOME,), passes_on=True),
    Command("status", "what the running box says of itself, without names", _status, (_HOME, _JSON)),
    Command(
        "doctor",
        "look at this machine and its network, measure the relay, say how many people it carries",
        _doctor,
        (
            _HOME,
            _JSON,
            ("--short", {"action": "store_true", "help": "the numbered lines for a helper alone; measures nothing"}),
            ("--read", {"metavar": "CODE", "help": "the lines that such a code stands for, as it was read out"}),
            ("--language", {"choices": ("en", "es"), "default": "en", "help": "of the numbered lines"}),
        ),
    ),
    Command(
        "backup",
        "a copy of the box on a stick or in a folder, encrypted, and checked by opening it",
        _backup,
        (_HOME, _PASSPHRASE_FILE, _JSON),
        one_of=(
            ("--to", {"type": Path, "metavar": "FOLDER", "help": "make a backup there"}),
            ("--list", {"type": Path, "metavar": "FOLDER", "help": "which backups are there"}),
            ("--verify", {"type": Path, "metavar": "BACKUP", "help": "whether this one is whole"}),
        ),
    ),
    Command(
        "restore",
        "bring a backup back onto an empty box, by the passphrase or the words of the recovery sheet",
        _restore,
        (_HOME, _PASSPHRASE_FILE, ("copy", {"type": Path, "metavar": "BACKUP", "help": "the backup's folder"})),
    ),
    Command(
        "keys",
        "the ways into the box: list, add, try, rotate, remove; rekey; request and answer for recovery by headquarters",
        _keys,
        (
            _HOME,
            _PASSPHRASE_FILE,
            _JSON,
            ("what", {"choices": ("list", "add", "try", "rotate", "remove", "rekey", "request", "answer")}),
            ("which", {"nargs": "?", "default": "", "help": "add: passphrase, sheet, hq, machine; else slot or file"}),
            ("--label", {"default": "", "help": "what the list calls a new slot, at most 40 characters"}),
            ("--language", {"choices": ("en", "es"), "default": "en", "help": "of a recovery sheet's words"}),
            ("--credential", {"type": Path, "help": "add machine: the file for what systemd-creds seals"}),
            ("--yes", {"action": "store_true", "help": "do not ask before what cannot be undone"}),
        ),
    ),
    Command(
        "enroll",
        "make the box known to headquarters by the code that they gave; without a line by files; or tell how it stands",
        _enroll,
        (
            _HOME,
            (
                "--code",
                {"action": "store_true", "help": "by a one-time code, which is asked for: type it or pipe it in"},
            ),
            ("--url", {"default": "", "metavar": "ADDRESS", "help": "of headquarters, if it is not known yet"}),
            (
                "--request",
                {"type": Path, "metavar": "FILE", "help": "write a request to carry by hand; the first: with --code"},
            ),
            ("--answer", {"type": Path, "metavar": "FILE", "help": "read what headquarters answered"}),
            ("--facts", {"type": Path, "metavar": "FILE", "help": "know headquarters by its hq-public.json"}),
            ("--yes", {"action": "store_true", "help": "its code was compared already"}),
            _JSON,
        ),
    ),
    Command(
        "audit",
        "the audit: verify it, prove an entry to a stranger (prove NUMBER), check-proof FILE, export",
        _audit,
        (
            ("what", {"choices": ["verify", "prove", "check-proof", "export"], "help": "what to do"}),
            ("which", {"nargs": "?", "default": "", "help": "prove: the entry's number; check-proof: the file"}),
            _HOME,
            _PASSPHRASE_FILE,
            (
                "--against",
                {"type": Path, "help": "verify: a file with signed checkpoints from outside, as HQ has them"},
            ),
            ("--key", {"default": "", "help": "check-proof: the box's verify key in hex, as verify prints it"}),
            (
                "--format",
                {"choices": ["csv", "jsonl"], "default": "jsonl", "help": "export: table, or lines with proofs"},
            ),
            ("--out", {"type": Path, "help": "write there instead of to the terminal"}),
            _JSON,
        ),
    ),
    Command(
        "ticket",
        "print or reprint an invitation; a reprint is a new one, and the old one stops",
        _ticket,
        (
            _HOME,
            _JSON,
            ("session", {"metavar": "SESSION|list", "help": "its id, or its number in: hearth ticket list"}),
            ("member", {"nargs": "?", "default": "", "metavar": "MEMBER", "help": "the person's id or number there"}),
            ("--pdf", {"type": Path, "metavar": "FILE", "help": "the invitation as PDF instead of shown"}),
            ("--pin-pdf", {"type": Path, "metavar": "FILE", "help": "the PIN slip as PDF instead of shown"}),
            ("--language", {"choices": ("en", "es"), "default": "en", "help": "of the papers"}),
            ("--rejoin", {"action": "store_true", "help": "a way back for one who lost the device, by phone"}),
            ("--yes", {"action": "store_true", "help": "do not ask before the old one stops"}),
        ),
    ),
    Command(
        "sync",
        "sealed records to headquarters: status, now, export or import a STICK, adopt (after a restoration), returned",
        _sync,
        (
            ("what", {"choices": ("status", "now", "export", "import", "adopt", "returned"), "help": "what to do"}),
            (
                "stick",
                {"nargs": "?", "type": Path, "metavar": "STICK", "help": "the folder where the stick is mounted"},
            ),
            _HOME,
            _PASSPHRASE_FILE,
            (
                "--reason",
                {"default": "", "help": "adopt: why the log goes on after what HQ has; it stays in the audit"},
            ),
            _JSON,
        ),
    ),
    Command("settings", "every setting with what it means", _settings),
    Command(
        "hq", "headquarters: hq init, enroll, serve, open, import and export a stick, give-back", _hq, passes_on=True
    ),
    Command(
        "bench",
        "measure: " + ", ".join(f"bench {name}" for name in sorted(_BENCHES)),
        _bench,
        (("what", {"choices": sorted(_BENCHES), "help": "what to measure"}),),
        passes_on=True,
    ),
)


def parser() -> argparse.ArgumentParser:
    """The command line, made from the table."""
    top = argparse.ArgumentParser(prog="hearth", description="A clinic box for confidential group care.")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.purpose, description=command.purpose)
        for name, options in command.arguments:
            sub.add_argument(name, **options)
        if command.one_of:
            choice = sub.add_mutually_exclusive_group(required=True)
            for name, options in command.one_of:
                choice.add_argument(name, **options)
        sub.set_defaults(run=command.run, passes_on=command.passes_on)
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The asked command. Exits with 2 for bad usage, as argparse does."""
    top = parser()
    asked, rest = top.parse_known_args(argv)
    if rest and not asked.passes_on:
        top.error(f"unknown argument: {rest[0]}")
    asked.rest = rest
    if getattr(asked, "home", None) is None:
        asked.home = default_root()
    asked.home = asked.home.absolute()
    return asked
