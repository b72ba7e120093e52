"""The first set-up of a box, walked over its serial console by what stands on the screen, in English or Spanish.

Sentences come from the console's own catalogue, so a changed word is no failure; a page that does not come is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.image.screen import Screen
from tui.words import Words

SLOW = 300.0  # seconds at most for a step of the box: a virtual machine derives keys slowly
CODE = re.compile(r"\b[0-9A-Z]{4,5}(?:-[0-9A-Z]{4,5})+\b")
WORD = re.compile(r"\b(\d{1,2})\. ([a-záéíóúñ]+)\b")


@dataclass
class Typed:
    """What the person before the screen made up, and wrote on paper."""

    clinic: str = "Riverbend House"
    phone: str = "555 0142"
    city: str = "Madrid"
    passphrase: str = "planted lantern zebra quartz"
    administrator: tuple[str, str, str] = ("Ruthild Steinbrecher", "ruthilds", "seven-planted-green-boats")
    lead: tuple[str, str, str] = ("Marabel Quillfeather", "maraq", "seven-planted-blue-boats")
    headquarters: tuple[str, str] | None = None  # address and code
    codes: dict[str, list[str]] = field(default_factory=dict)  # by the role, the first one used
    sheet: dict[int, str] = field(default_factory=dict)


class Wizard:
    """A person in front of the box. `language` is chosen at the first page."""

    def __init__(self, screen: Screen, language: str = "en", typed: Typed | None = None) -> None:
        self.screen = screen
        self.language = language
        self.words = Words(language)
        self.typed = typed or Typed()
        self.seen: list[list[str]] = []  # each page as it stood

    async def walk(self) -> Typed:
        """All of it, from the welcome to the sign-in."""
        await self.welcome()
        await self.place()
        await self.clinic()
        await self.network()
        await self.passphrase()
        await self.person("administrator", 5, self.typed.administrator)
        await self.person("clinical_lead", 5, self.typed.lead)
        await self.codes("administrator")
        await self.codes("clinical_lead")
        await self.sheet()
        await self.headquarters()
        await self.done()
        return self.typed

    async def at(self, where: str, number: int = 0) -> None:
        """Wait for that page."""
        title = self.words(f"setup.{where}.title")
        head = self.words("setup.head", n=number, all=9, title=title) if number else title
        await self.screen.expect(head, seconds=SLOW)
        self.seen.append(self.screen.lines())

    async def welcome(self) -> None:
        await self.screen.expect(Words("en")("setup.welcome.title"), seconds=SLOW)
        if self.language == "es":
            await self.screen.press("down")
            await self.at("welcome")
        await self.screen.press("enter")

    async def place(self) -> None:
        await self.at("place", 1)
        await self.fill(self.typed.city, last=False)
        await self.screen.expect(self.words("setup.place.chosen", zone=self.typed.city))
        await self.screen.press("enter")

    async def clinic(self) -> None:
        await self.at("clinic", 2)
        await self.fill(self.typed.clinic, self.typed.phone)

    async def network(self) -> None:
        await self.at("network", 3)
        await self.screen.press("enter")

    async def passphrase(self) -> None:
        await self.at("passphrase", 4)
        await self.fill(self.typed.passphrase, self.typed.passphrase)

    async def person(self, role: str, number: int, about: tuple[str, str, str]) -> None:
        await self.at(role, number)
        await self.fill(*about, about[2])

    async def codes(self, role: str) -> None:
        await self.at(f"codes_{role}", 6)
        shown = CODE.findall(self.screen.text())
        assert len(shown) == 10, "\n".join(self.screen.lines())
        self.typed.codes[role] = shown
        await self.fill(shown[0])

    async def sheet(self) -> None:
        await self.at("sheet", 7)
        self.typed.sheet = {int(number): word for number, word in WORD.findall(self.screen.text())}
        assert sorted(self.typed.sheet) == list(range(1, 13)), "\n".join(self.screen.lines())
        await self.screen.press("enter")
        await self.at("sheet_back", 7)
        label = re.escape(self.words("setup.sheet_back.word", n=0)).replace("0", r"(\d+)")
        asked = [int(number) for number in re.findall(label, self.screen.text())]
        assert len(asked) == 3, "\n".join(self.screen.lines())
        await self.fill(*(self.typed.sheet[number] for number in asked))

    async def headquarters(self) -> None:
        await self.at("headquarters", 8)
        if self.typed.headquarters is None:
            await self.screen.press("ctrl+l")
            return
        await self.screen.type(self.typed.headquarters[0])
        await self.screen.press("tab")
        await self.fill(self.typed.headquarters[1])
        await self.screen.expect(self.words("done.enrol"), seconds=SLOW)
        await self.screen.press("ctrl+l")

    async def done(self) -> None:
        await self.at("done", 9)
        await self.screen.press("enter")
        await self.screen.gone(self.words("setup.done.title"))

    async def fill(self, *texts: str, last: bool = True) -> None:
        """Each into its field, Enter behind it; behind the last one only if asked for."""
        for number, text in enumerate(texts):
            await self.screen.type(text)
            if last or number < len(texts) - 1:
                await self.screen.press("enter")
