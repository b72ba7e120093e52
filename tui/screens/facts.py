"""A page that is a list of facts: a label, a value, and a word on whether that is well."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from tui.screens.page import Page

Fact = tuple[str, str, str]  # label, value, verdict; a verdict in capitals is a bad one
BAR = 20  # cells of a bar


def bar(share: float) -> str:
    """A share as [####......], readable without colour."""
    full = round(BAR * share)
    return f"[{'#' * full}{'.' * (BAR - full)}]"


class FactsPage(Page):
    """Subclasses give `facts` and perhaps a last `remark`."""

    CSS_PATH = "facts.tcss"
    aside = True

    def facts(self) -> list[Fact]:
        """What to list."""
        raise NotImplementedError

    def remark(self) -> str:
        """A sentence under the list."""
        return ""

    def body(self) -> Iterable[Widget]:
        yield Static(id="facts", markup=False)
        yield Static(id="remark", markup=False)

    def draw(self) -> None:
        table = Table.grid(padding=(0, 2))
        for label, value, verdict in self.facts():
            table.add_row(Text(label), Text.assemble(value, ("   " + verdict, "bold" if verdict.isupper() else "")))
        self.query_one("#facts", Static).update(table)
        self.query_one("#remark", Static).update(self.remark())
