"""The line of keys: what can be done here and now. A label can be clicked too."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui.commands import Command
from tui.words import Words

NAMED_KEYS = ("escape", "enter", "tab", "arrows", "space")
MOST_LINES = 3  # what the style sheet leaves room for
# What is not shown first where the keys are too many for their lines; help and palette have all of them.
SPARE = ("sync", "health", "today", "end", "show_card", "extra.arrows", "remove", "message")
SIGNS = {"question_mark": "?", "exclamation_mark": "!"}


def key_name(key: str, words: Words) -> str:
    """A key as people read it: ? for question_mark, ^P for ctrl+p, V for v, F1 for f1, Intro for enter in Spanish."""
    if key in NAMED_KEYS:
        return words(f"key.{key}")
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return SIGNS.get(key) or key.upper()


class Hints(Static):
    """`extra` are the page's own keys, (key, sentence id); then come the commands that are offered."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="hints", markup=False)
        self._words = words
        self._parts: dict[str, Content] = {}

    def draw(self, extra: Sequence[tuple[str, str]], commands: Sequence[Command], *, typing: bool = False) -> None:
        self._parts = {f"extra.{key}": self._part(key, sentence) for key, sentence in extra}
        self._parts |= {
            command.id: self._part(command.keys[-1 if typing else 0], f"command.{command.id}", command.id)
            for command in commands
            if command.hint
        }
        self._lay_out()

    def speak(self, words: Words) -> None:
        """From the next drawing on in that language."""
        self._words = words

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Lines that never part a key from its label; where there are too many, without what can best be spared."""
        width, parts = self.content_size.width or 78, dict(self._parts)
        lines = broken(list(parts.values()), width)
        for spare in SPARE:
            if len(lines) <= MOST_LINES:
                break
            parts.pop(spare, None)
            lines = broken(list(parts.values()), width)
        self.update(Content("\n").join(Content("  ").join(line) for line in lines))

    def _part(self, key: str, sentence: str, command: str = "") -> Content:
        shown = "[bold reverse]$key[/] $label"
        if command:
            shown = f"[@click=app.do('{command}')]{shown}[/]"
        return Content.from_markup(shown, key=key_name(key, self._words), label=self._words(sentence))


def broken(parts: Sequence[Content], width: int) -> list[list[Content]]:
    """The parts in lines of that many cells, two cells between two of them."""
    lines: list[list[Content]] = [[]]
    room = width
    for part in parts:
        if lines[-1] and part.cell_length > room:
            lines.append([])
            room = width
        lines[-1].append(part)
        room -= part.cell_length + 2
    return lines
