"""Throttles that survive a restart: wrong tries by kind and key, kept in the store with the key hashed.

They go by the seconds that the box has run: no clock that is set forward or back, by whomever, shortens a wait or makes
one longer than the cap. After a restart a wait begins anew from the last try: time that was not noted does not count.

    asked = await throttles.take(("account", "mara"), ("address", "10.0.0.9"))   # Fault("too_many_tries") with its wait
    ...                                                                          # a wrong try is simply left counted
    await throttles.give_back(asked)                                             # it was a good one
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection

from appliance.faults import Fault
from appliance.identity.doors import rows
from appliance.identity.rules import PACES, Kind, given_back, level, taken, wait
from appliance.store.database import Database, Transaction

Asked = tuple[tuple[Kind, str], ...]


def key_hash(kind: Kind, key: str) -> bytes:
    return hashlib.sha256(f"hearth throttle\x00{kind}\x00{key}".encode(errors="surrogateescape")).digest()


class Throttles:
    """One for the box. `monotonic`: seconds of a clock that nobody can set."""

    def __init__(self, db: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db, self._monotonic = db, monotonic
        self._start = monotonic()
        self._before: float | None = None  # how long the box had run before this process

    async def take(self, *asked: tuple[Kind, str], waived: Collection[Kind] = ()) -> Asked:
        """Count a try for all of them, or for none. Fault("too_many_tries") with the longest wait.

        `waived`: kinds that hold up nobody while the others remember no wrong try at all.
        """
        seconds = await self._db.write(lambda tx: self._take(tx, asked, waived))
        if seconds > 0:
            raise Fault("too_many_tries", seconds=seconds)
        return asked

    async def give_back(self, asked: Asked) -> None:
        """The try was a good one, which counts for nothing."""
        await self._db.write(lambda tx: self.give_back_in(tx, asked))

    def give_back_in(self, tx: Transaction, asked: Asked) -> None:
        """The same within a transaction."""
        now = self._now(tx)
        for kind, key in asked:
            digest = key_hash(kind, key)
            rows.keep_bucket(tx, kind, digest, given_back(PACES[kind], rows.bucket(tx, kind, digest), now))

    def _take(self, tx: Transaction, asked: Asked, waived: Collection[Kind]) -> float:
        now = self._now(tx)
        found = [(kind, key_hash(kind, key)) for kind, key in asked]
        buckets = [(kind, digest, rows.bucket(tx, kind, digest)) for kind, digest in found]
        clean = all(level(PACES[kind], one, now) == 0 for kind, _, one in buckets if kind not in waived)
        seconds = max(wait(PACES[kind], one, now) for kind, _, one in buckets if not (clean and kind in waived))
        if seconds <= 0:
            for kind, digest, one in buckets:
                rows.keep_bucket(tx, kind, digest, taken(PACES[kind], one, now))
        return seconds

    def _now(self, tx: Transaction) -> float:
        if self._before is None:
            self._before = rows.newest(tx)
        return self._before + self._monotonic() - self._start
