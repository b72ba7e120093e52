"""Which keyboard is before the box's own screen: a list, and a field in which the keys are tried at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import KEYBOARDS
from tui.screens.setup.page import SetupPage

# Latin America has more clinics and people than Spain; both stand side by side in the list.
USUAL = {"en": "us", "es": "latam"}


class KeyboardPage(SetupPage):
    """Enter in the list takes a keyboard up, Enter in the field goes on with the one in use."""

    where = "keyboard"
    AUTO_FOCUS = "#layout"
    extra_hints = (("arrows", "setup.hint.choose"), ("enter", "setup.hint.on"), ("escape", "setup.hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.move(-1)", "", show=False, priority=True),
        Binding("down", "screen.move(1)", "", show=False, priority=True),
    ]

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.keyboard.text")
        yield OptionList(
            *(Option(self.words(f"keyboard.{one}"), id=one) for one in KEYBOARDS), id="layout", markup=False
        )
        yield from self.field("try", most=40)
        yield Static(id="now", classes="loud", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        begin = self._now or USUAL[self.walk.language]
        self.query_one("#layout", OptionList).highlighted = KEYBOARDS.index(begin)
        self._say()

    @property
    def _now(self) -> str:
        """The one in use, "" where none was chosen yet: the kernel's, whatever is printed on the keys."""
        set_up = self.known.box.set_up if self.known.box else None
        now = self.walk.draft.keyboard or (set_up.keyboard if set_up else "")
        return now if now in KEYBOARDS else ""

    def _say(self) -> None:
        now = self.words("setup.keyboard.now", keyboard=self.words(f"keyboard.{self._now or 'us'}"))
        self.query_one("#now", Static).update(now)

    def told(self) -> None:
        """It is in use now: the same keys may be other letters, so what was tried before is of no use."""
        self._say()
        self.query_one("#try", Input).clear()
        self.set_focus(self.query_one("#try", Input))

    def action_move(self, way: int) -> None:
        """From the field too: whoever finds other letters there looks for another keyboard."""
        layouts = self.query_one("#layout", OptionList)
        layouts.highlighted = min(max((layouts.highlighted or 0) + way, 0), layouts.option_count - 1)
        self.set_focus(layouts)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.give({"layout": event.option.id or ""})

    def go_on(self) -> None:
        self.give()
