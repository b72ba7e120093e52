"""Passphrase of the box, the first two accounts, and their codes."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.screens.setup.page import SECRET_HINTS, SetupPage
from tui.setting_up import Role, Where, role_of
from tui.words import plain

MIN_PASSPHRASE = 12  # characters; the box asks for the same
MIN_PASSWORD = 10


class PassphrasePage(SetupPage):
    """Typed twice, with a word on how strong it is."""

    where = "passphrase"
    fields = ("passphrase", "again")
    extra_hints = SECRET_HINTS
    AUTO_FOCUS = "#passphrase"

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.passphrase.text", "setup.passphrase.how")
        if self.born:
            yield from self.about("setup.passphrase.kept")
        yield from self.field("passphrase", self.walk.draft.passphrase, secret=True)
        yield Static(id="strength", markup=False)
        yield from self.field("again", self.walk.draft.passphrase, secret=True)

    @property
    def born(self) -> bool:
        """There is a clinic: an empty field leaves its passphrase."""
        return born(self)

    def on_mount(self) -> None:
        super().on_mount()
        self._weigh()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._weigh()

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        if self.born and not any(values.values()):
            return "", ""
        if len(values["passphrase"]) < MIN_PASSPHRASE:
            return "fault.weak_passphrase", "passphrase"
        return ("", "") if values["passphrase"] == values["again"] else ("setup.differ", "again")

    def _weigh(self) -> None:
        word = strength(self.value("passphrase"))
        self.query_one("#strength", Static).update(self.words(f"setup.strength.{word}") if word else "")


class PersonPage(SetupPage):
    """Name, name to sign in with, password twice; two fields beside each other, so that all fits a small screen."""

    fields = ("name", "username", "password", "again")
    extra_hints = SECRET_HINTS
    AUTO_FOCUS = "#name"
    role: Role

    def body(self) -> Iterable[Widget]:
        there = self.walk.draft.people[self.role]
        yield from self.about(f"setup.{self.where}.text")
        with Horizontal(classes="beside"):
            with Vertical():
                yield from self.field("name", there.name)
            with Vertical():
                yield from self.field("username", there.username, most=64)
        with Horizontal(classes="beside"):
            with Vertical():
                yield from self.field("password", there.password, secret=True)
            with Vertical():
                yield from self.field("again", there.password, secret=True)
        yield from self.about("setup.person.kept" if born(self) else f"setup.{self.where}.rule")

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        for name in ("name", "username"):
            if not values[name].strip():
                return "setup.empty", name
        if len(values["username"].split()) != 1 or len(values["username"].strip()) < 2:
            return "setup.one_word", "username"
        other = self.walk.draft.people["clinical_lead" if self.role == "administrator" else "administrator"]
        if self.role == "clinical_lead" and values["username"].strip().casefold() == other.username.casefold():
            return "setup.other_username", "username"
        if born(self) and not values["password"] and not values["again"]:
            return "", ""
        return self._wrong_password(values)

    def _wrong_password(self, values: dict[str, str]) -> tuple[str, str]:
        word = values["password"]
        if len(word) < MIN_PASSWORD:
            return "fault.password_short", "password"
        parts = (values["username"], *values["name"].split())
        if any(len(part) >= 3 and part.casefold() in word.casefold() for part in parts):
            return "fault.password_name", "password"
        return ("", "") if word == values["again"] else ("setup.differ", "again")


class AdministratorPage(PersonPage):
    """Who keeps the box."""

    where = "administrator"
    role: Role = "administrator"


class LeadPage(PersonPage):
    """Who answers for the care."""

    where = "clinical_lead"
    role: Role = "clinical_lead"


class CodesPage(SetupPage):
    """A sheet of codes to write down; one of them comes back."""

    fields = ("code",)
    AUTO_FOCUS = "#code"
    extra_hints = (("enter", "setup.hint.on"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        role = role_of(self.where)
        there, codes = self.walk.draft.people[role], self.walk.draft.codes.get(role, ())
        name = plain(there.name)
        if not codes:
            yield from self.about("setup.codes.ready", name=name)
            self.set_class(True, "ready")
            return
        yield from self.about("setup.codes.text", name=name, username=plain(there.username))
        half = (len(codes) + 1) // 2
        for left, right in zip(codes[:half], (*codes[half:], ""), strict=False):
            yield Static(f"    {left:<18}{right}", classes="loud", markup=False)
        yield Static(classes="gap")
        yield from self.field("code", most=40)
        yield from self.about("setup.codes.why")

    def action_leave_field(self) -> None:
        if self.has_class("ready"):
            self.give({"code": ""})
        else:
            super().action_leave_field()

    def field(self, name: str, value: str = "", *, secret: bool = False, most: int = 80) -> Iterable[Widget]:
        yield Static(self.words("setup.codes.code"), markup=False)
        yield Input(value, id=name, select_on_focus=False, compact=True, max_length=most)

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        """As it will be counted, so that a slip of the finger costs no try."""
        typed = bare(values["code"])
        shown = [bare(one) for one in self.walk.draft.codes.get(role_of(self.where), ())]
        return ("", "") if typed in shown else ("setup.codes.none", "code")


class AdministratorCodes(CodesPage):
    """For who keeps the box."""

    where: Where = "codes_administrator"  # type: ignore[misc]


class LeadCodes(CodesPage):
    """For who answers for the care."""

    where: Where = "codes_clinical_lead"  # type: ignore[misc]


def strength(passphrase: str) -> str:
    """A word for how long it would stand up to guessing by machine; "" while it is empty."""
    if not passphrase:
        return ""
    words, letters = len(passphrase.split()), len(set(passphrase))
    if len(passphrase) < MIN_PASSPHRASE:
        return "short"
    if letters < 6:
        return "weak"
    return "strong" if (words >= 4 and len(passphrase) >= 16) or len(passphrase) >= 20 else "fair"


def bare(code: str) -> str:
    """A code as it counts: without dashes and capitals, and with letters that look alike as one."""
    kept = "".join(char for char in code.upper() if char.isalnum())
    return kept.replace("O", "0").replace("I", "1").replace("L", "1")


def born(page: SetupPage) -> bool:
    """Whether the clinic is made already."""
    box = page.known.box
    return box is not None and box.set_up is not None and bool(box.set_up.born)
