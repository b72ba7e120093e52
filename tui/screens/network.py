"""How the machine is on the network, how people reach the box, and other settings: tried first, then kept.

The code beside the facts is of an address, not of the name: telephones with Android find `.local` names unreliably.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import msgspec
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from appliance.control.types import (
    KEYBOARDS,
    AccessPointSettings,
    HeardNetwork,
    Interface,
    NetworkSettings,
    NetworkState,
    WifiSettings,
    WiredSettings,
)
from tui.networking import Heard, Seen, Stopped, Wish, country_of
from tui.screens.page import Page
from tui.widgets.address import AddressCode
from tui.widgets.banner import Notice
from tui.widgets.fields_form import Field, FieldsForm, Values
from tui.widgets.pick import Pick
from tui.words import plain

LOOK_SECONDS = 3.0  # between two looks while something changes by itself: addresses come, a trial ends
PER_LINE = 8  # pairs of a fingerprint: four lines
OTHER = "?"  # in the list of networks: one that is not in it
Kind = Literal["wired", "static", "wifi", "own", "zone", "keyboard"]
KINDS: tuple[Kind, ...] = ("wired", "static", "wifi", "own", "zone", "keyboard")


class NetworkPage(Page):
    """Posts `Asked`; is told `Seen`, `Heard` and `Stopped` by the worker that did it."""

    CSS_PATH = "network.tcss"
    aside = True
    title_id = "network.title"
    extra_hints = (("enter", "network.hint.change"), ("escape", "hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.change", "", show=False)]

    class Asked(Message):
        """Something to do; the answer goes to `page`."""

        def __init__(self, page: NetworkPage, wish: Wish) -> None:
            super().__init__()
            self.page = page
            self.wish = wish

    class Told(Message):
        """Something to tell in the banner."""

        def __init__(self, notice: Notice) -> None:
            super().__init__()
            self.notice = notice

    _seen: NetworkState | None = None
    _busy = ""  # the word of what is under way
    _looking: Timer | None = None

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="sides"):
            yield Static(id="facts", markup=False)
            yield AddressCode()

    def on_mount(self) -> None:
        super().on_mount()
        self._ask(Wish("see"))
        self._looking = self.set_interval(LOOK_SECONDS, self._look)

    def draw(self) -> None:
        self.query_one("#facts", Static).update(Text("\n").join(self._facts()))
        urls = self._seen.urls if self._seen else ()
        self.query_one(AddressCode).show(urls[0] if urls else "")
        self.draw_hints()

    def hints_here(self) -> tuple[tuple[str, str], ...]:
        return self.extra_hints[1:] if self._seen is not None and not self._seen.possible else self.extra_hints

    # ── what the worker tells

    def on_seen(self, message: Seen) -> None:
        message.stop()
        before, self._seen, self._busy = self._seen, message.state, ""
        if message.word in ("try", "keep", "back", "zone", "keyboard"):
            on_trial = message.word == "try" and message.state.seconds_left > 0
            done = "network.done.on_trial" if on_trial else f"network.done.{message.word}"
            self.post_message(self.Told(Notice("note", self.words(done))))
        elif before is not None and before.seconds_left and not message.state.seconds_left:
            self.post_message(self.Told(Notice("fault", self.words("network.went_back"))))
        self.draw()

    def on_heard(self, message: Heard) -> None:
        message.stop()
        self._busy = ""
        self.draw()
        lines = [(one.name, self._line(one)) for one in message.networks]
        question = self.words("network.heard" if lines else "network.nothing_heard")
        pick = Pick(self.words, question, [*lines, (OTHER, self.words("network.other"))])
        self.app.push_screen(pick, lambda name: self._join(name, message.networks) if name else None)

    def on_stopped(self, message: Stopped) -> None:
        message.stop()
        self._busy = ""
        self._ask(Wish("see"))

    # ── what a person asks

    def action_change(self) -> None:
        """What to change, or whether to keep what is on trial."""
        seen = self._seen
        if seen is None or self._busy:
            return
        if not seen.possible:
            self.post_message(self.Told(Notice("fault", self.words("fault.not_the_machine"))))
            return
        if seen.seconds_left:
            answers = [(one, self.words(f"network.{one}")) for one in ("keep", "back")]
            self.app.push_screen(Pick(self.words, self.words("network.keep_question"), answers), self._kept)
            return
        kinds = [(one, self.words(f"network.change.{one}")) for one in KINDS]
        self.app.push_screen(Pick(self.words, self.words("network.change"), kinds), self._chosen)

    def _kept(self, answer: str | None) -> None:
        if answer in ("keep", "back"):
            self._begin(Wish("keep" if answer == "keep" else "back"))

    def _chosen(self, kind: str | None) -> None:
        seen = self._seen
        if seen is None or not kind:
            return
        if kind == "wired":
            self._try(msgspec.structs.replace(seen.settings, kind="wired", wired=WiredSettings()))
        elif kind == "wifi":
            self._begin(Wish("scan"))
        else:
            {"static": self._static, "own": self._own, "zone": self._zone, "keyboard": self._keyboard}[kind](seen)

    def _static(self, seen: NetworkState) -> None:
        was = seen.settings.wired
        fields = (
            Field("address", was.address or _guess(seen), 18),
            Field("gateway", was.gateway, 15),
            Field("dns", " ".join(was.dns), 60),
        )

        def then(typed: Values | None) -> None:
            if typed is not None:
                dns = tuple(typed["dns"].replace(",", " ").split())
                wired = WiredSettings(addressing="static", address=typed["address"], gateway=typed["gateway"], dns=dns)
                self._try(msgspec.structs.replace(seen.settings, kind="wired", wired=wired))

        self.app.push_screen(FieldsForm(self.words, "network.static", fields), then)

    def _join(self, name: str, heard: tuple[HeardNetwork, ...]) -> None:
        seen = self._seen
        if seen is None:
            return
        was = seen.settings.wifi
        country = was.country if was else country_of(seen.zone)
        fields = (
            Field("name", "" if name == OTHER else name, 32),
            Field("password", "", 64, secret=True),
            Field("country", country, 2),
        )

        def then(typed: Values | None) -> None:
            if typed is not None:
                known = was is not None and was.name == typed["name"] and not typed["password"]
                is_open = any(one.name == typed["name"] and not one.locked for one in heard)
                password = None if known and not is_open else typed["password"]
                wifi = WifiSettings(name=typed["name"], password=password, country=typed["country"].upper())
                self._try(msgspec.structs.replace(seen.settings, kind="wifi", wifi=wifi))

        self.app.push_screen(FieldsForm(self.words, "network.wifi", fields), then)

    def _own(self, seen: NetworkState) -> None:
        was = seen.settings.access_point
        fields = (
            Field("name", was.name if was else "Hearth", 32),
            Field("password", "", 63),  # shown: it is told to everybody who is to join
            Field("country", was.country if was else country_of(seen.zone), 2),
            Field("channel", str(was.channel if was else 6), 2),
        )

        def then(typed: Values | None) -> None:
            if typed is not None:
                known = was is not None and was.name == typed["name"] and not typed["password"]
                own = AccessPointSettings(
                    name=typed["name"],
                    password=None if known else typed["password"],
                    country=typed["country"].upper(),
                    channel=int(typed["channel"]) if typed["channel"].isascii() and typed["channel"].isdigit() else 0,
                )
                self._try(msgspec.structs.replace(seen.settings, kind="access_point", access_point=own))

        self.app.push_screen(FieldsForm(self.words, "network.own", fields), then)

    def _zone(self, seen: NetworkState) -> None:
        def then(typed: Values | None) -> None:
            if typed is not None and typed["zone"]:
                self._begin(Wish("zone", zone=typed["zone"]))

        self.app.push_screen(FieldsForm(self.words, "network.zone", (Field("zone", seen.zone, 60),)), then)

    def _keyboard(self, _seen: NetworkState) -> None:
        layouts = [(one, self.words(f"keyboard.{one}")) for one in KEYBOARDS]

        def then(layout: str | None) -> None:
            if layout:
                self._begin(Wish("keyboard", keyboard=layout))

        self.app.push_screen(Pick(self.words, self.words("network.which_keyboard"), layouts), then)

    def _try(self, settings: NetworkSettings) -> None:
        self._begin(Wish("try", settings))

    def _begin(self, wish: Wish) -> None:
        self._busy = wish.word
        self._ask(wish)
        self.draw()

    def _look(self) -> None:
        if not self._busy and self.app.screen is self:
            self._ask(Wish("see"))

    def _ask(self, wish: Wish) -> None:
        self.post_message(self.Asked(self, wish))

    # ── words

    def _facts(self) -> list[Text]:
        seen, words = self._seen, self.words
        if seen is None:
            return [Text(words("network.looking"))]
        lines = [*self._standing(seen), Text("")]
        lines += [Text(self._interface(one, seen)) for one in seen.interfaces]
        lines += [Text(""), Text(words("network.found_at"), "bold")]
        lines += [Text(plain(one)) for one in seen.urls[:4]] or [Text(words("network.nowhere"))]
        if seen.authority:
            pairs = seen.authority.split(":")
            lines += [Text(""), Text(words("network.fingerprint"), "bold")]
            lines += [Text(" ".join(pairs[at : at + PER_LINE])) for at in range(0, len(pairs), PER_LINE)]
        if seen.zone:
            lines += [Text(""), Text(words("network.in_zone", zone=plain(seen.zone)))]
        if seen.keyboard in KEYBOARDS:
            lines.append(Text(words("network.keyboard", keyboard=words(f"keyboard.{seen.keyboard}"))))
        return lines

    def _standing(self, seen: NetworkState) -> list[Text]:
        words = self.words
        if self._busy:
            return [Text(words(f"network.busy.{self._busy}"), "bold")]
        if not seen.possible:
            return [Text(words("network.not_ours"))]
        told = [Text(words(f"network.kind.{self._kind(seen)}", name=plain(self._radio(seen))))]
        if seen.seconds_left:
            told.append(Text(words("network.on_trial", seconds=seen.seconds_left), "bold"))
        return told

    def _kind(self, seen: NetworkState) -> str:
        settings = seen.settings
        return "static" if settings.kind == "wired" and settings.wired.addressing == "static" else settings.kind

    def _radio(self, seen: NetworkState) -> str:
        radio = seen.settings.wifi if seen.settings.kind == "wifi" else seen.settings.access_point
        return radio.name if radio else ""

    def _interface(self, one: Interface, seen: NetworkState) -> str:
        words = self.words
        where = ", ".join(one.addresses) if one.addresses else words("network.no_address" if one.up else "network.off")
        return words(f"network.interface.{one.kind}", name=plain(one.name), where=where)

    def _line(self, one: HeardNetwork) -> str:
        word = "network.locked" if one.locked else "network.open"
        about = self.words(word, percent=self.words.number(one.strength))
        return f"{plain(one.name):<34} {about}"


def _guess(seen: NetworkState) -> str:
    """The address that the box has now, to begin with: most who want a fixed one want that it stays."""
    wired = [address for one in seen.interfaces if one.kind == "wired" for address in one.addresses]
    return f"{wired[0]}/24" if wired else ""
