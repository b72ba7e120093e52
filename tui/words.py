"""Every word the console shows, by id, in the language chosen at start; the sentences are in `tui/locale`.

A catalogue lacks a sentence: it comes in English, and the others stay. Pure but for the catalogues, read once at start,
and the time zone, which is an argument (None: that of the machine). Names come from people, so `plain` takes out what
could move the cursor or turn the line round.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path

import babel.dates
import babel.numbers
from babel import Locale

Language = str  # a folder of `tui/locale`
DOMAIN = "console"
FALLBACK: Language = "en"
FOLDER = Path(__file__).parent / "locale"
LANGUAGES: tuple[Language, ...] = tuple(sorted(path.parts[-3] for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))
MAX_NAME = 60  # characters of one name; the box keeps display names to 40
GIB = 1024**3
# What CLDR puts between an hour and its AM; a bare terminal has no glyph for them.
_NARROW = str.maketrans({"\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " "})


def choose_language(option: str, environment: Mapping[str, str]) -> Language:
    """`option` if it is given, else the first of LC_ALL, LC_MESSAGES, LANG that is set; English if that is unknown."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    wish = option or next((environment[name] for name in names if environment.get(name)), "")
    return next((one for one in LANGUAGES if wish.lower().startswith(one)), FALLBACK)


def plain(text: str) -> str:
    """One line without control, direction or other invisible characters, of bounded length."""
    kept = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_NAME])
    kept = " ".join(kept.split())
    return kept if len(kept) <= MAX_NAME else kept[: MAX_NAME - 3] + "..."


class Words:
    """The sentences of one language: `words("today.title")`, with facts by name where the sentence has places."""

    def __init__(self, language: Language, zone: tzinfo | None = None) -> None:
        self.language: Language = language
        # Without the language itself there is English, without that the ids: a console that can be read somehow.
        self._catalogue = gettext.translation(DOMAIN, FOLDER, [language, FALLBACK], fallback=True)
        self._locale = Locale.parse(language)
        self._zone = zone

    @property
    def zone(self) -> tzinfo | None:
        """Where times are shown; None: the machine's own zone."""
        return self._zone

    def __call__(self, sentence: str, /, **facts: object) -> str:
        return self._catalogue.gettext(sentence).format(**facts)

    def has(self, sentence: str) -> bool:
        """Whether there are words for this id, in English at least."""
        return self._catalogue.gettext(sentence) != sentence

    def count(self, sentence: str, n: int, **facts: object) -> str:
        """The sentence in the language's form for `n`: ids `….one` and `….many` in the catalogue."""
        return self._catalogue.ngettext(f"{sentence}.one", f"{sentence}.many", n).format(n=self.number(n), **facts)

    def fault(self, code: str, about: str = "", seconds: int = 0) -> str:
        """The console's own sentence for a fault's code; a code from a newer box is named. `about`: its number or
        version, told where there is a sentence for it. `seconds`: until another try is worth it.
        """
        if code == "too_many_tries" and seconds:
            return self("fault.too_soon", wait=self.wait(seconds))
        more = f"fault_about.{code}"
        told = self._coded("fault", code)
        return f"{told} {self(more, about=plain(about))}" if about and self.has(more) else told

    def stick_fault(self, code: str) -> str:
        """Why a stick was not carried: by the log's fault, or the box's own."""
        return self.sync_fault(code) if self.has(f"sync_fault.{code}") else self.fault(code)

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
        day = babel.dates.format_skeleton("MMMd", moment, tzinfo=moment.tzinfo, locale=self._locale)
        return self("time.day", day=day.translate(_NARROW), clock=self._clock(moment))

    def whole(self, at: str) -> str:
        """As `moment`, always with day and year; "never" for none."""
        moment = self._local(at)
        if moment is None:
            return self("time.never")
        day = babel.dates.format_date(moment, "medium", locale=self._locale)
        return self("time.day", day=day.translate(_NARROW), clock=self._clock(moment))

    def number(self, value: float, digits: int = 0) -> str:
        """A number as the language writes it, with so many digits after its decimal sign."""
        form = f"#,##0.{'0' * digits}" if digits else "#,##0"
        return babel.numbers.format_decimal(value, form, self._locale).translate(_NARROW)

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
        return self(known) if self.has(known) else self(f"{kind}.unknown", code=plain(code))

    def _local(self, at: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return moment.astimezone(self._zone) if moment.tzinfo else None

    def _clock(self, moment: datetime) -> str:
        shown = babel.dates.format_time(moment, "short", tzinfo=moment.tzinfo, locale=self._locale)
        return shown.translate(_NARROW)
