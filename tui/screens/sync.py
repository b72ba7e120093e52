"""How the sealed records travel to HQ, in full."""

from __future__ import annotations

from tui.screens.facts import Fact, FactsPage
from tui.screens.headquarters import packs


class SyncPage(FactsPage):
    """State, queue, last receipt, last attempt, last fault."""

    title_id = "sync.title"

    def facts(self) -> list[Fact]:
        sync, words = self.known.sync, self.words
        if sync is None:
            return []
        today = self.now()
        made = [
            (words("sync.state"), words(f"sync.{sync.state}"), ""),
            (words("sync.queued"), words.count("sync.records", sync.queued), ""),
            (words("sync.last_receipt"), words.moment(sync.last_receipt_at, today), ""),
            (words("sync.last_attempt"), words.moment(sync.last_attempt_at, today), ""),
        ]
        if sync.unreachable_since:
            made.append((words("sync.since"), words.moment(sync.unreachable_since, today), ""))
        return [
            *made,
            (words("sync.fault"), words.sync_fault(sync.fault) if sync.fault else words("sync.no_fault"), ""),
            *packs(sync, words, today),
        ]

    def remark(self) -> str:
        return self.words("sync.about") if self.known.sync else self.words("health.unknown")
