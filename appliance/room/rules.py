"""What happens in the room beside picture and sound: hands, cards, concerns. Pure: time is an argument.

A card is shown to all or to one, and each page acknowledges it. That counts for the page's life: whoever comes back
has missed something, so the ground rules and the newest reminder are to be acknowledged again (C21). A line that
flickers is no return, and neither is a private word. Who leads is never asked to acknowledge. Who does not acknowledge
is shown to those who lead, and nothing else happens to them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from appliance.faults import Fault
from appliance.guidelines.rules import Kind

CardKind = Kind  # a group has its own words for each
# Raised in the room with one tap, and in words from a patient's own page at any time of their visit.
RoomTrouble = Literal["distress", "overheard", "privacy"]
Written = Literal["overheard", "shared", "recorded", "records", "other"]
Trouble = RoomTrouble | Written

# How long a page may be away and still be the same visit: a phone that changes its Wi-Fi or drops out of reach takes
# seconds; after half a minute the talk has gone on without them. A device that sleeps for a minute is found to be away
# only when its line answers nothing for some seconds (`portal/sockets.py`): so this is well below a minute.
AWAY_SECONDS = 30.0
REMIND_MINUTES = 20  # between two reminders by the box itself; three in an hour, seldom enough to be read
MAX_CARDS = 200  # of one session: one every 18 s of an hour; a script that shows more is at fault
TWICE_SECONDS = 3.0  # the same card to the same people within that is a second tap, not a second card
MAX_WORDS = 600  # characters of a concern in words: a paragraph or two
MAX_OPEN_CONCERNS = 10  # of one person: more than anybody raises, and the list stays readable

_REPLAYED: frozenset[CardKind] = frozenset({"rules", "reminder"})


@dataclass(frozen=True, slots=True)
class Card:
    """One that was shown. `number` orders; `to`: a member, "" for all; `at`: RFC 3339."""

    number: int
    id: str
    kind: CardKind
    to: str
    at: str


@dataclass(frozen=True, slots=True)
class Life:
    """A member's page as long as it is the same visit to the room.

    `began`: number of the newest card by then; `done`: cards acknowledged in it; `gone_at`: since when the page is
    away, in monotonic seconds; `aside`: it left for a private word, so the next page of the member goes on with it.
    """

    page: str
    began: int
    done: frozenset[str] = frozenset()
    gone_at: float | None = None
    aside: bool = False


def arrived(life: Life | None, page: str, newest: int, now: float) -> Life:
    """The life that a page goes on with, or its new one. `page`: its made-up name; `newest`: a card's number."""
    if life is None or away_for_good(life, now) or not (life.page == page or life.aside):
        return Life(page, newest)
    return replace(life, page=page, gone_at=None, aside=False)


def left(life: Life, now: float, *, aside: bool) -> Life:
    """The same life while no page of the member is open. Being in a private room is not being away."""
    if aside:
        return replace(life, gone_at=None, aside=True)
    return life if life.gone_at is not None else replace(life, gone_at=now)


def away_for_good(life: Life, now: float) -> bool:
    """Whether that page was away for so long that coming back is a return."""
    return life.gone_at is not None and now - life.gone_at > AWAY_SECONDS


def acknowledged(life: Life, card: str) -> Life:
    return replace(life, done=life.done | {card})


def owed(cards: Sequence[Card], member: str, life: Life, ever: Collection[str]) -> list[Card]:
    """What that page has still to acknowledge, in order. `ever`: cards that the member has acknowledged before.

    Of each kind the newest only. What was shown before this life counts where it is replayed (rules, reminder), or was
    for this member alone and never reached them.
    """
    newest = {(card.kind, card.to): card for card in sorted(cards, key=_number) if card.to in ("", member)}
    return sorted((card for card in newest.values() if _owes(card, life, ever)), key=_number)


def _owes(card: Card, life: Life, ever: Collection[str]) -> bool:
    if card.id in life.done:
        return False
    if card.to:
        return card.id not in ever
    return card.number > life.began or card.kind in _REPLAYED


def _number(card: Card) -> int:
    return card.number


def raised(queue: Sequence[str], member: str) -> tuple[str, ...]:
    """The queue of hands with that one at its end; whose hand is up keeps the place."""
    return tuple(queue) if member in queue else (*queue, member)


def lowered(queue: Sequence[str], member: str) -> tuple[str, ...]:
    return tuple(one for one in queue if one != member)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long nobody was reminded, in seconds of the hour itself. `seen`: monotonic seconds of the last look."""

    waited: float
    seen: float


def going_on(rhythm: Rhythm, now: float, *, running: bool) -> Rhythm:
    """One look later. A pause, or a room without anybody to remind, does not count."""
    return Rhythm(rhythm.waited + (max(0.0, now - rhythm.seen) if running else 0.0), now)


def resumed(since_last: float, every: float, now: float) -> Rhythm:
    """The rhythm of a session that was not looked at yet, `since_last` seconds after its newest card by the wall's
    clock. That clock may be wrong: the wait is then at most one whole turn, or none."""
    return Rhythm(min(max(0.0, since_last), every), now)


def concern_words(text: str) -> str:
    """As they are kept: lines without spaces around them. Faults: too_large, bad_request (control characters)."""
    words = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if len(words) > MAX_WORDS:
        raise Fault("too_large", "a concern's words")
    if not all(char.isprintable() or char == "\n" for char in words):
        raise Fault("bad_request", "a concern's words")
    return words
