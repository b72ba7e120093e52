"""What commands ask a person at the terminal: the secret that opens a store, and a sign-in at the running box."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import WayIn
from appliance.faults import BY_CODE, Fault
from appliance.store import keyslots

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


def opened(store: Path, file: Path | None, words: str) -> keyslots.Opened:
    """The store's key by the file, or by what is typed, three times over. Faults: wrong_passphrase, those of slots."""
    for left in reversed(range(TRIES)):
        try:
            return keyslots.open_with(store, secret(file, words))
        except Fault as fault:
            if fault.code != "wrong_passphrase" or file is not None or not left:
                raise
            say(fault.kind.sentence)
    raise AssertionError("unreachable: the last try returns or raises")


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
    """Name, password and second step, three tries each. Never from command line or environment, where others see it.

    Faults of the box as ControlFault; Fault("sign_in_unfinished") for one who has to choose a password or a second
    step first.
    """

    async def by_password() -> WayIn:
        return await client.sign_in(ask("Name to sign in with: "), ask_secretly("Password: "))

    way = await _tried(by_password, "wrong_sign_in")
    if way.stage == "second" and (way.authenticator or way.codes):
        words = (
            "Code of your app, or from your printed sheet: " if way.authenticator else "Code from your printed sheet: "
        )
        way = await _tried(lambda: client.second_step(ask_secretly(words)), "wrong_code")
    if way.stage != "full":
        client.start_over()
        raise Fault("sign_in_unfinished", way.stage)


async def _tried(step: Callable[[], Awaitable[WayIn]], wrong: str) -> WayIn:
    for _ in range(TRIES - 1):
        try:
            return await step()
        except ControlFault as problem:
            if problem.code != wrong:
                raise
            say(BY_CODE[wrong].sentence)
    return await step()
