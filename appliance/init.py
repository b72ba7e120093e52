"""`hearth init`: a new clinic. Asks for the passphrase twice and for the first two accounts, and makes the store.

Its making is in `founding.py`, which the set-up on the box's own screen shares. Each of the two gets a sheet of printed
codes, so that nobody stands before a second step without one.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.faults import Fault
from appliance.founding import MAX_PASSPHRASE, MIN_PASSPHRASE, Founder, found
from appliance.home import Home
from appliance.identity.factors.rules import normal_code
from appliance.identity.rules import MAX_PASSWORD, MIN_PASSWORD, Unfit, unfit
from appliance.identity.staff import MAX_NAME, clean_name, clean_username
from appliance.setup import answers
from appliance.store import birth
from appliance.store.files import HomeLock

_SIZE = f"Please choose one of {MIN_PASSWORD} to {MAX_PASSWORD} characters."
_PASSPHRASE_SIZE = f"Please choose one of {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters."
_UNFIT: Mapping[Unfit, str] = {
    "short": _SIZE,
    "long": _SIZE,
    "common": "Many people take that one, so it is guessed first. Please choose another.",
    "name": "That has the name in it. Please choose another.",
}


def init(root: Path, passphrase_file: Path | None) -> int:
    """Make the clinic; 0. Faults: store_exists, bad_request (an unfit passphrase file, or no more answers)."""
    home = Home(root)
    with HomeLock.take(home.root):
        home.make()
        if birth.present(home.store):
            raise Fault("store_exists")
        try:
            passphrase = _passphrase(passphrase_file)
            founders = _founders()
            for founder in founders:
                _hand_over(founder)
        except EOFError:
            raise Fault("bad_request", "the answers ended") from None
        asyncio.run(found(home, passphrase, founders))
        answers.finish(home)
    _say("The clinic is made. Keep the passphrase safe: without it nobody opens the store, not even we.")
    return 0


def _founders() -> list[Founder]:
    _say("\nFirst yourself: the administrator keeps the box and appoints people, and reads no notes.")
    name, username = _name("Your name: "), _username("Name to sign in with: ")
    first = Founder(name, username, "administrator", _password("Password to sign in with", name, username))
    _say(
        "\nThen the clinical lead, who answers for the care. In a clinic of one that is you again, under another name."
    )
    name, username = _name("Name of the clinical lead: "), _username("Name to sign in with: ")
    while username.casefold() == first.username.casefold():
        username = _username("That one is the administrator's. Another name to sign in with: ")
    words = "A password for the first sign-in, then another one is asked for"
    return [first, Founder(name, username, "clinical_lead", _password(words, name, username), first=False)]


def _hand_over(founder: Founder) -> None:
    """The codes, shown once; one of them comes back, so they were written down or printed."""
    _say(f"\nCodes for {founder.name} ({founder.username}). Write them down: they are shown this once. With the")
    _say("password one of them signs in, also without a phone and with a wrong clock. Each works once.\n")
    half = len(founder.codes) // 2
    for left, right in zip(founder.codes[:half], founder.codes[half:], strict=True):
        _say(f"    {left}     {right}")
    while normal_code(_asked("\nType one of them: ")) not in map(normal_code, founder.codes):
        _say("That is none of them.")


def _passphrase(file: Path | None) -> str:
    if file is None:
        return _twice("Passphrase of the box", MIN_PASSPHRASE, _passphrase_problem)
    try:
        passphrase = file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Fault("bad_request", "the passphrase file cannot be read") from None
    if len(passphrase) < MIN_PASSPHRASE:
        raise Fault("bad_request", f"a passphrase has at least {MIN_PASSPHRASE} characters")
    return passphrase


def _password(words: str, name: str, username: str) -> str:
    """By the same rules as everybody's."""
    return _twice(words, MIN_PASSWORD, lambda typed: _UNFIT.get(unfit(typed, (username, *name.split())), ""))


def _name(words: str) -> str:
    return _clean(words, clean_name, f"Please type 1 to {MAX_NAME} letters.")


def _username(words: str) -> str:
    """As on the page for staff accounts: one word."""
    return _clean(words, clean_username, "Please type one word of 2 to 64 letters.")


def _clean(words: str, clean: Callable[[str], str], complaint: str) -> str:
    while True:
        try:
            return clean(_asked(words))
        except Fault:
            _say(complaint)


def _passphrase_problem(typed: str) -> str:
    return "" if MIN_PASSPHRASE <= len(typed) <= MAX_PASSPHRASE else _PASSPHRASE_SIZE


def _twice(words: str, shortest: int, problem: Callable[[str], str]) -> str:
    """Typed twice: there is no way round a passphrase with a typing mistake in it. Asks again until both fit."""
    while True:
        first = getpass.getpass(f"{words} (at least {shortest} characters): ")
        if found := problem(first):
            _say(found)
        elif getpass.getpass("Once more: ") != first:
            _say("The two were not the same. Please try again.")
        else:
            return first


def _asked(words: str) -> str:
    """An answer; asks again when there is none."""
    while True:
        answer = " ".join(input(words).split())
        if answer:
            return answer


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
