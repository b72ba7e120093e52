"""The beginning of set-up: welcome with the language, the place, the clinic's name; and the way back into it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import places
from tui.screens.page import Frame
from tui.screens.setup.page import Said, SetupPage
from tui.setting_up import Walk
from tui.widgets.hints import Hints
from tui.words import Words, plain

LANGUAGES = (("en", "English"), ("es", "Español"))
INSTEAD = "instead"  # a backup in place of a new clinic
MOST_ZONES = 40  # options shown; who looks for one types a letter more


class WelcomePage(SetupPage):
    """What this is and what it takes, in the language that is highlighted."""

    where = "welcome"
    AUTO_FOCUS = "#language"
    extra_hints = (("arrows", "setup.hint.language"), ("enter", "setup.hint.on"), ("ctrl+b", "setup.hint.backup"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+b", "screen.instead", "", show=False, priority=True)]

    class Spoken(Message):
        """A language was chosen. `instead`: a backup is to come back in place of a new clinic."""

        def __init__(self, language: str, *, instead: bool = False) -> None:
            super().__init__()
            self.language = language
            self.instead = instead

    def body(self) -> Iterable[Widget]:
        yield Static(
            " / ".join(Words(code)("setup.welcome.choose") for code, _ in LANGUAGES), classes="loud", markup=False
        )
        yield OptionList(*(Option(name, id=code) for code, name in LANGUAGES), id="language", markup=False)
        yield Static(id="text", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        codes = [code for code, _ in LANGUAGES]
        self.query_one("#language", OptionList).highlighted = codes.index(self.walk.language)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        words = Words(event.option.id or "en")
        text = (f"setup.welcome.{one}" for one in ("hello", "time", "need", "paper", "who", "power", "backup"))
        self.query_one("#text", Static).update("\n\n".join(words(one) for one in text))
        self.query_one("#where", Static).update(words(self.title_id))
        self.query_one(Hints).speak(words)
        self.draw_hints()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Spoken(event.option.id or "en"))

    def action_instead(self) -> None:
        at = self.query_one("#language", OptionList).highlighted_option
        self.post_message(self.Spoken(at.id if at is not None and at.id else "en", instead=True))

    def action_back(self) -> None:
        """There is nothing before it."""


class JoinPage(SetupPage):
    """The passphrase that was chosen a moment ago: the power was gone, or this is another screen."""

    where = "join"
    fields = ("passphrase",)
    AUTO_FOCUS = "#passphrase"
    extra_hints = (("enter", "setup.hint.on"), ("ctrl+r", "setup.hint.reveal"))

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.join.text", "setup.join.why")
        yield from self.field("passphrase", secret=True)

    def give(self, values: dict[str, str] | None = None) -> None:
        super().give(values)
        self.query_one("#passphrase", Input).clear()

    def action_back(self) -> None:
        """There is nothing before it."""


class PlacePage(SetupPage):
    """Where the clinic is, for the clock: a list, and a field that makes it short."""

    where = "place"
    fields = ("search",)
    AUTO_FOCUS = "#search"
    extra_hints = (("arrows", "setup.hint.choose"), ("enter", "setup.hint.on"), ("escape", "setup.hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.move(-1)", "", show=False, priority=True),
        Binding("down", "screen.move(1)", "", show=False, priority=True),
        Binding("pageup", "screen.move(-8)", "", show=False, priority=True),
        Binding("pagedown", "screen.move(8)", "", show=False, priority=True),
    ]

    def __init__(self, frame: Frame, walk: Walk) -> None:
        super().__init__(frame, walk)
        names = {region: self.words(f"region.{region.lower()}") for region in places.REGIONS}
        self._all = places.zones(self.words.language, names)
        self._shown: tuple[places.Zone, ...] = ()

    def body(self) -> Iterable[Widget]:
        if not self._ours:
            zone = next((one.text for one in self._all if one.id == self._before), self._before or "UTC")
            yield from self.about("setup.place.not_ours", zone=zone)
            return
        yield from self.about("setup.place.text")
        yield from self.field("search", most=40)
        yield OptionList(id="zones", markup=False)
        yield Static(id="chosen", classes="loud", markup=False)

    @property
    def _ours(self) -> bool:
        """Whether the machine's zone is the box's to set."""
        return self.known.box is not None and self.known.box.set_up is not None and self.known.box.set_up.machine

    @property
    def _before(self) -> str:
        """The zone that was chosen, here or in an earlier run; "" for none: a new machine is in UTC."""
        told = self.known.box.set_up.zone if self.known.box and self.known.box.set_up else ""
        found = self.walk.draft.zone or told
        return "" if found in ("UTC", places.NOWHERE) else found

    def on_mount(self) -> None:
        super().on_mount()
        if self._ours:
            self._fill("")

    def action_leave_field(self) -> None:
        if self._ours:
            super().action_leave_field()
        else:
            self.give({"zone": ""})

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def action_move(self, way: int) -> None:
        zones = self.query_one("#zones", OptionList)
        if zones.option_count:
            at = -1 if zones.highlighted is None else zones.highlighted
            zones.highlighted = min(max(at + way, 0), zones.option_count - 1)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._say()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.go_on()

    def go_on(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            self.post_message(Said("setup.place.pick"))
        else:
            self.give({"zone": chosen.id})

    def _fill(self, typed: str) -> None:
        found = places.matching(self._all, typed) if typed.strip() else self._all
        self._shown = found[:MOST_ZONES] if typed.strip() else found
        zones = self.query_one("#zones", OptionList)
        zones.clear_options()
        zones.add_options([Option(self._line(zone), id=zone.id) for zone in self._shown])
        at = next((n for n, zone in enumerate(self._shown) if zone.id == self._before), None)
        zones.highlighted = (0 if self._shown else None) if typed.strip() else at
        self._say()

    def _line(self, zone: places.Zone) -> str:
        return f"{zone.text} ({zone.region})" if zone.region else zone.text

    def _chosen(self) -> places.Zone | None:
        at = self.query_one("#zones", OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _say(self) -> None:
        chosen = self._chosen()
        none = "setup.place.pick" if self._shown else "setup.place.none"
        told = self.words("setup.place.chosen", zone=chosen.text) if chosen else self.words(none)
        self.query_one("#chosen", Static).update(told)


class ClinicPage(SetupPage):
    """Name and telephone as every page shows them, with a look at how that will be."""

    where = "clinic"
    fields = ("name", "phone")
    AUTO_FOCUS = "#name"
    extra_hints = (
        ("enter", "setup.hint.on"),
        ("tab", "hint.next_field"),
        ("ctrl+b", "setup.hint.backup"),
        ("escape", "setup.hint.back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+b", "screen.instead", "", show=False, priority=True)]

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.clinic.text")
        yield from self.field("name", self.walk.draft.name or self._told("clinic"), most=60)
        yield from self.field("phone", self.walk.draft.phone or self._told("phone"), most=40)
        yield Static(id="preview", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._preview()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._preview()

    def action_instead(self) -> None:
        self.give({INSTEAD: ""})

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        return ("setup.empty", "name") if not values["name"].strip() else ("", "")

    def _told(self, word: str) -> str:
        """What the box has, unless that is how it came."""
        box = self.known.box
        known = getattr(box, word) if box else ""
        return "" if known == "Hearth" else known

    def _preview(self) -> None:
        words = self.words
        name = plain(self.value("name")) or words("setup.clinic.name_here")
        phone = plain(self.value("phone"))
        foot = words("setup.clinic.foot", phone=phone) if phone else words("setup.clinic.foot_none")
        width = 60
        lines = [f" {name}", f" {foot}"]
        shown = [f"│{line[:width]:<{width}}│" for line in lines]
        head = words("setup.clinic.preview")
        self.query_one("#preview", Static).update("\n".join([head, f"┌{'─' * width}┐", *shown, f"└{'─' * width}┘"]))
