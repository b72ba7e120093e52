"""Who may do what: one literal table of actions, roles and reach. Default deny.

`decide` is the only maker of a Permit, and every writing function in a `rows.py` takes one, so an action that forgot to
ask does not type-check. Pure: no clock, no store.

Reach: "any" of the box; "own": sessions that the person leads, alone or with others, care groups that they are a
clinician of, their own account, or, for a patient, their own place in a session.
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
    "schedule",  # a session with its expected people; also: plan it otherwise before it opens
    "cancel",  # a session that was not opened; it is over then
    "see_people",  # the list of those who come, and the dates of one person's sessions
    "correct_name",  # of a person, as the record has it
    "archive",  # a person who does not come any more, or bring one back
    "unlock_box",  # by a key slot
    # keys and copies of the store
    "list_keys",
    "add_key",  # a key slot, tried once before it counts
    "remove_key",
    "rekey",
    "back_up",
    "restore",
    # headquarters
    "enrol_box",  # at headquarters, by the code that HQ read out; and trust other keys of HQ
    "doubt_log",  # notice that HQ has signed for what this box does not know: it was set back or copied
    "adopt_log",  # the way out of a box that was set back: go on after what HQ has
    "carry_by_stick",  # write sealed records on a stick, read what HQ put on one
    "read_returned",  # records of a lost box that HQ gave back
    "apply_pack",  # what HQ sends down: agreements, roster, resources
    "grant_disclosure",  # a person's written consent that records about them go to HQ, or its end
    "set_clock",  # tell the box what time it is
    "set_clock_back",  # more than a day before what the audit has noted already
    # the machine
    "set_network",  # how the box is on the network: cable, Wi-Fi, a Wi-Fi of its own; and its time zone
    "see_machine",  # how machine, network, clock and line are, as a text without names
    "install_update",  # install a signed release, or go back to the one before
    "restart_box",  # start the machine anew, or switch it off
    "reset_box",  # erase everything on the box, its keys first
    # staff and their accounts
    "see_staff",
    "appoint",
    "retire",
    "reset_sign_in",  # a new password to begin with, second factors forgotten
    "end_logins",  # of another person, everywhere
    # one's own account
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "see_account",
    "change_password",
    "set_second_factor",
    # the audit
    "read_audit",
    "export_audit",
    "verify_audit",
    # what billing may see: who was there and for how long
    "see_attendance",
    # care groups and the notes of their clinicians, sealed to them
    "see_care_groups",
    "change_care_group",  # found one, let a clinician in or out
    "see_notes",  # that there are notes, when and by whom
    "read_note",
    "search_notes",
    "write_note",
    "give_access",  # hand a group's keys to a clinician who is new in it
    "break_glass",  # read without being of the group, with a reason that stays
    "recover_notes",  # new keys for a clinician who forgot the password
    # around a group's hours
    "answer_question",  # of a patient's question box
    "edit_guidelines",  # a group's own card
    "new_cycle",  # everybody of the group signs again
    "see_on_call",
    "edit_on_call",
    "edit_contacts",  # the emergency contacts on every page
    "set_phrase",  # the check phrase of a person
    "record_licence",  # licences and trainings of staff, with their ends
    # a session
    "see",  # its waiting room and roster, with the names of the record
    "open",
    "lock",
    "unlock",
    "show_rules",  # the card with the ground rules, at the start
    "begin",  # the hour itself
    "pause",  # nobody sees or hears anybody until it is resumed
    "resume",
    "end",
    "take_over",  # lead from now on, of those who lead it together
    "enter",  # the facilitator's own way into the room
    "show_card",  # a reminder, the ground rules or a redirection, to all or to one; each is acknowledged
    "note_incident",  # that something happened; the words go into a sealed note
    "see_summary",  # attendance, reminders, incidents and what the group felt, after the session
    "handle_concern",  # see what patients raised, and note that somebody looks after it
    # a member of it
    "vouch",
    "ask_phrase",  # have one who waits type their check phrase
    "message",  # a line to one who waits
    "admit",
    "let_through",  # let one in through a locked door, which stays locked
    "deny",
    "mute",  # ask their page to switch the microphone off
    "ask_unmute",
    "lower_hand",
    "hold",  # neither see nor hear the others, nor be seen or heard, until released
    "release",
    "flag",  # a mark for those who lead: this one may need somebody
    "unflag",
    "aside",  # a private word in a room of its own
    "end_aside",  # back to the group
    "remove",  # with a reason, and for good where they are blocked
    "unblock",
    "reissue",  # a new code and PIN; the old ones stop
    "rejoin",  # a short-lived ticket for one who lost the line; their place stays
    # a patient's own steps
    "see_own_place",
    "present",  # code and PIN
    "name",
    "sign",
    "orient",  # has been through the orientation
    "ask_question",  # before the first session, for staff to answer
    "try_devices",
    "check_space",  # has been through the list for a private place
    "ask",
    "answer_phrase",
    "raise_hand",
    "acknowledge",  # a card that was shown
    "raise_concern",  # "I am not okay", "someone can hear me", "I have a privacy concern"
    "give_feedback",  # after the session, kept without who gave it
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

# What a route asks the policy for, all of it; the first is its gate: whoever may never do that comes no farther.
# "anyone": what it shows is for whoever reaches the listener, signed in or not.
Asks = Literal["anyone"] | tuple[Action, ...]

# fmt: off
_OWN_ACCOUNT: Mapping[Role, Reach] = {
    "administrator": "own", "operator": "own", "facilitator": "own", "clinical_lead": "own", "billing": "own",
    "auditor": "own",
}

TABLE: Mapping[Action, Mapping[Role, Reach]] = {
    "enrol":       {"box": "any", "administrator": "any", "operator": "any", "clinical_lead": "any"},
    "publish":     {"box": "any", "clinical_lead": "any"},
    "schedule":    {"box": "any", "operator": "any", "clinical_lead": "any"},
    "cancel":       {"operator": "any", "clinical_lead": "any"},
    "see_people":   {"operator": "any", "clinical_lead": "any"},
    "correct_name": {"operator": "any", "clinical_lead": "any"},
    "archive":      {"operator": "any", "clinical_lead": "any"},
    "unlock_box":  {"box": "any"},
    # the box itself: `hearth keys` beside a box that does not run, by one who opens its store with a working secret
    "list_keys":   {"box": "any", "administrator": "any"},
    "add_key":     {"box": "any", "administrator": "any"},
    "remove_key":  {"box": "any", "administrator": "any"},
    "rekey":       {"box": "any", "administrator": "any"},
    "back_up":     {"box": "any", "administrator": "any"},
    "restore":     {"box": "any"},
    "enrol_box":      {"box": "any", "administrator": "any"},
    "doubt_log":      {"box": "any"},
    "adopt_log":      {"box": "any", "administrator": "any"},
    "carry_by_stick": {"box": "any", "administrator": "any", "operator": "any", "clinical_lead": "any"},
    "read_returned":  {"clinical_lead": "any"},
    "apply_pack":     {"box": "any"},
    "grant_disclosure": {"box": "any", "operator": "any", "clinical_lead": "any", "patient": "own"},
    "set_clock":   {"administrator": "any", "operator": "any", "clinical_lead": "any"},
    "set_clock_back": {"administrator": "any"},
    "set_network": {"administrator": "any"},
    "see_machine": {"administrator": "any", "operator": "any", "clinical_lead": "any"},
    "install_update": {"box": "any", "administrator": "any"},
    "restart_box": {"administrator": "any", "operator": "any", "clinical_lead": "any"},
    "reset_box": {"administrator": "any"},
    "see_staff":     {"administrator": "any", "clinical_lead": "any"},
    "appoint":       {"box": "any", "administrator": "any", "clinical_lead": "any"},
    "retire":        {"administrator": "any", "clinical_lead": "any"},
    "reset_sign_in": {"administrator": "any", "clinical_lead": "any"},
    "end_logins":    {"administrator": "any", "clinical_lead": "any"},
    "sign_in":             _OWN_ACCOUNT,
    "sign_out":            _OWN_ACCOUNT,
    "sign_out_everywhere": _OWN_ACCOUNT,
    "see_account":         _OWN_ACCOUNT,
    "change_password":     _OWN_ACCOUNT,
    "set_second_factor":   _OWN_ACCOUNT,
    "read_audit":    {"auditor": "any"},
    "export_audit":  {"box": "any", "auditor": "any"},  # the box: in `hearth audit`, by whoever has its passphrase
    "verify_audit":  {"box": "any", "auditor": "any", "administrator": "any"},
    "see_attendance":    {"billing": "any", "clinical_lead": "any"},
    "see_care_groups":   {"facilitator": "own", "clinical_lead": "any"},
    "change_care_group": {"box": "any", "clinical_lead": "any"},
    "see_notes":         {"facilitator": "own", "clinical_lead": "any"},
    "read_note":         {"facilitator": "own", "clinical_lead": "own"},
    "search_notes":      {"facilitator": "own", "clinical_lead": "own"},
    "write_note":        {"facilitator": "own", "clinical_lead": "own"},
    "give_access":       {"facilitator": "own", "clinical_lead": "own"},
    "break_glass":       {"clinical_lead": "any"},
    "recover_notes":     {"clinical_lead": "any"},
    "answer_question": {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "edit_guidelines": {"facilitator": "own", "clinical_lead": "any"},
    "new_cycle":       {"facilitator": "own", "clinical_lead": "any"},
    "see_on_call":     _OWN_ACCOUNT,
    "edit_on_call":    {"administrator": "any", "operator": "any", "clinical_lead": "any"},
    "edit_contacts":   {"box": "any", "administrator": "any", "operator": "any", "clinical_lead": "any"},
    "set_phrase":      {"box": "any", "operator": "any", "clinical_lead": "any"},
    "record_licence":  {"box": "any", "administrator": "any", "clinical_lead": "any"},
    "see":         {"operator": "any", "facilitator": "own", "clinical_lead": "any", "box": "any"},
    "open":        {"facilitator": "own", "clinical_lead": "any"},
    "lock":        {"facilitator": "own", "clinical_lead": "any", "box": "any"},
    "unlock":      {"facilitator": "own", "clinical_lead": "any"},
    "end":         {"facilitator": "own", "clinical_lead": "any"},
    "show_rules":  {"facilitator": "own", "clinical_lead": "any"},
    "begin":       {"facilitator": "own", "clinical_lead": "any"},
    "pause":       {"facilitator": "own", "clinical_lead": "any"},
    "resume":      {"facilitator": "own", "clinical_lead": "any"},
    "take_over":   {"facilitator": "own"},
    "enter":       {"facilitator": "own"},
    "show_card":      {"facilitator": "own", "clinical_lead": "any", "box": "any"},
    "note_incident":  {"facilitator": "own", "clinical_lead": "any"},
    "see_summary":    {"facilitator": "own", "clinical_lead": "any"},
    "handle_concern": {"facilitator": "own", "clinical_lead": "any"},
    "ask_phrase":  {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "message":     {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "let_through": {"facilitator": "own", "clinical_lead": "any"},
    "mute":        {"facilitator": "own", "clinical_lead": "any"},
    "ask_unmute":  {"facilitator": "own", "clinical_lead": "any"},
    "lower_hand":  {"facilitator": "own", "clinical_lead": "any"},
    "hold":        {"facilitator": "own", "clinical_lead": "any"},
    "release":     {"facilitator": "own", "clinical_lead": "any"},
    "flag":        {"facilitator": "own", "clinical_lead": "any"},
    "unflag":      {"facilitator": "own", "clinical_lead": "any"},
    "aside":       {"facilitator": "own"},
    "end_aside":   {"facilitator": "own", "clinical_lead": "any", "patient": "own"},
    "unblock":     {"facilitator": "own", "clinical_lead": "any"},
    "vouch":       {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "admit":       {"facilitator": "own", "clinical_lead": "any"},
    "deny":        {"facilitator": "own", "clinical_lead": "any"},
    "remove":      {"facilitator": "own", "clinical_lead": "any"},
    "reissue":     {"operator": "any", "facilitator": "own", "clinical_lead": "any", "box": "any"},
    "rejoin":      {"operator": "any", "facilitator": "own", "clinical_lead": "any"},
    "see_own_place": {"patient": "own"},
    "present":     {"patient": "own"},
    "name":        {"patient": "own"},
    "sign":        {"patient": "own"},
    "orient":      {"patient": "own"},
    "ask_question": {"patient": "own"},
    "try_devices": {"patient": "own"},
    "check_space": {"patient": "own"},
    "ask":         {"patient": "own"},
    "answer_phrase": {"patient": "own"},
    "raise_hand":    {"patient": "own"},
    "acknowledge":   {"patient": "own"},
    "raise_concern": {"patient": "own"},
    "give_feedback": {"patient": "own"},
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
STATE_ACTIONS: tuple[Action, ...] = (
    "open",
    "show_rules",
    "begin",
    "pause",
    "resume",
    "lock",
    "unlock",
    "take_over",
    "end",
)
MEMBER_ACTIONS: tuple[Action, ...] = (
    "vouch",
    "ask_phrase",
    "message",
    "admit",
    "let_through",
    "deny",
    "mute",
    "ask_unmute",
    "lower_hand",
    "hold",
    "release",
    "flag",
    "unflag",
    "aside",
    "end_aside",
    "remove",
    "unblock",
    "reissue",
    "rejoin",
)
# Of a session as a whole, and with words of their own beside it: routes of their own carry them.
AROUND_ACTIONS: tuple[Action, ...] = ("show_card", "note_incident", "see_summary", "handle_concern")
ROOM_ACTIONS: tuple[Action, ...] = (
    "certify_key",
    "offer_keys",
    "look_at_group",
    "found_group",
    "commit_keys",
    "read_commits",
    "say",
    "compare",
)
# What a patient's page in the room asks of the box beside the keys (room/requests.py).
TAP_ACTIONS: tuple[Action, ...] = ("raise_hand", "acknowledge", "raise_concern", "answer_phrase")
SESSION_ACTIONS: tuple[Action, ...] = (*STATE_ACTIONS, "enter", *AROUND_ACTIONS, *MEMBER_ACTIONS)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `person` is "" for the box itself; `member` is a patient's own place in a session, else "".

    `address`: from where, as the listener saw it; recorded, never decided by.
    """

    person: str
    role: Role
    surface: Surface
    member: str = ""
    address: str = ""


BOX = Actor(person="", role="box", surface="command")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision looks at, "" where there is none.

    `leaders`: whose it is: who lead the session, the clinicians of a care group, or the person of a login. `person`:
    whose record is touched; `thing`: the opaque id of a note, care group, key slot or backup. Both go into the audit.
    """

    session: str = ""
    leaders: tuple[str, ...] = ()
    member: str = ""
    person: str = ""
    thing: str = ""


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


def may_ever(actor: Actor, action: Action) -> bool:
    """Whether the table lets that role do `action` on anything at all."""
    return actor.role in TABLE[action]


def decide_role(actor: Actor, action: Action) -> None:
    """The question before a thing is looked for: Fault("refused") for a role that never may. Makes no permit."""
    if not may_ever(actor, action):
        raise Fault("refused", f"{actor.role} may not {action}")


def is_named(asks: Asks) -> bool:
    """Whether a row of a route table says whom it lets in: everybody on purpose, or those who may do these actions."""
    return asks == "anyone" or (isinstance(asks, tuple) and asks != () and all(one in TABLE for one in asks))


def scope(actor: Actor) -> Reach | None:
    """Which sessions a list may hold for `actor`: any, own, or none. `rows` turns it into SQL."""
    return TABLE["see"].get(actor.role)


def may_do(actor: Actor, facts: Facts) -> tuple[Action, ...]:
    """The session actions that `actor` is offered for one session, in the table's order."""
    return tuple(action for action in SESSION_ACTIONS if allows(actor, action, facts))
