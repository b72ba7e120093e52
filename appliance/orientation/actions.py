"""Read the orientation; ask, and answer what was asked. Each runs on the writer thread in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.faults import Fault
from appliance.orientation import rows
from appliance.orientation.rules import MAX_ANSWER, MAX_OPEN, MAX_QUESTION, words
from appliance.policy import Actor, Facts, allows, decide, decide_role
from appliance.sessions import rows as sessions
from appliance.sessions.rules import member_after
from appliance.store.database import Transaction

SHOWN_ANSWERED = 50  # of those already answered: what staff look back at


@dataclass(frozen=True, slots=True)
class Desk:
    """What staff see of the question box: what waits, oldest first, and what was answered last."""

    open: tuple[rows.Question, ...]
    answered: tuple[rows.Question, ...]


def orient(tx: Transaction, actor: Actor, at: str) -> None:
    """The patient has read the orientation. Faults: refused, wrong_state."""
    permit, member = decide(actor, "orient", Facts(member=actor.member)), sessions.member(tx, actor.member)
    member_after(member.standing, "orient", sessions.session(tx, member.session).state)
    rows.add_orientation(tx, permit, member.person, member.id, at)


def ask(tx: Transaction, actor: Actor, text: str, at: str) -> str:
    """A question for staff; its id. Faults: refused, bad_request, wrong_state (also where `MAX_OPEN` wait already)."""
    permit, member = decide(actor, "ask_question", Facts(member=actor.member)), sessions.member(tx, actor.member)
    session = sessions.session(tx, member.session)
    member_after(member.standing, "ask_question", session.state)
    kept = words(text, MAX_QUESTION)
    if rows.open_of(tx, member.person) >= MAX_OPEN:
        raise Fault("wrong_state", "too many questions wait")
    return rows.add_question(tx, permit, member.person, session.care_group, kept, at)


def answer(tx: Transaction, actor: Actor, question: str, text: str, at: str) -> None:
    """Answer one. Faults: not_found, refused, bad_request."""
    permit = decide(actor, "answer_question", rows.facts(tx, question))
    rows.answer(tx, permit, question, words(text, MAX_ANSWER), at)


def see(tx: Transaction, actor: Actor) -> Desk:
    """The questions that `actor` may answer. Fault("refused") for a role that never may."""
    decide_role(actor, "answer_question")
    mine = [
        [one for one in found if allows(actor, "answer_question", rows.facts(tx, one.id))]
        for found in (rows.open_questions(tx), rows.answered(tx, SHOWN_ANSWERED))
    ]
    return Desk(tuple(mine[0]), tuple(mine[1]))
