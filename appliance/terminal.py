"""What commands ask a person at the terminal: the secret that opens a store, and a sign-in at the running box."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from appliance.control.client import ControlClient, ControlFault
from appliance.faults import BY_CODE, Fault

TRIES = 3  # for a mistyped answer


def say(sentence: str) -> None:
    """One line to the person, not to a program that reads our output."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def secret(file: Path | None, words: str) -> str:
    """From the file's first line, or typed. Fault("bad_request") for a file that cannot be read."""
    if file is None:
        return getpass.getpass(words)
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Fault("bad_request", "the passphrase file cannot be read") from None


def fault_of(problem: ControlFault) -> Fault:
    """The fault that the box told, or `internal` for one that this program does not know."""
    return Fault(problem.code) if problem.code in BY_CODE else Fault("internal", problem.code)


@asynccontextmanager
async def signed_in(socket: Path) -> AsyncIterator[ControlClient]:
    """A client of the running box for the person at the terminal, signed out at the end.

    Faults: those of the box; box_locked.
    """
    client = ControlClient(socket)
    try:
        if (await client.snapshot()).box.state == "locked":
            raise Fault("box_locked")
        await sign_in(client)
        yield client
    except ControlFault as problem:
        raise fault_of(problem) from None
    finally:
        with suppress(ControlFault):
            await client.sign_out()
        await client.close()


async def sign_in(
    client: ControlClient,
    ask: Callable[[str], str] = input,
    ask_secretly: Callable[[str], str] = getpass.getpass,
) -> None:
    """Name and password. Three tries. Faults of the box as ControlFault."""
    for left in reversed(range(TRIES)):
        username = ask("Name to sign in with: ")
        try:
            await client.sign_in(username, ask_secretly("Password: "))
            return
        except ControlFault as problem:
            if problem.code != "wrong_sign_in" or not left:
                raise
            say(BY_CODE["wrong_sign_in"].sentence)
