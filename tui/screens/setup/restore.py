"""A backup instead of a new clinic: which one, what opens it, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import FoundBackup
from tui.screens.setup.page import Back, Said, SetupPage
from tui.words import plain

AGAIN = "again"
BAR = 40  # characters of the bar
BOX = 8  # letters of a box's number, as its papers show it


class RestorePage(SetupPage):
    """The backups on the sticks that are plugged in, the newest first, and looking again."""

    where = "restore"
    AUTO_FOCUS = "#copies"
    extra_hints = (("arrows", "setup.hint.choose"), ("enter", "setup.hint.on"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.restore.text")
        yield Static(id="standing", classes="loud", markup=False)
        yield OptionList(id="copies", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.told()

    def told(self) -> None:
        found = self.walk.draft.backups
        backups = found.backups if found is not None else ()
        word = "found" if backups else "none" if found is not None and found.sticks else "no_stick"
        self.query_one("#standing", Static).update(self.words(f"setup.restore.{word}"))
        listed = self.query_one("#copies", OptionList)
        listed.clear_options()
        listed.add_options([Option(self._line(one), id=str(number)) for number, one in enumerate(backups)])
        listed.add_option(Option(self.words("setup.restore.again"), id=AGAIN))
        listed.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        found = self.walk.draft.backups
        if event.option.id == AGAIN or found is None:
            self.give({AGAIN: ""})
            return
        chosen = found.backups[int(event.option.id or "0")]
        if chosen.fault:
            self.post_message(Said(f"fault.{chosen.fault}"))
        else:
            self.walk.draft.backup = chosen
            self.give({})

    def _line(self, one: FoundBackup) -> str:
        name, stick = plain(PurePosixPath(one.path).name), plain(PurePosixPath(one.stick).name)
        if one.fault:
            return self.words("setup.restore.bad", name=name[:40], stick=stick[:16])
        return self.words("setup.restore.one", when=self.words.whole(one.at), box=one.box[:BOX], stick=stick[:16])


class RestoreKeyPage(SetupPage):
    """The passphrase of the box that it was made of, or its recovery sheet's words; and that it must be off."""

    where = "restore_key"
    fields = ("passphrase",)
    AUTO_FOCUS = "#passphrase"
    extra_hints = (("enter", "setup.hint.on"), ("ctrl+r", "setup.hint.reveal"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        chosen = self.walk.draft.backup
        when = self.words.whole(chosen.at if chosen is not None else "")
        yield from self.about("setup.restore_key.which", when=when)
        yield from self.about("setup.restore_key.old", "setup.restore_key.text")
        yield from self.field("passphrase", secret=True)

    def give(self, values: dict[str, str] | None = None) -> None:
        super().give(values)
        self.query_one("#passphrase", Input).clear()


class RestoringPage(SetupPage):
    """It is coming back. There is nothing to press."""

    where = "restoring"
    extra_hints = ()

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.restoring.text")
        yield Static(id="bar", classes="loud about", markup=False)
        yield from self.about("setup.restoring.still")

    def draw(self) -> None:
        set_up = self.known.box.set_up if self.known.box else None
        percent = set_up.restoring if set_up is not None else -1
        done = BAR * max(percent, 0) // 100
        shown = self.words("setup.restoring.percent", percent=self.words.number(max(percent, 0)))
        self.query_one("#bar", Static).update(f"{'█' * done}{'─' * (BAR - done)} {shown}")
        if percent < 0 and not self.walk.asked_to_restore:  # of another console, or one before: it did not come back
            self.post_message(Back())

    def action_back(self) -> None:
        """It cannot be stopped half-way."""
