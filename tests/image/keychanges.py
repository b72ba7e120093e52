"""Key slots that change until the power is cut: another passphrase, another key, one slot more and one less.

python -m tests.image.keychanges FOLDER TOLD    a step is told by its number, a row that is written meanwhile by ROW + n

`check` says of what survived whether the passphrase that was in force opens it: the one told last, or where the next
step had begun, exactly one of that and the next.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.keeping import Keeper
from appliance.policy import Actor
from appliance.store import birth, keyslots, slotpair
from appliance.store.database import Database
from appliance.store.slotfile import Slots
from tests.fakes.stores import CHEAP
from tests.image.workload import AT, kept, row

ROW = 10_000_000
KINDS = 3  # of steps, in turn
ACTOR = Actor("p", "administrator", "console")


def passphrase(number: int) -> str:
    return f"passphrase number {number} zebra quartz"


def rotations(steps: int) -> int:
    """How many of the first so many steps gave the slot another passphrase."""
    return -(-steps // KINDS)


async def born(folder: Path) -> None:
    """A new store, closed."""
    database = await birth.give_birth(folder, passphrase(0), CHEAP)
    await database.write(
        lambda tx: [tx.execute("INSERT INTO box_secrets VALUES (?, randomblob(4000))", (f"x-{n}",)) for n in range(300)]
    )
    await database.close()


async def change(folder: Path, tell: Callable[[int], None]) -> None:
    """Change the slots in turn, and write rows meanwhile. Never ends."""
    opened = await asyncio.to_thread(keyslots.open_with, folder, passphrase(0))
    database = await Database.open(folder, opened.key)
    keeper = Keeper(folder, database, opened.key, opened.number, cost=CHEAP)
    await keeper.reconcile(AT, opened.slot)
    (first,) = (seen.slot.id for seen in await keeper.list(ACTOR, AT))

    async def steps() -> None:
        step, extra = 0, ""
        while True:
            match step % KINDS:
                case 0:
                    await keeper.rotate(ACTOR, first, passphrase(rotations(step) + 1), AT)
                case 1:
                    await keeper.rekey(ACTOR, AT)
                case 2:
                    gone = extra
                    extra = await keeper.add_passphrase(ACTOR, f"another passphrase {step} heron", "extra", AT)
                    if gone:
                        await keeper.remove(ACTOR, gone, AT)
            step += 1
            tell(step)

    async def rows() -> None:
        number = ROW
        while True:
            await database.write(row(number))
            tell(number)
            number += 1

    await asyncio.gather(steps(), rows())


def _opened(folder: Path, secret: str) -> keyslots.Opened | None:
    try:
        return keyslots.open_with(folder, secret)
    except Fault as fault:
        if fault.code != "wrong_passphrase":
            raise
        return None


async def check(folder: Path, confirmed: set[int]) -> tuple[set[int], list[str]]:
    """Of what was confirmed that which is there, and what is wrong."""
    steps = max((number for number in confirmed if number < ROW), default=0)
    now = rotations(steps)
    allowed = (now, now + 1) if steps % KINDS == 0 else (now,)
    try:
        works = {number: one for number in range(now + 2) if (one := _opened(folder, passphrase(number)))}
        if len(works) != 1 or not set(works) <= set(allowed):
            return set(), [f"after {steps} steps these passphrases work: {sorted(works)}, not one of {allowed}"]
        (opened,) = works.values()
        database = await Database.open(folder, opened.key)
    except Fault as fault:
        return set(), [f"not opened: {fault.code}"]
    try:
        await Keeper(folder, database, opened.key, opened.number).reconcile(AT, opened.slot)
        file = slotpair.load(folder)
        wrong = [] if isinstance(file, Slots) and file.keys() == (opened.number,) else ["more than one key stays"]
        wrong += ["the audit does not verify"] if await database.read(audit.verify) else []
        wrong += ["pages are damaged"] if await database.damaged_pages() else []
        return await database.read(kept) | set(range(1, steps + 1)), wrong
    finally:
        await database.close()


def main() -> None:
    line = os.open(sys.argv[2], os.O_WRONLY)
    asyncio.run(change(Path(sys.argv[1]), lambda number: _tell(line, number)))


def _tell(line: int, number: int) -> None:
    os.write(line, b"%d\n" % number)


if __name__ == "__main__":
    main()
