"""A window with a few fields. Its result is what was typed, by the fields' ids; None where nothing is to be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui.words import Words

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One line to type. `id` is its label's too, behind the form's sentence."""

    id: str
    value: str = ""
    longest: int = 60
    secret: bool = False


class FieldsForm(ModalScreen[Values | None]):
    """`sentence`.title and `sentence`.text say what is asked. `wrong`: the id of a sentence, and of a field, or ""."""

    CSS_PATH = "fields_form.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "", show=False, priority=True),
        Binding("tab", "app.focus_next", "", show=False, priority=True),  # as on the sign-in page
        Binding("shift+tab", "app.focus_previous", "", show=False, priority=True),
    ]

    def __init__(
        self,
        words: Words,
        sentence: str,
        fields: Sequence[Field],
        wrong: Callable[[Values], tuple[str, str]] = lambda _: ("", ""),
    ) -> None:
        super().__init__()
        self._words = words
        self._sentence = sentence
        self._fields = fields
        self._wrong = wrong

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._words(f"{self._sentence}.title"), id="title", markup=False)
            yield Static(self._words(f"{self._sentence}.text"), classes="about", markup=False)
            for one in self._fields:
                yield Label(self._words(f"{self._sentence}.{one.id}"), markup=False)
                yield Input(one.value, id=one.id, max_length=one.longest, password=one.secret, compact=True)
            yield Static(id="why", markup=False)
            yield Static(self._words("fields_form.keys"), id="keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """To the next field, and from the last one on its way."""
        event.stop()
        fields = list(self.query(Input))
        at = fields.index(event.input)
        if at + 1 < len(fields):
            fields[at + 1].focus()
            return
        values = {str(one.id): one.value.strip() if not one.password else one.value for one in fields}
        why, where = self._wrong(values)
        if why:
            self.query_one("#why", Static).update(self._words(why))
            self.query_one(f"#{where}", Input).focus()
        else:
            self._leave(values)

    def action_close(self) -> None:
        self._leave(None)

    def _leave(self, values: Values | None) -> None:
        for one in self.query(Input):
            one.clear()
        self.dismiss(values)
