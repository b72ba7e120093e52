"""The two lines at the foot of every page: the box's health; picture, sound and HQ."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from textual.widgets import Static

from appliance.control.types import Health, Sync
from tui.model import Known, busy, ill, share, strained
from tui.words import Words

GAP = "   "


def health_line(health: Health | None, words: Words) -> Text:
    """Load, memory, disk, temperature, uptime; what is wrong is in bold capitals of its own."""
    if health is None:
        return Text(words("status.unknown"))
    wrong = ill(health)
    parts = [
        (words("status.load", load=words.number(health.load, 1), cores=health.cores), busy(health)),
        (_percent("status.memory", health.memory_used, health.memory_total, words), "memory_full" in wrong),
        (
            _percent("status.disk", health.disk_used, health.disk_total, words),
            bool({"disk_full", "disk_low"} & set(wrong)),
        ),
    ]
    if health.temperature is not None:
        degrees = words("status.temperature", degrees=words.number(health.temperature))
        parts.append((degrees, "hot" in wrong))
    parts.append((words("status.uptime", span=words.span(health.uptime_seconds)), False))
    return Text(GAP).join(Text(f"! {part}", "bold reverse") if bad else Text(part) for part, bad in parts)


def sync_words(sync: Sync, words: Words, today: datetime) -> str:
    """How the records travel, in a few words."""
    sentence = sync.state
    if sync.state == "hq_unreachable" and not sync.unreachable_since:
        return words(
            "status.hq_unreachable_tried", tried=words.moment(sync.last_attempt_at, today), n=words.number(sync.queued)
        )
    return words(
        f"status.{sentence}",
        n=words.number(sync.queued),
        receipt=words.moment(sync.last_receipt_at, today),
        since=words.moment(sync.unreachable_since, today),
    )


def relay_words(up: bool, health: Health | None, words: Words) -> Text:
    """Whether picture and sound run, and how much of what the box carries they take."""
    if not up:
        return Text(words("status.relay_down"), "bold reverse")
    if health is None or health.carried is None:
        return Text(words("status.relay_up"))
    line = words("status.relay_carries", percent=words.number(100 * health.carried))
    return Text(f"! {line}", "bold reverse") if strained(health) else Text(line)


class Status(Static):
    """Always there, on every page."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="status", markup=False)
        self._words = words

    def draw(self, known: Known, today: datetime) -> None:
        second = Text()
        if known.box is not None and known.box.state == "unlocked":
            second.append_text(relay_words(known.box.relay_connected, known.health, self._words))
        if known.sync is not None:
            missed = known.sync.state == "hq_unreachable"
            second.append(GAP if second else "")
            second.append(sync_words(known.sync, self._words, today), "bold" if missed else "")
        self.update(Text("\n").join([health_line(known.health, self._words), second]))


def _percent(sentence: str, used: int, total: int, words: Words) -> str:
    return words(sentence, percent=words.number(100 * share(used, total)))
