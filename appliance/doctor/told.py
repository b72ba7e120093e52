"""The figures as numbered lines that can be read out on the telephone or photographed, in English and Spanish. Pure.

Each line: its number, `ok`, `NO` (needs somebody) or `?` (could not be seen), then what it is about. Made from whole
numbers alone, so there is no name in it: no clinic, no person, no Wi-Fi, and of an address the last of its four parts,
which says whether a router gave one and which device it is on a paper list, and nothing to anybody else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from appliance.doctor import figures
from appliance.doctor.figures import Figures
from appliance.doctor.phrases import PHRASES

Language = Literal["en", "es"]
Mark = Literal["ok", "NO", "?"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = 76  # characters of a line, its number included: a terminal of 80 and a photograph of it
DAYS_LOW = 14  # left of a certificate
DISK_LOW, MEMORY_LOW = 10, 8  # percent free
CARD_WORN = 80  # percent of its life
HOT = 80  # °C, where a Pi slows itself down
CLOCK_OFF = 120  # seconds from headquarters' clock
SILENT_HOURS = 7 * 24
FULL = 95  # percent of what the box carries
OLD_DAYS = 365  # of a release


class Told:
    """One text. `lines`: with number and mark in front. `bad`: the numbers of those that need somebody."""

    def __init__(self, found: Figures, language: Language) -> None:
        self._found, self._words = found, PHRASES[language]
        self._language = language
        made = [
            self._box(),
            self._network(),
            self._headquarters(),
            self._clock(),
            self._certificates(),
            self._disk(),
            self._card(),
            self._processor(),
            self._memory(),
            self._release(),
            self._records(),
            self._rooms(),
            self._backup(),
        ]
        self.lines = tuple(f"{number:>2} {mark:<2} {text}" for number, (mark, text) in enumerate(made, 1))
        self.bad = tuple(number for number, (mark, _) in enumerate(made, 1) if mark == "NO")
        self.code = figures.code(found)
        self.words = figures.words(self.code, language)

    def _say(self, phrase: str, **facts: object) -> str:
        return self._words[phrase].format(**facts)

    def _number(self, value: float) -> str:
        text = f"{value:.1f}"
        return text.replace(".", ",") if self._language == "es" else text

    def _days(self, value: int) -> str:
        if value < 0:
            return self._words["unknown"]
        return self._say("day" if value == 1 else "days", count=value)

    def _gib(self, mib: int) -> str:
        return self._number(mib / 1024)

    def _choice(self, of: str, value: int) -> str:
        """The phrase of a value of a small field, "unknown" where it is none."""
        return self._words.get(f"{of}_{value}", self._words["unknown"])

    # -- the lines -------------------------------------------------------------------------------------------------

    def _box(self) -> tuple[Mark, str]:
        found = self._found
        number = ".".join("?" if part < 0 else str(part) for part in (found.major, found.minor, found.patch))
        age = "" if found.release_days < 0 else self._say("release_age", days=self._days(found.release_days))
        state = self._choice("running", found.running)
        up = "" if found.up_hours < 0 else self._say("up", days=found.up_hours // 24, hours=found.up_hours % 24)
        mark: Mark = "?" if found.running < 0 else "NO" if found.running in (0, 2) else "ok"
        return mark, self._say("box", version=number, age=age, state=state, up=up)

    def _network(self) -> tuple[Mark, str]:
        found = self._found
        rate = "" if found.mbps < 0 else self._say("rate", mbps=found.mbps)
        if found.address_kind == 1 and found.address >= 0:
            address = self._say("address", last=found.address)
        else:
            address = self._choice("address_kind", found.address_kind)
        gateway = self._choice("gateway", found.gateway)
        wrong = found.line == 0 or found.address_kind in (0, 2) or (found.gateway == 0 and found.line != 2)
        mark: Mark = "?" if found.line < 0 else "NO" if wrong else "ok"
        return mark, self._say(
            "network", line=self._choice("line", found.line), rate=rate, address=address, gateway=gateway
        )

    def _headquarters(self) -> tuple[Mark, str]:
        found = self._found
        if found.hq <= 0:
            return ("?", self._words["hq_unknown"]) if found.hq < 0 else ("ok", self._words["hq_0"])
        hours = found.hq_hours
        heard = self._words["never"] if hours < 0 else self._span(hours)
        fault = "" if found.hq_fault <= 0 else self._choice("fault", found.hq_fault)
        bad = hours < 0 or hours > SILENT_HOURS or found.hq_fault > 0
        return "NO" if bad else "ok", self._say(
            "headquarters", state=self._choice("hq", found.hq), heard=heard, fault=fault
        )

    def _clock(self) -> tuple[Mark, str]:
        found = self._found
        moment = self._words["unknown"]
        if found.clock_minutes >= 0:
            moment = (EPOCH + timedelta(minutes=found.clock_minutes)).strftime("%Y-%m-%d %H:%M")
        off = ""
        if found.clock_off is not None and abs(found.clock_off) >= CLOCK_OFF:
            off = self._say("off", minutes=round(found.clock_off / 60))
        bad = found.clock in (1, 2, 3, 6) or off != ""
        mark: Mark = "?" if found.clock in (-1, 4, 5) and not bad else "NO" if bad else "ok"
        return mark, self._say(
            "clock",
            moment=moment,
            source=self._choice("clock_from", found.clock_from),
            trouble=self._choice("clock", found.clock),
            off=off,
        )

    def _certificates(self) -> tuple[Mark, str]:
        found = self._found
        left = [one for one in (found.portal_days, found.name_days, found.courier_days) if one >= 0]
        name = self._say("name_days", days=self._days(found.name_days)) if found.name_days >= 0 else ""
        courier = self._say("courier_days", days=self._days(found.courier_days)) if found.courier_days >= 0 else ""
        mark: Mark = "?" if not left else "NO" if min(left) < DAYS_LOW else "ok"
        return mark, self._say("certificates", days=self._days(found.portal_days), name=name, courier=courier)

    def _disk(self) -> tuple[Mark, str]:
        found = self._found
        if found.disk_percent < 0:
            return "?", self._say("disk_unknown")
        bad = found.disk_percent < DISK_LOW or found.store > 0
        trouble = self._choice("store", found.store) if found.store > 0 else ""
        return "NO" if bad else "ok", self._say(
            "disk", percent=found.disk_percent, gib=self._gib(found.disk_mib), trouble=trouble
        )

    def _card(self) -> tuple[Mark, str]:
        found = self._found
        used = self._words["wear_unknown"] if found.card_used < 0 else self._say("wear", percent=found.card_used)
        errors = "" if found.card_errors < 0 else self._say("errors", count=found.card_errors)
        written = "" if found.card_written < 0 else self._say("written", gib=found.card_written)
        bad = found.card_used >= CARD_WORN or found.card_errors > 0
        mark: Mark = "NO" if bad else "?" if found.card_used < 0 and found.card_errors < 0 else "ok"
        return mark, self._say("card", kind=self._choice("card", found.card), used=used, errors=errors, written=written)

    def _processor(self) -> tuple[Mark, str]:
        found = self._found
        degrees = self._words["unknown"] if found.degrees < 0 else f"{found.degrees} °C"
        bad = found.degrees >= HOT or found.throttled > 0
        mark: Mark = "NO" if bad else "?" if found.degrees < 0 else "ok"
        return mark, self._say("processor", degrees=degrees, throttled=self._choice("throttled", found.throttled))

    def _memory(self) -> tuple[Mark, str]:
        found = self._found
        if found.memory_total <= 0 or found.memory_mib < 0:
            return "?", self._say("memory_unknown")
        low = 100 * found.memory_mib < MEMORY_LOW * found.memory_total
        return "NO" if low else "ok", self._say(
            "memory", free=self._gib(found.memory_mib), total=self._gib(found.memory_total)
        )

    def _release(self) -> tuple[Mark, str]:
        found = self._found
        slot = self._choice("slot", found.slot)
        if found.fell_back == 1:
            return "NO", self._say("fell_back", slot=slot)
        if found.trial == 1:
            return "ok", self._say("trial", slot=slot)
        waits = self._choice("update", max(0, found.update))
        old = found.release_days > OLD_DAYS or found.update == 2
        if found.slot < 0:
            return "NO" if old else "ok", self._say("release_alone", update=waits)
        return "NO" if old else "ok", self._say("release", slot=slot, update=waits)

    def _records(self) -> tuple[Mark, str]:
        found = self._found
        if found.hq == 0:
            return "ok", self._say("records_none")
        if found.queued < 0:
            return "?", self._say("records_unknown")
        last = self._words["never"] if found.receipt_days < 0 else self._say("ago", days=self._days(found.receipt_days))
        old = found.queued > 0 and (found.receipt_days < 0 or found.receipt_days > SILENT_HOURS // 24)
        return "NO" if old else "ok", self._say("records", count=found.queued, last=last)

    def _rooms(self) -> tuple[Mark, str]:
        found = self._found
        if found.running != 3:
            return "?", self._say("rooms_closed")
        full = "" if found.carried < 0 else self._say("carried", percent=found.carried)
        source = self._choice("capacity", found.capacity)
        bad = found.relay == 0 or found.carried >= FULL
        return "NO" if bad else "ok", self._say(
            "rooms", relay=self._choice("relay", found.relay), people=max(0, found.people), carried=full, source=source
        )

    def _backup(self) -> tuple[Mark, str]:
        found = self._found
        if found.backup <= 0:
            return "?", self._say("backup_unknown")
        if found.backup == 1:
            return "NO", self._say("backup_none")
        return "NO" if found.backup == 3 else "ok", self._say("backup", days=self._days(found.backup_days))

    def _span(self, hours: int) -> str:
        if hours < 48:
            return self._say("hours", count=hours)
        return self._say("ago", days=self._days(hours // 24))
