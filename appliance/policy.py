"""Who may do what: one literal table of actions, roles and reach. Default deny.

`decide` is the only maker of a Permit, and every writing function in a `rows.py` takes one, so an action that forgot to
ask does not type-check. Pure: no clock, no store.

Reach: "any" session of the box; "own": sessions that the person leads, alone or with others, or, for a patient, their
own place in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from appliance.faults import Fault

StaffRole = Literal["administrator", "operator", "facilitator", "clinical_lead", "billing", "auditor"]
Role = StaffRole | Literal["patient", "box"]
Surface = Literal["portal", "console", "command"]
Reach = Literal["any", "own"]

Action = Literal[
    # the box itself, at set-up and in `hearth` commands
    "enrol",  # note down a person, staff or patient
    "publish",  # a new version of an agreement
    "schedule",  # a session with its expected people
    # people coming and going
    "sign_in",
    "sign_out",
    # a session
    "see",  # its waiting room and roster, with the names of the record
    "open",
    "lock",
    "unlock",
    "end",
    "enter",  # the facilitator's own way into the room
    # a member of it
    "vouch",
    "admit",
    "deny",
    "remove",
    "reissue",  # a new code and PIN; the old ones stop
    # a patient's own steps
    "present",  # code and PIN
    "name",
    "sign",
    "try_devices",
    "ask",
    "leave",
    # the keys of the room; beyond this table, being in the room is asked for (groups/actions.py)
    "certify_key",  # the box's word for whose key a leaf's is
    "offer_keys",  # ask to be let into the group of keys
    "look_at_group",  # what one needs to come (back) into it from outside
    "found_group",
    "commit_keys",  # let in and put out
    "read_commits",
    "say",
    "compare",  # the roster code was read aloud
]

# fmt: off
TABLE: Mapping[Action, Mapping[Role, Reach]] = {
    "enrol":       {"box": "any", "administrator": "any", "operator": "any", "clinical_lead": "any"},
    "publish":     {"box": "any", "clinical_lead": "any"},
    "schedule":    {"box": "any", "operator": "any", "clinical_lead": "any"},
    "sign_in":     {"administrator": "own", "operator": "own", "facilitator": "own", "clinical_lead": "own",
                    "billing": "own", "auditor": "own"},
    "sign_out":    {"administrator": "own", "operator": "own", "facilitator": "own", "clinical_lead": "own",
                    "billing": "own", "auditor": "own"},
    "see":         {"operator": "any", "facilitator": "own", "clinical_lead": "any", "box": "any"},
    "open":        {"facilitator": "own", "clinical_lead": "any"},
    "lock":        {"facilitator": "own", "clinical_lead": "any"},
    "unlock":      {"facilitator": "own", "clinical_lead": "any"},
    "end":         {"facilitator": "own", "clinical_lead": "any"},
    "enter":       {"facilitator": "own"},
    "vouch":       {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "admit":       {"facilitator": "own", "clinical_lead": "any"},
    "deny":        {"facilitator": "own", "clinical_lead": "any"},
    "remove":      {"facilitator": "own", "clinical_lead": "any"},
    "reissue":     {"operator": "any", "facilitator": "own", "clinical_lead": "any", "box": "any"},
    "present":     {"patient": "own"},
    "name":        {"patient": "own"},
    "sign":        {"patient": "own"},
    "try_devices": {"patient": "own"},
    "ask":         {"patient": "own"},
    "leave":       {"patient": "own"},
    "certify_key":   {"facilitator": "own", "patient": "own"},
    "offer_keys":    {"patient": "own"},
    "look_at_group": {"facilitator": "own"},
    "found_group":   {"facilitator": "own"},
    "commit_keys":   {"facilitator": "own"},
    "read_commits":  {"facilitator": "own", "patient": "own"},
    "say":           {"facilitator": "own", "patient": "own"},
    "compare":       {"facilitator": "own"},
}
# fmt: on

ACTIONS: tuple[Action, ...] = get_args(Action)
ROLES: tuple[Role, ...] = (*get_args(StaffRole), "patient", "box")
SESSION_ACTIONS: tuple[Action, ...] = (
    "open",
    "lock",
    "unlock",
    "end",
    "enter",
    "vouch",
    "admit",
    "deny",
    "remove",
    "reissue",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `person` is "" for the box itself; `member` is a patient's own place in a session, else ""."""

    person: str
    role: Role
    surface: Surface
    member: str = ""


BOX = Actor(person="", role="box", surface="command")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision looks at, "" where there is none. `leaders`: who lead the session, or whose login it is."""

    session: str = ""
    leaders: tuple[str, ...] = ()
    member: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """A yes with proof: who, what, on what. Made by `decide` only."""

    actor: Actor
    action: Action
    facts: Facts
    _made_by: object

    def __post_init__(self) -> None:
        if self._made_by is not _MAKER:
            raise TypeError("only policy.decide makes permits")


_MAKER = object()


def allows(actor: Actor, action: Action, facts: Facts) -> bool:
    """Whether the table lets `actor` do `action` on `facts`."""
    reach = TABLE[action].get(actor.role)
    if reach != "own":
        return reach == "any"
    if actor.role == "patient":
        return actor.member != "" and actor.member == facts.member
    return actor.person != "" and actor.person in facts.leaders


def decide(actor: Actor, action: Action, facts: Facts) -> Permit:
    """A permit, or Fault("refused"). The refusal is noted in the audit by the caller's listener."""
    if not allows(actor, action, facts):
        raise Fault("refused", f"{actor.role} may not {action}")
    return Permit(actor, action, facts, _MAKER)


def scope(actor: Actor) -> Reach | None:
    """Which sessions a list may hold for `actor`: any, own, or none. `rows` turns it into SQL."""
    return TABLE["see"].get(actor.role)


def may_do(actor: Actor, facts: Facts) -> tuple[Action, ...]:
    """The session actions that `actor` is offered for one session, in the table's order."""
    return tuple(action for action in SESSION_ACTIONS if allows(actor, action, facts))
