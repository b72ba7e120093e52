"""Who a person in the waiting room is: what staff check before they vouch. And a session in a few lines. Pure.

The record's check phrase is shown for one person at a time and only while somebody asks for it: screens face rooms.
"""

from __future__ import annotations

from rich.text import Text

from appliance.control.types import Member, Session
from tui import model
from tui.asking import concern_line
from tui.words import Words, plain

MOST_CONCERNS = 3  # lines of them; the roster needs the room


def identity(of: Session, who: Member | None, words: Words, *, open_phrase: bool) -> Text:
    """The lines about the highlighted person, "" for one about whom there is nothing to add."""
    lines: list[Text] = []
    if who is not None and who in model.waiting(of):
        lines = [_phrase(who, words, open_phrase=open_phrase), *_given(who, words)]
        if who.message:
            told = words("identity.message", text=_short(who.message), clock=words.clock(who.message_at))
            lines.append(Text(told))
    elif who is not None and who.standing == "removed" and who.removed_why:
        why = f"removal_why.{who.removed_why}"
        lines = [Text(words("identity.removed", why=words(why if words.has(why) else "removal_why.other")))]
        lines += [Text(words("identity.blocked"), "bold")] if who.blocked else []
    elif who is not None and who.blocked:
        lines = [Text(words("identity.blocked"), "bold")]
    if not lines or who is None:
        return Text()
    return Text("\n").join([Text(plain(who.name), "bold"), *lines])


def summary(of: Session, words: Words) -> Text:
    """Title, phase and door; who leads; hands; what somebody raised, first."""
    lines = [Text(f"! {concern_line(one, of, words)}", "bold reverse") for one in of.concerns[:MOST_CONCERNS]]
    more = len(of.concerns) - MOST_CONCERNS
    lines += [Text(f"! {words.count('concern.more', more)}", "bold reverse")] if more > 0 else []
    head = Text.assemble((plain(of.title), "bold"), f"   {words.clock(of.starts_at)}   {state(of, words)}")
    lines.append(head)
    lines += [_leads(of, words)] if of.state != "ended" else []
    lines += [Text(words("session.hands", names=_hands(of)))] if of.hands else []
    lines += [Text(f"! {words('session.full')}", "bold reverse")] if of.full else []
    return Text("\n").join(lines)


def state(of: Session, words: Words) -> str:
    """How far it is, and the door while it goes on."""
    told = words(f"session.{model.phase(of)}")
    if of.state != "open":
        return told
    door = f"locked_{of.locked_why}" if of.locked and of.locked_why else "locked" if of.locked else "unlocked"
    return f"{told}, {words(f'session.door.{door}')}"


def _leads(of: Session, words: Words) -> Text:
    here = of.facilitator_connected
    sentence = "session.facilitator_here" if here else "session.facilitator_away"
    told = Text(words(sentence, name=plain(of.facilitator)), "" if here else "bold")
    if of.wait_minutes is not None:
        told.append(f"   {words.count('session.wait', of.wait_minutes)}", "not bold")
    return told


def _hands(of: Session) -> str:
    names = {one.id: plain(one.name) for one in of.members}
    return ", ".join(names[one] for one in of.hands if one in names)


def _phrase(who: Member, words: Words, *, open_phrase: bool) -> Text:
    if not who.phrase:
        return Text(words("identity.no_phrase"))
    return Text(words("identity.phrase", phrase=_short(who.phrase)) if open_phrase else words("identity.hidden"))


def _given(who: Member, words: Words) -> list[Text]:
    """What they typed is shown only where it does not fit: what fits needs no second look."""
    if who.phrase_given:
        if who.phrase_fits:
            return [Text(words("identity.fits"), "bold")]
        return [Text("! " + words("identity.differs", typed=_short(who.phrase_given)), "bold reverse")]
    return [Text(words("identity.asked"))] if who.phrase_asked else []


def _short(text: str) -> str:
    """One line that fits beside its label."""
    return plain(text)
