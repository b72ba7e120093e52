"""How the box is, in full."""

from __future__ import annotations

from appliance.control.types import Box, Health
from tui.model import NeedKind, busy, ill, share, strained
from tui.screens.facts import Fact, FactsPage, bar
from tui.words import plain


class HealthPage(FactsPage):
    """Load, memory, disk, temperature, uptime; the relay, the portal's addresses, the version."""

    title_id = "health.title"

    def facts(self) -> list[Fact]:
        made = self._health(self.known.health) if self.known.health else []
        return made + (self._box(self.known.box) if self.known.box else [])

    def remark(self) -> str:
        return "" if self.known.health else self.words("health.unknown")

    def _health(self, health: Health) -> list[Fact]:
        words, wrong = self.words, ill(health)
        fine = words("health.fine")
        memory, disk = share(health.memory_used, health.memory_total), share(health.disk_used, health.disk_total)
        degrees, hot = words("health.no_temperature"), ""
        if health.temperature is not None:
            degrees = words("status.temperature", degrees=words.number(health.temperature, 1))
            hot = words("health.hot") if "hot" in wrong else fine
        load = words("health.load_value", load=words.number(health.load, 2), cores=health.cores)
        return [
            (words("health.load"), load, words("health.busy") if busy(health) else fine),
            (
                words("health.memory"),
                f"{bar(memory)} {words.gib(health.memory_used, health.memory_total)}",
                words("health.full") if "memory_full" in wrong else fine,
            ),
            (
                words("health.disk"),
                f"{bar(disk)} {words.gib(health.disk_used, health.disk_total)}",
                self._disk(health, wrong),
            ),
            (words("health.temperature"), degrees + self._throttled(health), hot),
            (words("health.uptime"), words.span(health.uptime_seconds), ""),
        ]

    def _throttled(self, health: Health) -> str:
        """That the processor was slowed down, where the machine tells."""
        word = {"before": "health.throttled_before", "now": "health.throttled_now"}.get(health.throttled or "")
        return f"  {self.words(word)}" if word else ""

    def _disk(self, health: Health, wrong: tuple[NeedKind, ...]) -> str:
        """The card's own trouble before a full one: the first is an end, the second is not."""
        word = {"failing": "health.card_failing", "worn": "health.card_worn"}.get(health.card)
        return self.words(word or ("health.full" if {"disk_full", "disk_low"} & set(wrong) else "health.fine"))

    def _capacity(self, health: Health) -> tuple[str, str]:
        """What of it is in use, and where the figure of what the box carries comes from."""
        words = self.words
        source = words(f"health.capacity_{health.capacity}")
        if health.carried is None:
            return words("health.capacity_unknown"), source
        in_use = words("health.capacity_value", percent=words.number(100 * health.carried), people=health.people)
        return f"{bar(min(1.0, health.carried))} {in_use}", words("health.full") if strained(health) else source

    def _newer(self, box: Box) -> str:
        """That HQ told of another release than the one that runs."""
        sync = self.known.sync
        if sync is None or sync.update in ("", box.version):
            return ""
        return self.words("hq.release_there", release=plain(sync.update), since=plain(sync.update_since))

    def _box(self, box: Box) -> list[Fact]:
        words = self.words
        relay = words("health.relay_up" if box.relay_connected else "health.relay_down")
        health = self.known.health
        limit = [] if health is None else [(words("health.capacity"), *self._capacity(health))]
        addresses = [
            (words("health.addresses") if not n else "", plain(one), "") for n, one in enumerate(box.addresses)
        ]
        return [
            ("", "", ""),
            (words("health.relay"), relay, ""),
            *limit,
            *addresses,
            (words("health.version"), box.version, self._newer(box)),
        ]
