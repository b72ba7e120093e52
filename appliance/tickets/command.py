"""`hearth ticket`: who has an invitation, and a new one with its papers, for staff who sign in at the running box.

The box keeps no code and no PIN, so a reprint is always a new ticket, and the old one stops. Both are shown once, on
this terminal, or written as PDF into files that nobody else can read.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import segno

from appliance import terminal
from appliance.control.client import ControlClient
from appliance.control.types import Invitation, Member, Session
from appliance.faults import Fault
from appliance.home import Home

T = TypeVar("T", Session, Member)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line. `session` and `member`: ids, or numbers of the list; "list" and "" for the list."""

    session: str
    member: str
    pdf: Path | None = None
    pin_pdf: Path | None = None
    language: Literal["en", "es"] = "en"
    rejoin: bool = False
    yes: bool = False
    as_json: bool = False


def ticket(root: Path, asked: Asked) -> int:
    """`hearth ticket`; 0, or 1 if the person said no. Faults are the caller's to print."""
    return asyncio.run(_ticket(Home(root).control_socket, asked))


async def _ticket(socket: Path, asked: Asked) -> int:
    async with terminal.signed_in(socket) as client:
        sessions = [one for one in (await client.snapshot()).sessions if one.state != "ended"]
        if asked.session == "list" and not asked.member:
            _list(sessions, as_json=asked.as_json)
            return 0
        return await make(client, *find(sessions, asked.session, asked.member), asked)


def find(sessions: Sequence[Session], session: str, member: str) -> tuple[Session, Member]:
    """By id, or by the numbers of the list. Fault("not_found")."""
    of = _pick(sessions, session)
    return of, _pick(_people(of), member)


def _pick(all_: Sequence[T], word: str) -> T:
    for number, one in enumerate(all_, 1):
        if word in (one.id, str(number)):
            return one
    raise Fault("not_found", "look at hearth ticket list")


async def make(client: ControlClient, of: Session, who: Member, asked: Asked) -> int:
    """A new ticket, shown or written. Faults: refused, wrong_state, bad_request (a file that cannot be made)."""
    if not asked.yes and not _sure(who, asked):
        return 1
    files: list[tuple[Path, BinaryIO]] = []
    try:
        for path in (asked.pdf, asked.pin_pdf):
            if path:
                files.append((path, _new_file(path)))
        way = client.rejoin if asked.rejoin else client.reissue
        given = await way(of.id, who.id)
        for path, file in files:
            kind: Literal["invitation", "pin"] = "invitation" if path == asked.pdf else "pin"
            with file:
                file.write(await client.paper(given, kind, asked.language))
    except BaseException:
        for path, file in files:
            file.close()
            with suppress(OSError):
                path.unlink()
        raise
    _show(given, asked)
    return 0


def _sure(who: Member, asked: Asked) -> bool:
    if asked.rejoin:
        terminal.say("The device that they use now is put out at once; their place is kept.")
    elif who.ticket == "issued":
        terminal.say("The box keeps no code and no PIN: this makes a new invitation, and the old one stops.")
    else:
        return True
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _new_file(path: Path) -> BinaryIO:
    """Made before the ticket is: a ticket whose paper cannot be written would stop the old one for nothing."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError:
        raise Fault(
            "bad_request", "a PDF needs the name of a file that is not there yet, in a folder that is"
        ) from None


def _show(given: Invitation, asked: Asked) -> None:
    """What is on no paper."""
    facts = {"name": given.name, "link": given.link, "code": given.code, "pin": given.pin}
    if asked.pdf:
        del facts["link"], facts["code"]
    if asked.pin_pdf:
        del facts["pin"]
    if asked.as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    sys.stdout.writelines(f"{word:<5} {value}\n" for word, value in facts.items())
    if "link" in facts and sys.stdout.isatty() and not given.rejoin:
        segno.make(given.link, error="l", micro=False).terminal(compact=True, border=2)
    if asked.rejoin:
        terminal.say("Tell code and PIN on the phone. They work for the next 30 minutes, on one device.")
    elif "pin" in facts:
        terminal.say("The PIN travels apart from the link. Both are shown this once.")
    for path in (asked.pdf, asked.pin_pdf):
        if path:
            terminal.say(f"Written: {path}. Delete it when it is printed.")


def _people(of: Session) -> list[Member]:
    return [one for one in of.members if not one.facilitator]


def _list(sessions: Sequence[Session], *, as_json: bool) -> None:
    if as_json:
        found = [
            {
                "session": of.id,
                "title": of.title,
                "starts_at": of.starts_at,
                "people": [
                    {"member": one.id, "name": one.name, "standing": one.standing, "ticket": one.ticket}
                    for one in _people(of)
                ],
            }
            for of in sessions
        ]
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    if not sessions:
        terminal.say("There is no session today that has not ended.")
    for number, of in enumerate(sessions, 1):
        sys.stdout.write(f"{number}  {_plain(of.title)}  {of.starts_at}\n")
        for place, one in enumerate(_people(of), 1):
            other = ", another device tried it" if one.other_device else ""
            sys.stdout.write(f"   {place:>2}  {_plain(one.name):<30} {one.standing}, invitation {one.ticket}{other}\n")
    if sessions:
        terminal.say("A new invitation: hearth ticket SESSION MEMBER, by these numbers.")


def _plain(text: str) -> str:
    """A name can move no cursor."""
    return "".join(char if char.isprintable() else " " for char in text)
