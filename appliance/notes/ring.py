"""The clinicians' private keys of this moment: in memory only, one for each login, gone with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.store.database import Database, Transaction


class Ring:
    """Private halves by the hash of the login's token. All methods run on the event loop; slow work goes to threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def unlock(self, login: bytes, person: str, password: str) -> None:
        """Unwrap that clinician's private key with their password and hold it for `login`; make one at the first time.

        Does nothing for a role without notes. Never fails a sign-in: without a key notes stay closed.
        """

    def move(self, old: bytes, new: bytes) -> None:
        """The login got a new token: after the second factor."""

    def drop(self, login: bytes) -> None:
        """The login has ended."""

    def drop_person(self, person: str) -> None:
        """All of that person's logins have ended."""

    async def changing(self, person: str, old: str, new: str) -> Callable[[Transaction], Any]:
        """What rewraps the private key for a new password, to be run in the transaction that changes the password."""
        return lambda tx: None
