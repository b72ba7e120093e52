"""Every word the console shows, by id, in the language chosen at start; the sentences are in `tui/sentences`.

Pure but for the time zone, which is an argument (None: that of the machine). Names come from people, so `plain` takes
out what could move the cursor or turn the line round.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Literal

from tui.sentences.en import SENTENCES as ENGLISH
from tui.sentences.es import SENTENCES as SPANISH

Language = Literal["en", "es"]
LANGUAGES: Mapping[Language, Mapping[str, str]] = {"en": ENGLISH, "es": SPANISH}
MAX_NAME = 60  # characters of one name; the box keeps display names to 40
GIB = 1024**3


def choose_language(option: str, environment: Mapping[str, str]) -> Language:
    """`option` if it is given, else the first of LC_ALL, LC_MESSAGES, LANG that is set; English if that is unknown."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    wish = option or next((environment[name] for name in names if environment.get(name)), "")
    return "es" if wish.lower().startswith("es") else "en"


def plain(text: str) -> str:
    """One line without control, direction or other invisible characters, of bounded length."""
    kept = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_NAME])
    kept = " ".join(kept.split())
    return kept if len(kept) <= MAX_NAME else kept[: MAX_NAME - 3] + "..."


class Words:
    """The sentences of one language: `words("today.title")`, with facts by name where the sentence has places."""

    def __init__(self, language: Language, zone: tzinfo | None = None) -> None:
        self.language: Language = language
        self._sentences = LANGUAGES[language]
        self._zone = zone

    @property
    def zone(self) -> tzinfo | None:
        """Where times are shown; None: the machine's own zone."""
        return self._zone

    def __call__(self, sentence: str, /, **facts: object) -> str:
        return self._sentences[sentence].format(**facts)

    def count(self, sentence: str, n: int, **facts: object) -> str:
        """The sentence for one or for many: ids `….one` and `….many`."""
        return self(f"{sentence}.{'one' if n == 1 else 'many'}", n=n, **facts)

    def fault(self, code: str, about: str = "", seconds: int = 0) -> str:
        """The console's own sentence for a fault's code; a code from a newer box is named. `about`: its number or
        version, told where there is a sentence for it. `seconds`: until another try is worth it.
        """
        if code == "too_many_tries" and seconds:
            return self("fault.too_soon", wait=self.wait(seconds))
        more = f"fault_about.{code}"
        told = self._coded("fault", code)
        return f"{told} {self(more, about=plain(about))}" if about and more in self._sentences else told

    def stick_fault(self, code: str) -> str:
        """Why a stick was not carried: by the log's fault, or the box's own."""
        return self.sync_fault(code) if f"sync_fault.{code}" in self._sentences else self.fault(code)

    def sync_fault(self, code: str) -> str:
        """Why sending does not go on, by the courier's fault code."""
        return self._coded("sync_fault", code)

    def pack_fault(self, code: str) -> str:
        """Why what HQ sent is not applied, by the fault's code."""
        return self._coded("pack_fault", code)

    def clock(self, at: str) -> str:
        """The time of day of an RFC 3339 moment, where the machine stands; "" for none."""
        moment = self._local(at)
        return self._clock(moment) if moment else ""

    def moment(self, at: str, today: datetime) -> str:
        """As `clock`, with the day where that is not `today`'s; "never" for none."""
        moment = self._local(at)
        if moment is None:
            return self("time.never")
        if moment.date() == today.astimezone(self._zone).date():
            return self._clock(moment)
        month = self("time.months").split()[moment.month - 1]
        return self("time.day", day=moment.day, month=month, clock=self._clock(moment))

    def whole(self, at: str) -> str:
        """As `moment`, always with day and year; "never" for none."""
        moment = self._local(at)
        if moment is None:
            return self("time.never")
        month = self("time.months").split()[moment.month - 1]
        return self("time.whole", day=moment.day, month=month, year=moment.year, clock=self._clock(moment))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the language's decimal sign."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "es" else text

    def gib(self, used: int, total: int) -> str:
        """Two sizes in bytes as "3.0 of 7.8 GB" (2^30 bytes, as the clinic's other machines show them)."""
        return self("unit.of_gb", used=self.number(used / GIB, 1), total=self.number(total / GIB, 1))

    def wait(self, seconds: int) -> str:
        """How long to wait: in seconds, from 100 s on in minutes, never too short."""
        return self("unit.seconds", seconds=seconds) if seconds < 100 else self.span(seconds + 59)

    def span(self, seconds: int) -> str:
        """A duration in its two largest units."""
        minutes = max(0, seconds) // 60
        days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
        if days:
            return self("unit.days", days=days, hours=hours)
        return self("unit.hours", hours=hours, minutes=minutes) if hours else self("unit.minutes", minutes=minutes)

    def _coded(self, kind: str, code: str) -> str:
        known = f"{kind}.{code}"
        return self(known) if known in self._sentences else self(f"{kind}.unknown", code=plain(code))

    def _local(self, at: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return moment.astimezone(self._zone) if moment.tzinfo else None

    def _clock(self, moment: datetime) -> str:
        if self.language == "es":
            return f"{moment.hour}:{moment.minute:02}"
        return f"{(moment.hour - 1) % 12 + 1}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"
