"""Keeps the box's time: looks at the machine's clock, asks the rules, tells `appliance.clock` what to go by.

From the unlock to the end of the box. The first look reads what the store remembers; from then on each look notes the
time, so that the next start knows how far it had come. Once the box knows better than its machine, the machine's clock
is set by an errand: courier, logs and the next start go by it. Without a steward the correction is kept instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance import clock
from appliance.errands import Errands
from appliance.faults import Fault
from appliance.policy import Actor
from appliance.store.database import Database
from appliance.timekeeping import actions, machine, rows, rules
from appliance.timekeeping.headquarters import Heard
from appliance.timekeeping.rules import Kept, Source, Trouble, Verdict

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
NOTE_SECONDS = 300.0  # of power cut a box may forget; 288 small writes a day are nothing to an SD card
SET_SECONDS = 2.0  # by which the machine's clock may be off: HQ's word and staff's are no better
ERRAND_SECONDS = 8.0  # whoever set the clock waits for it; what comes later is found by the next look
SET_AGAIN_SECONDS = 600.0  # between two errands for it


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
        self._set_at = -SET_AGAIN_SECONDS  # likewise: when the machine's clock was last asked to be set
        self._source: Source = "machine"
        self.changed: Callable[[], None] = lambda: None
        self.heard: Callable[[], Heard] = Heard  # what headquarters said, newest
        self.errands: Errands | None = None

    @property
    def trouble(self) -> Trouble:
        return self._verdict.trouble

    @property
    def correction(self) -> int:
        """Seconds that the box goes ahead of the machine's clock."""
        return self._verdict.correction

    @property
    def source(self) -> Source:
        """By whom the box goes."""
        return self._source

    @property
    def synchronised(self) -> bool:
        """Whether a time server or headquarters sets the clock, and nothing is said against it: nobody else can."""
        return self._source in ("server", "headquarters") and self.trouble == ""

    async def begin(self) -> None:
        """Take up the time where the store left it."""
        kept, floor = await self._db.read(lambda tx: (rows.kept(tx), rows.floor(tx)))
        asked = self._machine
        served = self._served(clock.machine())
        found = rules.at_start(
            clock.machine(),
            kept,
            synchronised=served,
            battery=asked.has_battery(),
            boot=asked.boot_name(),
            floor=floor,
        )
        self._told_in = kept.boot if kept else ""
        now = clock.machine() + found.correction
        if not served:
            found = self._by_headquarters(clock.machine(), now, found, floor)
            now = clock.machine() + found.correction
        clock.follow(now, rules.steady_at_start(now, kept))
        self._source = self._whose(served)
        self._go_by(found)
        await self._note()

    async def look(self) -> None:
        """Compare the machine's clock with the time that went by, and with what others say."""
        floor = await self._db.read(rows.floor)
        expected, now = clock.now(), clock.machine()
        served = self._served(now)
        found = rules.while_running(now, expected, self._verdict, synchronised=served, floor=floor)
        if not served:
            found = self._by_headquarters(now, expected, found, floor)
        self._source = self._whose(served)
        stepped = abs(now + found.correction - expected) > rules.JUMP
        self._go_by(found)
        if stepped:
            await self._db.write(lambda tx: actions.moved(tx, int(expected), self._kept()))
        elif clock.elapsed() - self._noted >= NOTE_SECONDS:
            await self._note()
        await self._set_machine()

    async def set(self, actor: Actor, said: float, *, back: bool = False) -> None:
        """Staff say that it is `said`. `back`: although the box has been more than a day further.

        Faults: refused, clock_wrong, clock_before_audit, wrong_state (a time server or headquarters sets the clock).
        """
        floor = await self._db.read(rows.floor)
        found = rules.told(clock.machine(), said, floor=floor, back=back)
        if self.synchronised:
            raise Fault("wrong_state", "a time server sets the clock")
        told_in, far = self._machine.boot_name(), said < floor - rules.BACK
        kept, before = Kept(found.correction, int(said), clock.steady_seconds(), told_in), clock.now_seconds()
        await self._db.write(lambda tx: actions.set_clock(tx, actor, before, kept, back=far))
        self._told_in, self._noted, self._source = told_in, clock.elapsed(), "staff"
        self._go_by(found)
        self._set_at = -SET_AGAIN_SECONDS
        await self._set_machine()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def end(self) -> None:
        """Note the time once more; what comes after goes by the machine's clock again."""
        await self._note()
        clock.let_go()

    def _served(self, now: float) -> bool:
        """Whether to go by the machine's clock because a time server sets it: not where headquarters says otherwise."""
        if not self._machine.synchronised():
            return False
        said = self.heard().now(clock.elapsed())
        return said is None or not rules.apart(now, said)

    def _by_headquarters(self, now: float, expected: float, found: Verdict, floor: float) -> Verdict:
        heard = self.heard()
        said = heard.now(clock.elapsed())
        if said is not None:
            return rules.by_headquarters(now, expected, said, found, floor=floor, signed=heard.signed)
        return rules.by_receipt(now, expected, heard.signed, found) if heard.signed else found

    def _whose(self, served: bool) -> Source:
        if served:
            return "server"
        if self.heard().now(clock.elapsed()) is not None:
            return "headquarters"
        if self._told_in and self._told_in == self._machine.boot_name():
            return "staff"
        return "battery" if self._machine.has_battery() else "machine"

    async def _set_machine(self) -> None:
        """Have the machine go by the box's time. A time server's is left to it; what is in doubt sets nothing."""
        wanted = abs(self.correction) >= SET_SECONDS and self.trouble == "" and not self._machine.synchronised()
        now = clock.elapsed()
        if self.errands is None or not self.errands.possible or not wanted or now - self._set_at < SET_AGAIN_SECONDS:
            return
        self._set_at = now
        try:
            await self.errands.ask("clock", {"at": clock.now()}, ERRAND_SECONDS)
        except Fault as fault:
            log.warning("the machine's clock could not be set: %s", fault.code)
            return
        self._go_by(Verdict(round(clock.now() - clock.machine()), self.trouble))  # none, but for what a write took
        await self._note()

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
