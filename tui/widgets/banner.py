"""The lines under the head: what just happened, and whether the line to the box is down. Words say the kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.text import Text
from textual.widgets import Static

from tui.model import Known, clock_wrong
from tui.words import Words

Kind = Literal["note", "look", "fault"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: `note` went well, `look` wants eyes, `fault` was not done. `text` is ready to show."""

    kind: Kind
    text: str


class Banner(Static):
    """Empty and invisible while there is nothing to say."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="banner", markup=False)
        self._words = words

    def draw(self, known: Known, notice: Notice | None) -> None:
        lines: list[tuple[str, str, str]] = []
        if known.lost_at and not known.reached:
            lost = self._words("banner.lost", clock=self._words.clock(known.lost_at))
            why = "" if known.trouble == "away" else " " + self._words.fault(known.trouble)
            lines.append(("bold red", self._words("banner.line"), lost + why))
        if clock_wrong(known.box):
            lines.append(("bold yellow", self._words("banner.look"), self._words("banner.clock")))
        if notice is not None:
            style = {"note": "bold green", "look": "bold yellow", "fault": "bold red"}[notice.kind]
            lines.append((style, self._words(f"banner.{notice.kind}"), notice.text))
        self.display = bool(lines)
        text = Text("\n").join(Text.assemble((mark, f"{style} reverse"), " ", words) for style, mark, words in lines)
        self.update(text)
