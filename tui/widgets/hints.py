"""The line of keys: what can be done here and now. A label can be clicked too."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui.commands import Command
from tui.words import Words

KEY_NAMES = {"question_mark": "?", "escape": "Esc", "enter": "Enter", "tab": "Tab", "up/down": "Up/Down"}


def key_name(key: str) -> str:
    """A key as people read it: ? for question_mark, ^P for ctrl+p, V for v, F1 for f1."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return KEY_NAMES.get(key, key.upper())


class Hints(Static):
    """`extra` are the page's own keys, (key, sentence id); then come the commands that are offered."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="hints", markup=False)
        self._words = words

    def draw(self, extra: Sequence[tuple[str, str]], commands: Sequence[Command], *, typing: bool = False) -> None:
        parts = [self._part(key, sentence) for key, sentence in extra]
        parts += [
            self._part(command.keys[-1 if typing else 0], f"command.{command.id}", command.id)
            for command in commands
            if command.hint
        ]
        self.update(Content("  ").join(parts))

    def _part(self, key: str, sentence: str, command: str = "") -> Content:
        # No-break spaces keep a key and its label on one line.
        label = self._words(sentence).replace(" ", "\N{NO-BREAK SPACE}")
        shown = "[bold reverse]$key[/]\N{NO-BREAK SPACE}$label"
        if command:
            shown = f"[@click=app.do('{command}')]{shown}[/]"
        return Content.from_markup(shown, key=key_name(key), label=label)
