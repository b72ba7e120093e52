"""What keeps the open store: its key, its slots, its copies. Made at the unlock, gone with the process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from appliance.store.database import Database
from appliance.store.key import StoreKey


@dataclass(slots=True)
class Keeper:
    """`store` is the folder of store and slots. `key` opens it; a rekey replaces it.

    `still` is held by whoever changes key or slots, and by whoever needs them to stay as they are: a copy under way.
    """

    store: Path
    db: Database
    key: StoreKey
    still: asyncio.Lock = field(default_factory=asyncio.Lock)
