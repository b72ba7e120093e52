"""Windows before a command that needs more than a yes: why somebody is removed, which card, what to say, whose concern.

Each hands what was answered to `then`, and nothing at all where somebody thought better of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.app import App

from appliance.control.types import Admit, CardKind, Concern, Member, RemovalWhy, Session, ShowCard
from tui.widgets.choice import Choice
from tui.widgets.line_form import LineForm
from tui.words import Words, plain

Then = Callable[[Admit | ShowCard | Concern], None]

# The first answer of each changes nothing.
WHY = ("keep", "disruption", "recording", "not_alone", "other_person", "own_wish", "other")
HOW = ("keep", "once", "block")
CARDS = ("none", "reminder", "rules", "guidelines", "redirect")
TO = ("none", "all", "one")
BEYOND = ("wait", "fewer", "anyway")
MAX_MESSAGE = 300  # characters, as the box has it


def removal(app: App[Any], words: Words, who: Member, then: Then) -> None:
    """Why, and whether for good."""
    name = plain(who.name)

    def how(why: str | None) -> None:
        if why and why != "keep":
            question = Choice(words, words("removal.how", name=name), "removal_how", HOW)
            app.push_screen(question, lambda answer: done(cast(RemovalWhy, why), answer or "keep"))

    def done(why: RemovalWhy, answer: str) -> None:
        if answer != "keep":
            then(Admit(why=why, block=answer == "block"))

    app.push_screen(Choice(words, words("removal.why", name=name), "removal_why", WHY), how)


def message(app: App[Any], words: Words, who: Member, then: Then) -> None:
    """A line to one who waits; an empty one is none."""
    form = LineForm(words, words("message.question", name=plain(who.name)), words("message.text"), MAX_MESSAGE)
    app.push_screen(form, lambda text: then(Admit(text=text)) if text else None)


def card(app: App[Any], words: Words, of: Session, who: Member | None, then: Then) -> None:
    """Which card, and to whom, where somebody in the room is highlighted."""
    one = who if who is not None and who.standing == "admitted" and not who.facilitator else None

    def to(kind: str | None) -> None:
        if not kind or kind == "none":
            return
        if one is None:
            then(ShowCard(kind=cast(CardKind, kind)))
            return
        question = Choice(words, words("card.to", name=plain(one.name)), "card_to", TO)
        app.push_screen(question, lambda answer: done(cast(CardKind, kind), answer or "none"))

    def done(kind: CardKind, answer: str) -> None:
        if answer != "none":
            then(ShowCard(kind=kind, member=one.id if one is not None and answer == "one" else ""))

    app.push_screen(Choice(words, words("card.question", title=plain(of.title)), "card", CARDS), to)


def concern(app: App[Any], words: Words, of: Session, who: Member | None, then: Then) -> None:
    """The highlighted person's if they raised one, else the oldest."""
    found = next((one for one in of.concerns if who is not None and one.member == who.id), of.concerns[0])
    question = Choice(words, concern_line(found, of, words), "concern_answer", ("later", "mine"))
    app.push_screen(question, lambda answer: then(found) if answer == "mine" else None)


def concern_line(found: Concern, of: Session, words: Words) -> str:
    """Who raised what, and when."""
    who = next((one for one in of.members if one.id == found.member), None)
    name = plain(who.name) if who is not None else words("concern.somebody")
    kind = f"concern.{found.kind}"
    return words(
        "concern.line", name=name, what=words(kind if words.has(kind) else "concern.other"), clock=words.clock(found.at)
    )
