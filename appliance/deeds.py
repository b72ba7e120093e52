"""Each word of a session or member action, and what it does: one literal table. Runs in one transaction.

Who may, and in which state, is decided by what is called here; a word without a row does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from appliance.clock import now_seconds
from appliance.policy import STATE_ACTIONS, Action, Actor
from appliance.room import actions as room
from appliance.sessions import actions as sessions
from appliance.sessions import asides, states, waiting
from appliance.sessions.given import NOTHING, Given
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from appliance.tickets.actions import Issued


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done, and what is true besides the store. `member`: "" for a session's.

    `full`: the box carries nobody more. `leaderless`: nobody who leads is here. `here`: members with a page open.
    """

    actor: Actor
    action: Action
    session: str
    member: str
    at: str
    given: Given = NOTHING
    full: bool = False
    leaderless: bool = False
    here: Collection[str] = ()


def do(tx: Transaction, deed: Deed) -> Issued | None:
    """A new ticket where one is made. Faults: those of what is done."""
    asides.check(tx, deed.action, deed.session)
    return _TABLE[deed.action](tx, deed)


def _change(tx: Transaction, d: Deed) -> None:
    sessions.change(tx, d.actor, d.action, d.session, d.at)
    if d.action == "show_rules":
        room.show_card(tx, d.actor, d.session, "rules", "", d.at)


def _take_over(tx: Transaction, d: Deed) -> None:
    states.take_over(tx, d.actor, d.session, d.at)


def _vouch(tx: Transaction, d: Deed) -> None:
    waiting.vouch(tx, d.actor, d.session, d.member, d.at)


def _ask_phrase(tx: Transaction, d: Deed) -> None:
    waiting.ask_phrase(tx, d.actor, d.session, d.member, d.at)


def _message(tx: Transaction, d: Deed) -> None:
    waiting.message(tx, d.actor, d.session, d.member, d.given.text, d.at)


def _let_in(tx: Transaction, d: Deed) -> None:
    states.let_in(tx, d.actor, d.action, d.session, d.member, d.at, full=d.full, leaderless=d.leaderless)


def _send_out(tx: Transaction, d: Deed) -> None:
    states.send_out(tx, d.actor, d.action, d.session, d.member, d.at, given=d.given)


def _mark(tx: Transaction, d: Deed) -> None:
    states.mark(tx, d.actor, d.action, d.session, d.member, d.at)


def _unblock(tx: Transaction, d: Deed) -> None:
    states.unblock(tx, d.actor, d.session, d.member, d.at)


def _ask_page(tx: Transaction, d: Deed) -> None:
    room.ask_page(tx, d.actor, d.action, d.session, d.member, d.at)


def _aside(tx: Transaction, d: Deed) -> None:
    asides.begin(tx, d.actor, d.session, d.member, d.given.leader, d.at, here=d.here)


def _end_aside(tx: Transaction, d: Deed) -> None:
    asides.end(tx, d.actor, d.session, d.member, d.at)


def _reissue(tx: Transaction, d: Deed) -> Issued:
    return tickets.reissue(tx, d.actor, d.session, d.member, d.at, now_seconds())


def _rejoin(tx: Transaction, d: Deed) -> Issued:
    return tickets.rejoin(tx, d.actor, d.session, d.member, d.at, now_seconds())


_TABLE: Mapping[Action, Callable[[Transaction, Deed], Issued | None]] = {
    **dict.fromkeys(STATE_ACTIONS, _change),
    "take_over": _take_over,
    "vouch": _vouch,
    "ask_phrase": _ask_phrase,
    "message": _message,
    "admit": _let_in,
    "let_through": _let_in,
    "deny": _send_out,
    "remove": _send_out,
    "hold": _mark,
    "release": _mark,
    "flag": _mark,
    "unflag": _mark,
    "unblock": _unblock,
    "mute": _ask_page,
    "ask_unmute": _ask_page,
    "lower_hand": _ask_page,
    "aside": _aside,
    "end_aside": _end_aside,
    "reissue": _reissue,
    "rejoin": _rejoin,
}
