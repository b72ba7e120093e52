"""What keeps the open store: its key, its slots, its copies. Made at the unlock, gone with the process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.store.database import Database
from appliance.store.key import StoreKey


@dataclass(slots=True)
class Keeper:
    """`store` is the folder of store and slots. `key` opens it; a rekey replaces it."""

    store: Path
    db: Database
    key: StoreKey
