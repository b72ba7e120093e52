"""A steward that does at once whatever is asked, and remembers it; or refuses with a code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.errands import Errands, Told, Word
from appliance.faults import Fault


class Obedient(Errands):
    """On a machine that is the box's own."""

    def __init__(self, refuses: str = "") -> None:
        super().__init__(Path("/nowhere"))
        self.refuses = refuses
        self.asked: list[tuple[Word, dict[str, Any]]] = []

    @property
    def possible(self) -> bool:
        return True

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        self.asked.append((word, what))
        if self.refuses:
            raise Fault(self.refuses)
        return Told(id="0" * 16, state="done")
