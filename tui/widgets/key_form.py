"""A window for one secret: a passphrase, once or twice, or the words of a sheet. What was typed is its result.

The fields are wiped when it closes, and a sign-out closes it: nothing typed stays on a screen that nobody watches.
"""

from __future__ import annotations

from typing import ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui.words import Words

LONGEST = 256  # characters
LONGEST_LABEL = 40
SHORTEST = 12  # characters of a new passphrase; the box asks for the same

Given = tuple[str, str]  # the secret, the label


class KeyForm(ModalScreen[Given | None]):
    """`sentence`.title and `sentence`.text say what is asked. `twice`: a new passphrase, `label`: with a name."""

    CSS_PATH = "key_form.tcss"
    AUTO_FOCUS = "Input"
    # With priority they act before the next key is given to a field, as on the sign-in page: over a slow line a label,
    # Enter and a passphrase in one piece must not put the passphrase into the label, in clear.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "", show=False, priority=True),
        Binding("tab", "app.focus_next", "", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "", show=False, priority=True),
        Binding("enter", "go_on", "", show=False, priority=True),
    ]

    def __init__(
        self, words: Words, sentence: str, *, twice: bool = False, label: bool = False, masked: bool = True
    ) -> None:
        super().__init__()
        self._words = words
        self._sentence = sentence
        self._twice = twice
        self._label = label
        self._masked = masked

    def compose(self) -> ComposeResult:
        words = self._words
        with Vertical(id="box"):
            yield Static(words(f"{self._sentence}.title"), id="title", markup=False)
            yield Static(words(f"{self._sentence}.text"), markup=False)
            if self._label:
                yield Label(words("keys.form.label"), markup=False)
                yield Input(id="label", compact=True, max_length=LONGEST_LABEL)
            yield Label(words("keys.form.words" if not self._masked else "keys.form.secret"), markup=False)
            yield Input(password=self._masked, id="secret", compact=True, max_length=LONGEST)
            if self._twice:
                yield Label(words("keys.form.again"), markup=False)
                yield Input(password=True, id="again", compact=True, max_length=LONGEST)
            yield Static(id="why", markup=False)
            yield Static(words("keys.form.keys"), id="keys", markup=False)

    def action_go_on(self) -> None:
        """To the next field; from the last one the key takes its usual way, behind what was typed before it."""
        fields = list(self.query(Input))
        if self.focused is fields[-1]:
            raise SkipAction
        at = fields.index(self.focused) if self.focused in fields else -1
        self.set_focus(fields[at + 1])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        secret = self.query_one("#secret", Input).value
        why = self._refusal(secret)
        self.query_one("#why", Static).update(why)
        if not why:
            label = self.query_one("#label", Input).value.strip() if self._label else ""
            self._leave((secret, label))

    def action_close(self) -> None:
        self._leave(None)

    def _refusal(self, secret: str) -> str:
        if self._twice and len(secret) < SHORTEST:
            return self._words("fault.weak_passphrase")
        if self._twice and self.query_one("#again", Input).value != secret:
            self.query_one("#again", Input).clear()
            return self._words("keys.form.differ")
        return "" if secret.strip() else self._words("keys.form.empty")

    def _leave(self, given: Given | None) -> None:
        for field in self.query(Input):
            field.clear()
        self.dismiss(given)
