"""Restart the machine, switch it off, delete all that it holds. Noted before the steward is asked: nobody can after it.

Whoever has no way into a locked box may delete it all the same: they stand before it and can take the card out. So it
is offered as what it is, with a word to type and a pause, and not behind a login that nobody has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from appliance.clock import now_text
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.power import rows, rules
from appliance.store.database import Database, Transaction

SECONDS = 30.0  # for the steward: the key slots of a slow card are overwritten in two


class Power:
    """One box's. `now`: monotonic seconds."""

    def __init__(self, errands: Errands, now: Callable[[], float] = time.monotonic) -> None:
        self._errands = errands
        self._now = now
        self._asked_at: float | None = None

    @property
    def possible(self) -> bool:
        """Whether this machine is the box's to restart."""
        return self._errands.possible

    async def order(self, db: Database, actor: Actor, do: Literal["restart", "off"], *, anyway: bool) -> None:
        """Restart or switch off. `anyway`: although a session goes on.

        Faults: refused, not_the_machine, session_open, machine_busy.
        """

        def note(tx: Transaction) -> None:
            permit = decide(actor, "restart_box", Facts())
            self._on_a_machine()
            if not anyway and rows.sessions_go_on(tx):
                raise Fault("session_open")
            rows.note(tx, permit, now_text())

        await db.write(note)
        await self._errands.ask("power", {"do": do}, SECONDS)

    async def reset(self, db: Database, actor: Actor, typed: str, clinic: str) -> None:
        """Delete everything, the key first. Faults: refused, clinic_name_wrong, not_the_machine, machine_busy."""

        def note(tx: Transaction) -> None:
            permit = decide(actor, "reset_box", Facts())
            if not rules.same_name(typed, clinic):
                raise Fault("clinic_name_wrong")
            self._on_a_machine()
            rows.note(tx, permit, now_text())

        await db.write(note)
        await self._errands.ask("reset", {"do": "everything"}, SECONDS)

    async def erase(self, word: str) -> None:
        """The same on a box that nobody can open: asked for twice, the second time after a pause.

        Faults: bad_request, erase_wait, not_the_machine, machine_busy.
        """
        self._on_a_machine()
        waited = None if self._asked_at is None else self._now() - self._asked_at
        try:
            rules.may_erase(word, waited)
        except Fault:
            if waited is None or waited > rules.ASKED_SECONDS:
                self._asked_at = self._now()
            raise
        self._asked_at = None
        await self._errands.ask("reset", {"do": "everything"}, SECONDS)

    def _on_a_machine(self) -> None:
        if not self.possible:
            raise Fault("not_the_machine")
