"""`hearth init`: a new clinic. Asks for the passphrase twice, makes the store and the clinical lead, and publishes the
agreement that a clinic starts with."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import sys
from pathlib import Path

from appliance.clock import now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.passwords import hash_password
from appliance.identity.rules import MAX_PASSWORD, MIN_PASSWORD, normal
from appliance.policy import BOX
from appliance.store import birth, witness
from appliance.store.database import Transaction
from appliance.store.files import HomeLock, fault_of_os, sync_folder

MIN_PASSPHRASE = 12  # characters; Argon2id makes each guess cost a tenth of a second


def init(root: Path, passphrase_file: Path | None) -> int:
    """Make the clinic; 0. Faults: store_exists, bad_request (an unfit passphrase file, or no more answers)."""
    home = Home(root)
    with HomeLock.take(home.root):
        home.make()
        if birth.present(home.store):
            raise Fault("store_exists")
        try:
            passphrase = _passphrase(passphrase_file)
            name = _asked("Your name: ")
            username = _asked("Name to sign in with: ")
            password = _twice("Password to sign in with", MIN_PASSWORD, MAX_PASSWORD)
        except EOFError:
            raise Fault("bad_request", "the answers ended") from None
        asyncio.run(_make(home, passphrase, name, username, password))
    _say("The clinic is made. Keep the passphrase safe: without it nobody opens the store, not even we.")
    return 0


async def _make(home: Home, passphrase: str, name: str, username: str, password: str) -> None:
    """Built beside its place and renamed when it is whole: a store without an account lets nobody in, ever."""
    beside = home.root / "store.init"
    await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)
    db = await birth.give_birth(beside, passphrase)
    phc = await asyncio.to_thread(hash_password, normal(password))

    def work(tx: Transaction) -> None:
        identity.appoint(tx, BOX, name, username, "clinical_lead", phc, now_text())
        consent.publish(tx, BOX, first_agreement(), now_text())

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
        return _twice("Passphrase of the box", MIN_PASSPHRASE)
    try:
        passphrase = file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Fault("bad_request", "the passphrase file cannot be read") from None
    if len(passphrase) < MIN_PASSPHRASE:
        raise Fault("bad_request", f"a passphrase has at least {MIN_PASSPHRASE} characters")
    return passphrase


def _twice(words: str, shortest: int, longest: int = 1000) -> str:
    """Typed twice: there is no way round a passphrase with a typing mistake in it. Asks again until both fit."""
    while True:
        first = getpass.getpass(f"{words} (at least {shortest} characters): ")
        if not shortest <= len(first) <= longest:
            _say(f"Please choose one of {shortest} to {longest} characters.")
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
