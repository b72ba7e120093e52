"""What hangs on the wall: the emergency contacts, readable by everybody while the store is locked, broken or full.

The store has them; this is their copy outside of it, in one small file that is written whole and read at the start.
They are public: they stand at the foot of every page.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.contacts.rules import MOST, Contact
from appliance.store.files import write_atomically

log = logging.getLogger(__name__)


class Wall:
    """One for the box. A file that cannot be read is an empty wall: the page still has the clinic's own number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.contacts: tuple[Contact, ...] = ()

    def load(self) -> None:
        try:
            self.contacts = tuple(msgspec.json.decode(self._path.read_bytes(), type=list[Contact])[:MOST])
        except FileNotFoundError:
            self.contacts = ()
        except (OSError, msgspec.DecodeError) as problem:
            log.error("the emergency contacts cannot be read: %s", type(problem).__name__)
            self.contacts = ()

    def hang(self, contacts: Sequence[Contact]) -> None:
        """These from now on. Where the file cannot be written they hang until the next start, which tries again."""
        if tuple(contacts) == self.contacts and self._path.exists():
            return
        self.contacts = tuple(contacts)
        try:
            write_atomically(self._path, msgspec.json.encode(self.contacts))
        except OSError as problem:
            log.error("the emergency contacts cannot be written: %s", type(problem).__name__)
