"""`hearth enroll`: the box meets its headquarters, from a terminal. The box runs; an administrator signs in.

With nothing else it tells how things stand. A code is typed when asked for: on the command line the shell's history and
everybody on the machine would have it, and until it was used, who knows it can pass for HQ.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance import terminal
from appliance.control.client import ControlClient
from appliance.control.types import Enrolment
from appliance.faults import Fault
from appliance.home import Home
from appliance.outbox.headquarters import key_code
from sync import keys
from sync.faults import SENTENCES, SyncFault

MAX_FILE = 131_072  # bytes of any file that HQ hands over
CODE = "Code: "
LOOK_SECONDS = 0.5
WAIT_SECONDS = 60.0  # then the box goes on asking alone


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line: one of `request`, `answer`, `facts`, or `by_code`, or none to tell how it stands. `by_code` may
    go with `request`."""

    by_code: bool = False
    url: str = ""
    request: Path | None = None
    answer: Path | None = None
    facts: Path | None = None
    as_json: bool = False
    yes: bool = False


def enroll(root: Path, asked: Asked) -> int:
    """Do it; 0, or 1 if HQ refused or was not reached yet. Faults are the caller's to print."""
    return asyncio.run(_run(Home(root), asked))


async def _run(home: Home, asked: Asked) -> int:
    async with terminal.signed_in(home.control_socket) as client:
        if asked.request is not None:
            return await _request(client, asked, asked.request)
        if asked.answer is not None:
            found = await client.enrol_answer(_read(asked.answer))
        elif asked.facts is not None:
            found = await _facts(client, asked, asked.facts)
        elif asked.by_code:
            found = await _by_code(client, asked)
        else:
            found = await client.enrolment()
        return _tell(found, as_json=asked.as_json)


async def _by_code(client: ControlClient, asked: Asked) -> Enrolment:
    known = (await client.enrolment()).address
    address = asked.url or known or _typed("Address of headquarters: ")
    found = await client.enrol(address, _typed(CODE))
    terminal.say("Asking headquarters …")
    told = ""
    for _ in range(round(WAIT_SECONDS / LOOK_SECONDS)):
        found = await client.enrolment()
        if found.state != "asking":
            break
        if found.fault and found.fault != told:
            told = found.fault
            terminal.say(SENTENCES.get(told, told))
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def _request(client: ControlClient, asked: Asked, to: Path) -> int:
    made = await client.enrol_request(_typed(CODE) if asked.by_code else "")
    _write(to, base64.b64decode(made.content))
    terminal.say(f"Take {to} to headquarters. There: hearth hq enroll DIR --request {to.name}")
    terminal.say("When their answer has come: hearth enroll --answer FILE")
    return 0


async def _facts(client: ControlClient, asked: Asked, file: Path) -> Enrolment:
    raw = _read(file)
    code = _code_of(base64.b64decode(raw))
    terminal.say(f"The code of headquarters' key in this file:\n\n    {code}\n")
    terminal.say("Call headquarters under a number that you know, and have theirs read to you: `hearth hq code`.")
    if not asked.yes and _typed("Is it the same? [y/N] ").lower() not in ("y", "yes"):
        raise Fault("bad_request", "nothing was done")
    return await client.enrol_facts(raw, code)


def _typed(question: str) -> str:
    """Nothing else is to go on in this program meanwhile."""
    return input(question).strip()


def _code_of(raw: bytes) -> str:
    try:
        return key_code(keys.hq_from_json(raw).record_key)
    except SyncFault:
        raise Fault("facts_damaged") from None


def _tell(found: Enrolment, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines(found))
    return 0 if found.state == "enrolled" and not found.fault else 1


def lines(found: Enrolment) -> list[str]:
    """How things stand, for a person."""
    told = []
    if found.state == "not_enrolled":
        told.append("This box does not know its headquarters yet.")
    elif found.state == "asking":
        told.append(
            f"Asking headquarters at {found.address or 'the place the file goes to'}; the box goes on by itself."
        )
    else:
        named = f" as {json.dumps(found.name, ensure_ascii=False)}" if found.name else ""
        told.append(f"Headquarters at {found.address} knows this box{named}.")
        told.append(f"Code of headquarters' key: {found.hq_code}")
        ends = f"until {found.certificate_ends[:10]}" if found.certificate_ends else "none yet; the box asks by itself"
        told.append(f"Certificate: {ends}")
    if found.fault:
        told.append(SENTENCES.get(found.fault, found.fault))
    if abs(found.clock_off) > 3600:
        told.append(f"This box's clock differs from headquarters' by {abs(found.clock_off) // 3600} hours.")
    return told


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
    except OSError:
        raise Fault("bad_request", "the file cannot be read") from None
    if len(raw) > MAX_FILE:
        raise Fault("too_large")
    return base64.b64encode(raw).decode("ascii")


def _write(file: Path, raw: bytes) -> None:
    try:
        file.write_bytes(raw)
    except OSError:
        raise Fault("bad_request", "the file cannot be written") from None
