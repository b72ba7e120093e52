"""A clinic's first moment: store, first two accounts and the agreement, in one piece. For `hearth init` and set-up.

Two accounts, since one person must not need to be everything: an administrator keeps the box and appoints people and
reads no note; a clinical lead answers for the care. In a clinic of one it is the same person under two names.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.clock import now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.factors import actions as second
from appliance.identity.passwords import hash_password
from appliance.identity.rules import normal
from appliance.policy import BOX, Actor, StaffRole
from appliance.store import birth, witness
from appliance.store.database import Transaction
from appliance.store.files import fault_of_os, sync_folder

MIN_PASSPHRASE = 12  # characters; Argon2id makes each guess cost a tenth of a second
MAX_PASSPHRASE = 1000


@dataclass(frozen=True, slots=True)
class Founder:
    """One of the first two. `first`: the one at the keyboard, whose password is their own; the other one chooses
    another at the first sign-in. `codes`: a sheet that counts at once; none where it is made later. No readable repr.
    """

    name: str
    username: str
    role: StaffRole
    password: str
    first: bool = True
    codes: list[str] = field(default_factory=second.new_codes)

    def __repr__(self) -> str:
        return "Founder(…)"


async def found(home: Home, passphrase: str, founders: Sequence[Founder]) -> None:
    """Built beside its place and renamed when it is whole: a store without an account lets nobody in, ever.

    The caller holds the home's lock. Faults: store_exists, bad_request, those of the disk.
    """
    if birth.present(home.store):
        raise Fault("store_exists")
    beside = home.root / "store.init"
    await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)
    db = await birth.give_birth(beside, passphrase)
    hashes = [await asyncio.to_thread(hash_password, normal(founder.password)) for founder in founders]

    def work(tx: Transaction) -> None:
        at = now_text()
        for founder, phc in zip(founders, hashes, strict=True):
            name, username, role = founder.name, founder.username, founder.role
            person = identity.appoint(tx, BOX, name, username, role, phc, at, must_change=not founder.first)
            if founder.codes:
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
