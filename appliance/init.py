"""`hearth init`: a new clinic. Asks for the passphrase twice, makes the store with its first accounts, and publishes
the agreement that a clinic starts with.

Two accounts, since one person must not need to be everything: an administrator keeps the box and appoints people and
reads no note; a clinical lead answers for the care. In a clinic of one it is the same person under two names. Each gets
a sheet of printed codes, so that nobody stands before a second step without one.
"""

from __future__ import annotations

import asyncio
import getpass
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.clock import now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.factors import actions as second
from appliance.identity.factors.rules import normal_code
from appliance.identity.passwords import hash_password
from appliance.identity.rules import MAX_PASSWORD, MIN_PASSWORD, Unfit, normal, unfit
from appliance.identity.staff import MAX_NAME, clean_name, clean_username
from appliance.policy import BOX, Actor, StaffRole
from appliance.store import birth, witness
from appliance.store.database import Transaction
from appliance.store.files import HomeLock, fault_of_os, sync_folder

MIN_PASSPHRASE = 12  # characters; Argon2id makes each guess cost a tenth of a second

_SIZE = f"Please choose one of {MIN_PASSWORD} to {MAX_PASSWORD} characters."
_UNFIT: Mapping[Unfit, str] = {
    "short": _SIZE,
    "long": _SIZE,
    "common": "Many people take that one, so it is guessed first. Please choose another.",
    "name": "That has the name in it. Please choose another.",
}


@dataclass(frozen=True, slots=True)
class Founder:
    """One of the first two. `first`: the one at the keyboard, whose password is their own. It has no readable repr."""

    name: str
    username: str
    role: StaffRole
    password: str
    first: bool = True
    codes: list[str] = field(default_factory=second.new_codes)

    def __repr__(self) -> str:
        return "Founder(…)"


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
        asyncio.run(_make(home, passphrase, founders))
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


async def _make(home: Home, passphrase: str, founders: Sequence[Founder]) -> None:
    """Built beside its place and renamed when it is whole: a store without an account lets nobody in, ever."""
    beside = home.root / "store.init"
    await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)
    db = await birth.give_birth(beside, passphrase)
    hashes = [await asyncio.to_thread(hash_password, normal(founder.password)) for founder in founders]

    def work(tx: Transaction) -> None:
        at = now_text()
        for founder, phc in zip(founders, hashes, strict=True):
            name, username, role = founder.name, founder.username, founder.role
            person = identity.appoint(tx, BOX, name, username, role, phc, at, must_change=not founder.first)
            second.keep_codes(tx, Actor(person, role, "command"), founder.codes, at)
        consent.publish(tx, BOX, first_agreement(), at)

    try:
        await db.write(work)
    finally:
        await db.close()
    try:
        witness.reset(beside)
        witness.reset(home.store)
        beside.rename(home.store)
        sync_folder(home.root)
    except OSError as problem:
        raise fault_of_os(problem) from problem


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
    return "" if MIN_PASSPHRASE <= len(typed) <= 1000 else f"Please choose one of {MIN_PASSPHRASE} to 1000 characters."


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
