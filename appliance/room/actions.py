"""What is done in the room beside picture and sound. Each runs on the writer thread in one transaction.

Beyond the policy's table a member must be in the room for hand and card, and near it for a concern.
"""

from __future__ import annotations

from appliance.faults import Fault
from appliance.guidelines.rules import Kind as CardKind
from appliance.policy import Action, Actor, Facts, Permit, decide
from appliance.room import rows
from appliance.room.rules import MAX_CARDS, MAX_OPEN_CONCERNS, Trouble, concern_words
from appliance.sessions import rows as sessions
from appliance.sessions import waiting
from appliance.sessions.rules import in_room, member_after
from appliance.store.database import Transaction


def show_card(
    tx: Transaction, actor: Actor, session_id: str, kind: CardKind, member_id: str, at: str, *, again: bool = False
) -> None:
    """A card to all in the room, or to `member_id` alone. A private room has none. `again`: a second tap, which shows
    nothing more. Faults: refused, not_found, wrong_state.
    """
    permit = decide(actor, "show_card", sessions.facts(tx, session_id, member_id))
    if again:
        return
    session = sessions.session(tx, session_id)
    if session.state not in ("open", "locked") or session.parent or rows.count_cards(tx, session_id) >= MAX_CARDS:
        raise Fault("wrong_state", "a card in a session that is not going on, or too many")
    if member_id:
        member = sessions.member(tx, member_id, session_id)
        if member.facilitator or not in_room(session.state, member.standing):
            raise Fault("wrong_state", "a card for one who is not in the room, or leads")
    rows.add_card(tx, permit, kind, at)


def remind(tx: Transaction, actor: Actor, session_id: str, last: str, at: str) -> bool:
    """The box's own reminder, unless something was shown since `last` or the hour is not going on any more."""
    due = any(one.session == session_id and one.running and one.last == last for one in rows.going(tx))
    if due and rows.count_cards(tx, session_id) < MAX_CARDS:
        show_card(tx, actor, session_id, "reminder", "", at)
        return True
    return False


def acknowledge(tx: Transaction, actor: Actor, session_id: str, member_id: str, card_id: str, at: str) -> None:
    """The member has read that card. Faults: refused, wrong_state, not_found."""
    permit, _ = own_place(tx, actor, "acknowledge", session_id, member_id)
    if not any(card.id == card_id and card.to in ("", member_id) for card in rows.cards_of(tx, session_id)):
        raise Fault("not_found", "card")
    rows.acknowledge(tx, permit, card_id, at)


def raise_hand(tx: Transaction, actor: Actor, session_id: str, member_id: str, at: str, *, note: bool) -> None:
    """The member's own hand, up or down. The queue is the board's; `note`: whether it is to stand in the audit."""
    permit, _ = own_place(tx, actor, "raise_hand", session_id, member_id)
    if note:
        rows.asked(tx, permit, at)


def answer_phrase(tx: Transaction, actor: Actor, session_id: str, member_id: str, text: str, at: str) -> None:
    """What one who waits typed. Faults: refused (first, also for who has no place), and those of the waiting room."""
    decide(actor, "answer_phrase", sessions.facts(tx, session_id, member_id))
    waiting.answer_phrase(tx, actor, text, at)


def raise_concern(tx: Transaction, actor: Actor, session_id: str, member_id: str, kind: Trouble, at: str) -> str:
    """With one tap, from who is in the room or waits: the session that it is raised in. The same one once more while it
    is open changes nothing. Faults: refused, wrong_state."""
    own_place(tx, actor, "raise_concern", session_id, member_id)
    return _raise(tx, actor, kind, at, outside=False)


def write_concern(tx: Transaction, actor: Actor, kind: Trouble, words: str, at: str) -> str:
    """From the patient's own page, at any time of their visit: the session. Faults: refused, bad_request, too_large,
    wrong_state (too many are open already)."""
    return _raise(tx, actor, kind, at, words=concern_words(words), outside=True)


def _raise(tx: Transaction, actor: Actor, kind: Trouble, at: str, *, words: str = "", outside: bool) -> str:
    """What is raised in a private room belongs to the group's session: its leaders see it afterwards too."""
    own = sessions.member(tx, actor.member)
    permit = decide(actor, "raise_concern", sessions.facts(tx, own.session, own.id))
    session, member = rows.home(tx, own.session, own.id)
    known = rows.open_of(tx, own.person, session)
    if any((one.kind, one.words, one.outside) == (kind, words, outside) for one in known):
        return session
    if len(known) >= MAX_OPEN_CONCERNS:
        raise Fault("wrong_state", "enough concerns of one person are open")
    rows.add_concern(tx, permit, session, member, kind, at, words=words, outside=outside)
    return session


def handle_concern(tx: Transaction, actor: Actor, session_id: str, concern_id: str, at: str) -> None:
    """`actor` looks after it from now on. Faults: refused, not_found. A second time changes nothing.

    `session_id`: the session's, or that of a private room of it, where who leads may be just now.
    """
    session_id, _ = rows.home(tx, session_id, "")
    facts = sessions.facts(tx, session_id)
    found = rows.concern(tx, concern_id, session_id)
    permit = decide(
        actor,
        "handle_concern",
        Facts(facts.session, facts.leaders, found.member if found else "", found.person if found else "", concern_id),
    )
    if found is None:
        raise Fault("not_found", "concern")
    if not found.seen_at:
        rows.look_after(tx, permit, at)


def permit_to_handle(tx: Transaction, actor: Actor, session_id: str) -> Permit:
    """For the entry in the audit: showing what patients raised is one."""
    return decide(actor, "handle_concern", sessions.facts(tx, session_id))


def ask_page(tx: Transaction, actor: Actor, action: Action, session_id: str, member_id: str, at: str) -> None:
    """mute, ask_unmute or lower_hand for one who is in the room: the page does it. Faults: refused, not_found,
    wrong_state."""
    permit = decide(actor, action, sessions.facts(tx, session_id, member_id))
    session, member = sessions.session(tx, session_id), sessions.member(tx, member_id, session_id)
    member_after(member.standing, action, session.state)
    if not in_room(session.state, member.standing):
        raise Fault("wrong_state", "asked one who is not in the room")
    rows.asked(tx, permit, at)


def own_place(
    tx: Transaction, actor: Actor, action: Action, session_id: str, member_id: str
) -> tuple[Permit, sessions.Member]:
    """A permit for the asker's own place, where the table of standings has that step. Faults: refused, wrong_state."""
    if not member_id:
        raise Fault("refused", "no place in the room")
    permit = decide(actor, action, sessions.facts(tx, session_id, member_id))
    member = sessions.member(tx, member_id, session_id)
    if member.person != actor.person or member.facilitator:
        raise Fault("refused", "another's place")
    session = sessions.session(tx, session_id)
    if (member.standing, action) not in NEAR:
        raise Fault("refused", f"{action} of one who is {member.standing}")
    member_after(member.standing, action, session.state)
    return permit, member


# From where a patient may do what with their page's line.
NEAR = frozenset(
    {
        ("admitted", "raise_hand"),
        ("admitted", "acknowledge"),
        ("admitted", "raise_concern"),
        ("waiting", "raise_concern"),
    }
)
