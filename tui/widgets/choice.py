"""A question with more than two answers. The first one changes nothing and is the default; the id is the result."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.words import Words


class Choice(ModalScreen[str]):
    """`answers`: ids. Of each, `sentence`.id says what it is and `sentence`.id.key its key; Escape and Enter are the
    first."""

    CSS_PATH = "confirm.tcss"

    def __init__(self, words: Words, question: str, sentence: str, answers: tuple[str, ...]) -> None:
        super().__init__()
        self._words = words
        self._question = question
        self._sentence = sentence
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._question, id="question", markup=False)
            lines = [f"{self._key(one).upper()}  {self._words(f'{self._sentence}.{one}')}" for one in self._answers]
            yield Static("\n".join(lines), id="keys", markup=False)

    def _key(self, answer: str) -> str:
        return self._words(f"{self._sentence}.{answer}.key")

    def on_key(self, event: Key) -> None:
        event.stop()
        if event.key in ("escape", "enter"):
            self.dismiss(self._answers[0])
        for answer in self._answers:
            if event.character and event.character.lower() == self._key(answer):
                self.dismiss(answer)
                return
