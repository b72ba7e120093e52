"""What pages ask of their session's group: the box orders the handshake and vouches for leaves; it decides no secret.

Each runs in one transaction. Who may is the policy's table, and on top of it where one stands: in the room, but for
credentials and offers, which those who wait may ask for as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.faults import Fault
from appliance.groups import credential, requests, rows, rules
from appliance.groups.requests import Asked
from appliance.groups.rules import Allowance, b64url
from appliance.policy import Actor, Permit, decide
from appliance.sessions import rows as sessions
from appliance.sessions.rules import carried, in_room
from appliance.store.database import Transaction

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks on an open page, and where: `member` is "" for staff without a place in the room."""

    actor: Actor
    session: str
    member: str
    language: str
    asks: Allowance = field(default_factory=lambda: Allowance(rules.ASKS_PER_SECOND, rules.ASKS_AT_ONCE))
    says: Allowance = field(default_factory=lambda: Allowance(rules.SAYS_PER_SECOND, rules.SAYS_AT_ONCE))
    offers: Allowance = field(default_factory=lambda: Allowance(rules.OFFERS_PER_SECOND, rules.OFFERS_AT_ONCE))
    taps: Allowance = field(default_factory=lambda: Allowance(rules.TAPS_PER_SECOND, rules.TAPS_AT_ONCE))

    def allowance(self, method: str) -> Allowance:
        if method.startswith("room"):
            return self.taps
        return {"groupSay": self.says, "groupOffer": self.offers}.get(method, self.asks)


def look(tx: Transaction, seat: Seat, asked: requests.AskLook | requests.AskCommits) -> Answer:
    """What is asked of a group without changing it. Faults: refused, wrong_state, stale_epoch."""
    _enter(tx, seat, asked)
    group = rows.group(tx, seat.session)
    if isinstance(asked, requests.AskLook):
        if group is None:
            return {"group": None, "epoch": 0, "groupInfo": None}
        return {"group": group.id, "epoch": group.epoch, "groupInfo": b64url(group.group_info)}
    if group is None or group.id != asked.group:
        raise Fault("stale_epoch", "another group")
    found = rows.commits(tx, seat.session, asked.after, rules.MAX_ANSWERED)
    if asked.after < group.epoch and (not found or found[0][0] != asked.after):
        raise Fault("stale_epoch", "further behind than commits are kept")
    return {"commits": [{"epoch": epoch, "commit": b64url(commit)} for epoch, commit in found]}


def do(tx: Transaction, seat: Seat, asked: Asked, at: str, *, note_credential: bool = True) -> Answer:
    """What changes a group or the way into it. Faults: refused, wrong_state, bad_request, stale_epoch.

    `note_credential`: whether a credential is to stand in the audit; its caller leaves out those asked for in a row.
    """
    match asked:
        case requests.AskCredential():
            return {"credential": _certify(tx, seat, asked, at if note_credential else "")}
        case requests.AskOffer():
            permit, _ = _come_near(tx, seat, asked)
            rows.offer(tx, permit, asked.key_package, at)
        case requests.AskFound():
            _found(tx, seat, asked, at)
        case requests.AskCommit():
            _commit(tx, seat, asked, at)
        case requests.AskCompared():
            _compare(tx, seat, asked, at)
        case _:
            raise TypeError(type(asked).__name__)
    return {}


def hearers(tx: Transaction, seat: Seat, asked: requests.AskSay) -> frozenset[str]:
    """The members who may hear what is said now: those in the room, or those of them whom it is for.

    While the hour is paused, or one of the two is held, patients hear each other as little in the chat as by sound; who
    leads says to everybody, and everybody to who leads. Faults: refused, bad_request, wrong_state.
    """
    _enter(tx, seat, asked)
    group = rows.group(tx, seat.session)
    if group is None or group.id != asked.group:
        raise Fault("wrong_state", "said in a group that does not stand")
    session, members = sessions.session(tx, seat.session), sessions.members(tx, seat.session)
    if asked.to is not None and not set(asked.to) <= {m.id for m in members}:
        raise Fault("bad_request", "said to nobody of this session")
    own = next(m for m in members if m.id == seat.member)
    near = [m for m in members if in_room(session.state, m.standing) and not m.aside]
    free = {m.id for m in near if carried(session.state, session.phase, m.standing, held=m.held)}
    if asked.to is None and not own.facilitator and own.id not in free:
        raise Fault("wrong_state", "said to all while paused or held")
    hear = {m.id for m in near if own.facilitator or m.facilitator or {own.id, m.id} <= free}
    if asked.to is not None and not set(asked.to) <= {*hear, own.id}:
        raise Fault("wrong_state", "said to one who does not hear it now")
    return frozenset(hear if asked.to is None else asked.to)


def credential_key(tx: Transaction) -> bytes:
    """The public key that credentials are checked with; the transaction must be one that writes."""
    return credential.public_key(rows.credential_seed(tx))


def _certify(tx: Transaction, seat: Seat, asked: requests.AskCredential, noted_at: str) -> str:
    """The role is the login's, not the page's claim: `_place` lets a facilitator through only where they may enter."""
    permit, member = _come_near(tx, seat, asked)
    if noted_at:
        rows.certified(tx, permit, noted_at)
    said = rules.Credential(
        v=1,
        session=seat.session,
        member=member.id,
        role="facilitator" if seat.actor.role == "facilitator" else "participant",
        name=member.display_name,
        language=seat.language,
        key=b64url(asked.key),
    )
    return credential.identity(rows.credential_seed(tx), said)


def _found(tx: Transaction, seat: Seat, asked: requests.AskFound, at: str) -> None:
    permit = _enter(tx, seat, asked)
    group = rows.group(tx, seat.session)
    if group == rows.Group(asked.group, seat.member, 0, bytes(asked.group_info)):
        return  # asked before, and the answer was lost
    if (group.id if group else None) != asked.instead:
        raise Fault("stale_epoch", "another group stands")
    rows.found(tx, permit, asked.group, asked.group_info, at)


def _commit(tx: Transaction, seat: Seat, asked: requests.AskCommit, at: str) -> None:
    permit = _enter(tx, seat, asked)
    group = rows.group(tx, seat.session)
    if group is None or group.id != asked.group:
        raise Fault("stale_epoch", "another group")
    if rows.made(tx, seat.session, asked.epoch) == rows.Made(seat.member, bytes(asked.commit)):
        return  # asked before, and the answer was lost
    if group.epoch != asked.epoch:
        raise Fault("stale_epoch", "another commit was first")
    _check_added(tx, seat.session, asked.added)
    rows.commit(tx, permit, asked.epoch, asked.commit, asked.group_info, rules.KEPT_COMMITS, at)
    rows.welcome(tx, permit, asked.added, asked.epoch + 1, asked.welcome)


def _check_added(tx: Transaction, session: str, added: tuple[str, ...]) -> None:
    """Nobody is welcomed who has gone out while the commit was made. Faults: bad_request, wrong_state."""
    standings = {m.id: m.standing for m in sessions.members(tx, session)}
    if not set(added) <= set(standings):
        raise Fault("bad_request", "added nobody of this session")
    if any(standings[member] not in ("waiting", "admitted") for member in added):
        raise Fault("wrong_state", "added one who is out")


def _compare(tx: Transaction, seat: Seat, asked: requests.AskCompared, at: str) -> None:
    permit = _enter(tx, seat, asked)
    group = rows.group(tx, seat.session)
    if group is None or (group.id, group.epoch) != (asked.group, asked.epoch):
        raise Fault("stale_epoch", "compared what stands no more")
    rows.compare(tx, permit, group.id, group.epoch, at)


def _enter(tx: Transaction, seat: Seat, asked: Asked) -> Permit:
    """A permit for one who is in the room. Faults: refused, wrong_state (the session is not open)."""
    permit, member = _place(tx, seat, asked)
    if not in_room(sessions.session(tx, seat.session).state, member.standing):
        raise Fault("wrong_state" if member.standing == "admitted" else "refused", "not in the room")
    if member.aside:
        raise Fault("wrong_state", "in a private room")
    return permit


def _come_near(tx: Transaction, seat: Seat, asked: Asked) -> tuple[Permit, sessions.Member]:
    """A permit for one who waits or was let in, while the session is not over. Faults: refused, wrong_state."""
    permit, member = _place(tx, seat, asked)
    if member.standing not in ("waiting", "admitted"):
        raise Fault("refused", "neither waiting nor in the room")
    if sessions.session(tx, seat.session).state == "ended":
        raise Fault("wrong_state", "the session is over")
    return permit, member


def _place(tx: Transaction, seat: Seat, asked: Asked) -> tuple[Permit, sessions.Member]:
    """A permit, and the place of the asker's own: a facilitator's is of that person, a patient's of no facilitator."""
    permit = decide(seat.actor, asked.ACTION, sessions.facts(tx, seat.session, seat.member))
    if not seat.member:
        raise Fault("refused", "no place in the room")
    member = sessions.member(tx, seat.member, seat.session)
    if member.person != seat.actor.person or member.facilitator != (seat.actor.role == "facilitator"):
        raise Fault("refused", "another's place")
    return permit, member
