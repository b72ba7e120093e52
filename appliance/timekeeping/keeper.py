"""Keeps the box's time: looks at the machine's clock, asks the rules, tells `appliance.clock` what to go by.

From the unlock to the end of the box. The first look reads what the store remembers; from then on each look notes the
time, so that the next start knows how far it had come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance import clock
from appliance.faults import Fault
from appliance.policy import Actor
from appliance.store.database import Database
from appliance.timekeeping import actions, machine, rows, rules
from appliance.timekeeping.rules import Kept, Trouble, Verdict

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
NOTE_SECONDS = 300.0  # of power cut a box may forget; 288 small writes a day are nothing to an SD card


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine; tests put their own in."""

    synchronised: Callable[[], bool] = machine.synchronised
    has_battery: Callable[[], bool] = machine.has_battery
    boot_name: Callable[[], str] = machine.boot_name


class Timekeeper:
    """One open store's time. `changed` is called when trouble or correction have changed."""

    def __init__(self, db: Database, machine: Machine | None = None) -> None:
        self._db, self._machine = db, machine or Machine()
        self._verdict, self._told_in = Verdict(0), ""
        self._noted = 0.0  # elapsed seconds
        self.changed: Callable[[], None] = lambda: None

    @property
    def trouble(self) -> Trouble:
        return self._verdict.trouble

    @property
    def correction(self) -> int:
        """Seconds that the box goes ahead of the machine's clock."""
        return self._verdict.correction

    @property
    def synchronised(self) -> bool:
        """Whether a time server sets the machine's clock: then there is nothing to set."""
        return self._machine.synchronised()

    async def begin(self) -> None:
        """Take up the time where the store left it."""
        kept = await self._db.read(rows.kept)
        asked = self._machine
        found = rules.at_start(
            clock.machine(),
            kept,
            synchronised=asked.synchronised(),
            battery=asked.has_battery(),
            boot=asked.boot_name(),
        )
        self._told_in = kept.boot if kept else ""
        now = clock.machine() + found.correction
        clock.follow(now, rules.steady_at_start(now, kept))
        self._go_by(found)
        await self._note()

    async def look(self) -> None:
        """Compare the machine's clock with the time that went by."""
        expected, now = clock.now(), clock.machine()
        found = rules.while_running(now, expected, self._verdict, synchronised=self._machine.synchronised())
        stepped = abs(now + found.correction - expected) > rules.JUMP
        self._go_by(found)
        if stepped:
            await self._db.write(lambda tx: actions.moved(tx, int(expected), self._kept()))
        elif clock.elapsed() - self._noted >= NOTE_SECONDS:
            await self._note()

    async def set(self, actor: Actor, said: float) -> None:
        """Staff say that it is `said`. Faults: refused, clock_wrong, wrong_state (a time server sets the clock)."""
        found = rules.told(clock.machine(), said)
        if self.synchronised:
            raise Fault("wrong_state", "a time server sets the clock")
        told_in = self._machine.boot_name()
        kept, before = Kept(found.correction, int(said), clock.steady_seconds(), told_in), clock.now_seconds()
        await self._db.write(lambda tx: actions.set_clock(tx, actor, before, kept))
        self._told_in, self._noted = told_in, clock.elapsed()
        self._go_by(found)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def end(self) -> None:
        """Note the time once more; what comes after goes by the machine's clock again."""
        await self._note()
        clock.let_go()

    def _go_by(self, found: Verdict) -> None:
        before, self._verdict = self._verdict, found
        clock.follow(clock.machine() + found.correction)
        if found.trouble and found.trouble != before.trouble:
            log.warning("the machine's clock cannot be believed: %s", found.trouble)
        if found != before:
            self.changed()

    async def _note(self) -> None:
        """A disk that takes nothing any more is told of elsewhere, and must not keep a box from opening."""
        self._noted = clock.elapsed()
        try:
            await self._db.write(lambda tx: rows.note(tx, self._kept()))
        except Fault as fault:
            log.warning("the time could not be noted: %s", fault.code)

    def _kept(self) -> Kept:
        """What was gone by under trouble is a stop-gap and not remembered: the next start judges anew."""
        doubt = self.trouble != ""
        correction = 0 if doubt and self.trouble != "unsure" else self.correction
        return Kept(correction, clock.now_seconds(), clock.steady_seconds(), self._told_in, doubt)
