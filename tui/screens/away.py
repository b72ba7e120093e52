"""The first moment: the box has not told anything yet."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Static

from tui.screens.page import Page


class AwayPage(Page):
    """Says that the console is looking; goes on by itself."""

    title_id = "away.title"
    extra_hints = ()

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("away.text"), classes="about", markup=False)
        yield Static(self.words("away.wait"), markup=False)

    def draw(self) -> None:
        """Nothing is known that could be drawn."""
