"""How the box is on the network. Where the machine is not the box's to change, it is told so, and one goes on."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.screens.setup.page import SECRET_HINTS, SetupPage
from tui.words import plain

KINDS = ("keep", "wired", "wifi", "access_point")


class NetworkPage(SetupPage):
    """A cable needs nothing. Below the list: where the box is found now."""

    where = "network"
    AUTO_FOCUS = "#kinds"
    extra_hints = (("arrows", "setup.hint.choose"), ("enter", "setup.hint.on"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        yield Static(id="standing", classes="about loud", markup=False)
        yield OptionList(id="kinds", markup=False)
        yield Static(id="more", classes="about", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        kinds = self.query_one("#kinds", OptionList)
        offered = KINDS if self._machine else KINDS[:1]
        kinds.add_options([Option(self.words(f"setup.network.{one}"), id=one) for one in offered])
        kinds.highlighted = 0
        self.draw()

    @property
    def _machine(self) -> bool:
        box = self.known.box
        return box is not None and box.set_up is not None and box.set_up.machine

    def draw(self) -> None:
        box = self.known.box
        found = [plain(one) for one in box.addresses if "localhost" not in one and ".local" not in one] if box else []
        word = "setup.network.found" if found else "setup.network.not_found"
        self.query_one("#standing", Static).update(self.words(word, address=found[0] if found else ""))
        more = "" if self._machine else self.words("setup.network.not_ours")
        at = self.query_one("#kinds", OptionList).highlighted_option
        if self._machine and at is not None:
            more = self.words(f"setup.network.about.{at.id}")
        self.query_one("#more", Static).update(more)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.draw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.give({"kind": event.option.id or "keep"})


class WifiPage(SetupPage):
    """The networks in reach, and the password of one of them."""

    where = "network"
    fields = ("wifi", "wifi_password")
    extra_hints = SECRET_HINTS
    AUTO_FOCUS = "#heard"

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("setup.network.listening"), id="listening", classes="about", markup=False)
        yield OptionList(id="heard", markup=False)
        yield from self.field("wifi", self.walk.draft.wifi, most=32)
        yield from self.field("wifi_password", secret=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.told()

    def told(self) -> None:
        heard = self.walk.draft.heard
        if heard is None:
            return
        listed = self.query_one("#heard", OptionList)
        listed.clear_options()
        listed.add_options([Option(self._line(one.name, one.strength), id=str(n)) for n, one in enumerate(heard[:20])])
        listed.styles.max_height = 5
        word = "setup.network.heard" if heard else "setup.network.nothing_heard"
        self.query_one("#listening", Static).update(self.words(word))
        if heard:
            listed.highlighted = 0
            listed.focus()
        else:
            self.query_one("#wifi").focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        heard = self.walk.draft.heard or ()
        self.query_one("#wifi", Input).value = heard[int(event.option.id or "0")].name
        self.query_one("#wifi_password", Input).focus()

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        return ("setup.empty", "wifi") if not values["wifi"].strip() else ("", "")

    def give(self, values: dict[str, str] | None = None) -> None:
        super().give({"kind": "wifi", **(values or {})})

    def _line(self, name: str, strength: int) -> str:
        return f"{plain(name):<34} {self.words('setup.network.strength', percent=self.words.number(strength))}"


class OwnWifiPage(SetupPage):
    """A network of the box's own: what it can not do stands first."""

    where = "network"
    fields = ("own", "own_password")
    AUTO_FOCUS = "#own"

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.network.limits")
        yield from self.field("own", self.walk.draft.wifi, most=32)
        yield from self.field("own_password", most=63)

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        if not values["own"].strip():
            return "setup.empty", "own"
        return ("setup.network.short", "own_password") if not 8 <= len(values["own_password"]) <= 63 else ("", "")

    def give(self, values: dict[str, str] | None = None) -> None:
        super().give({"kind": "access_point", **(values or {})})
