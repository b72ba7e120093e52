"""What all pages of set-up share: which step it is, fields that Enter leads through, Escape one step back.

A page posts what was typed (`Given`) and shows what the walk holds; it asks the box for nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.model import Known
from tui.screens.page import Frame, Page
from tui.setting_up import NUMBERS, STEPS, Walk, Where
from tui.widgets.hints import Hints

MAX_SECRET = 256


class Given(Message):
    """A page of set-up was filled in. `values`: by the fields' names."""

    def __init__(self, where: Where, values: dict[str, str]) -> None:
        super().__init__()
        self.where = where
        self.values = values


class Back(Message):
    """One step back."""


class Said(Message):
    """Something about what was typed, for the banner: the id of a sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


SECRET_HINTS = (
    ("enter", "setup.hint.on"),
    ("tab", "hint.next_field"),
    ("ctrl+r", "setup.hint.reveal"),
    ("escape", "setup.hint.back"),
)


class SetupPage(Page):
    """Subclasses name `where`, compose `body`, and may look at what was typed in `wrong`."""

    CSS_PATH = "setup.tcss"
    typing = True
    where: ClassVar[Where]
    fields: ClassVar[tuple[str, ...]] = ()
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "setup.hint.on"),
        ("tab", "hint.next_field"),
        ("escape", "setup.hint.back"),
    )
    # With priority they act before the next key is given to a field, as on the sign-in page.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_field(1)", "", show=False, priority=True),
        Binding("shift+tab", "next_field(-1)", "", show=False, priority=True),
        Binding("enter", "leave_field", "", show=False, priority=True),
        Binding("escape", "screen.back", "", show=False),
        Binding("ctrl+r", "screen.reveal", "", show=False, priority=True),
    ]

    def __init__(self, frame: Frame, walk: Walk) -> None:
        super().__init__(frame)
        self.walk = walk
        self.title_id = f"setup.{self.where}.title"  # type: ignore[misc]

    def headline(self, known: Known) -> str:
        title = self.words(self.title_id)
        number = NUMBERS.get(self.where)
        return self.words("setup.head", n=number, all=STEPS, title=title) if number else title

    def draw_hints(self) -> None:
        self.query_one(Hints).draw(self.extra_hints, (), typing=True)

    def draw(self) -> None:
        """The page is the same whatever is known of the rest of the box."""

    def told(self) -> None:
        """The walk holds something new."""
        self.draw()

    # -- parts

    def about(self, *sentences: str, **facts: object) -> Iterable[Widget]:
        """Sentences by their ids, a paragraph each."""
        for sentence in sentences:
            yield Static(self.words(sentence, **facts), classes="about", markup=False)

    def field(self, name: str, value: str = "", *, secret: bool = False, most: int = 80) -> Iterable[Widget]:
        """A label and its field."""
        yield Label(self.words(f"setup.{self.where}.{name}"), markup=False)
        longest = MAX_SECRET if secret else most
        kind = "secret" if secret else ""
        yield Input(
            value, password=secret, id=name, classes=kind, select_on_focus=False, compact=True, max_length=longest
        )

    def value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    # -- keys

    def action_next_field(self, way: int) -> None:
        (self.focus_next if way > 0 else self.focus_previous)("Input, OptionList")

    def action_leave_field(self) -> None:
        """To the next field; from the last one the key takes its usual way, behind what was typed before it."""
        fields = [self.query_one(f"#{name}", Input) for name in self.fields]
        if self.focused not in fields[:-1]:
            raise SkipAction
        self.set_focus(fields[fields.index(self.focused) + 1])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.go_on()

    def action_back(self) -> None:
        self.post_message(Back())

    def action_reveal(self) -> None:
        """Show what is typed, or hide it again: a keyboard of another country has its letters elsewhere."""
        for field in self.query(Input):
            if field.has_class("secret"):
                field.password = not field.password

    # -- handing on

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        """The sentence and the field of what cannot be right; ("", "") where nothing is."""
        empty = next((name for name in self.fields if not values[name].strip()), "")
        return ("setup.empty", empty) if empty else ("", "")

    def go_on(self) -> None:
        """Hand over what the fields hold, if it can be right."""
        values = {name: self.value(name) for name in self.fields}
        sentence, name = self.wrong(values)
        if sentence:
            self.post_message(Said(sentence))
            self.set_focus(self.query_one(f"#{name}", Input))
            for one in self.fields[self.fields.index(name) :]:  # a secret that was wrong, and its repetition
                if all(self.query_one(f"#{field}", Input).has_class("secret") for field in (name, one)):
                    self.query_one(f"#{one}", Input).clear()
        else:
            self.give(values)

    def give(self, values: dict[str, str] | None = None) -> None:
        self.post_message(Given(self.where, values or {}))
