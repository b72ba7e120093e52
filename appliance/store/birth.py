"""A store's first moment: slots and store appear together or not at all."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from appliance.faults import Fault
from appliance.store import keyslots, slotpair, witness
from appliance.store.database import Database, create_file, store_path
from appliance.store.files import fault_of_os, give_to_owner, sync_folder
from appliance.store.key import StoreKey
from appliance.store.keyslots import BOX_COST, Cost


def present(folder: Path) -> bool:
    """Whether `folder` holds a store or a part of one: then it is opened, or a fault says what is missing."""
    return slotpair.present(folder) or store_path(folder).exists()


async def give_birth(folder: Path, passphrase: str, cost: Cost = BOX_COST) -> Database:
    """Make slots and store in `folder` (missing or empty before) and open it.

    Both are built in a folder beside it that is then renamed, so a power cut at any moment leaves a box that was never
    set up or one that was. Faults: store_exists, bad_request, home_not_writable, store_failed.
    """
    return await Database.open(folder, await asyncio.to_thread(_build, folder, passphrase, cost))


def _build(folder: Path, passphrase: str, cost: Cost) -> StoreKey:
    if present(folder):
        raise Fault("store_exists")
    fresh = folder.with_name(folder.name + ".new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        give_to_owner(fresh, fresh.parent)
        key = keyslots.create(fresh, passphrase, cost)
        create_file(store_path(fresh), key)
        witness.reset(folder)  # of a store that was here and is gone
        fresh.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise fault_of_os(error) from error
    return key
