"""Where people find the portal: its address, the code of it to scan, and the first steps of a new clinic."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.page import Page
from tui.widgets.address import Portal


class PortalPage(Page):
    """The last page of set-up, whenever somebody wants it again."""

    CSS_PATH = "portal.tcss"
    aside = True
    title_id = "portal.title"

    def body(self) -> Iterable[Widget]:
        yield Portal(self.words)

    def draw(self) -> None:
        self.query_one(Portal).show(self.known.box.addresses if self.known.box else ())
