"""Every command of the console in one table: key bindings, key hints, palette and help are made from it. Pure.

The words of a command are `command.<id>` and `help.<id>` in the catalogues. A command that acts on a session or a
member carries the policy's word as its id, so *admit* is one word from key press to audit entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from appliance.control.types import Member, Phase, Session, Standing
from tui.model import Known, member, phase, session, waiting

Reach = Literal["everywhere", "inside", "session", "member"]
Target = tuple[str, str]  # ids of the session and the member that a page points at, or ""


@dataclass(frozen=True, slots=True)
class Command:
    """One row. `reach` says what it needs; `confirm`: ask once before it; `hint`: shown in the line of keys.

    `keys`: none where the palette is enough. Two share a key where each undoes the other or follows it, and never can
    both be done: the key does the one that can. `asks`: the policy's word that the login must have (`Login.may`), for
    what is done to the box itself; with `everywhere` it is asked of nobody at a box where nobody can sign in.
    """

    id: str
    keys: tuple[str, ...]
    reach: Reach
    confirm: bool = False
    hint: bool = True
    asks: str = ""

    @property
    def bound(self) -> tuple[str, ...]:
        """The keys that do it: letters in both cases, since hints show capitals and Caps Lock may be on."""
        return tuple(one for key in self.keys for one in variants(key))


def variants(key: str) -> tuple[str, ...]:
    """A key as terminals tell it: a letter in both cases."""
    return (key, key.upper()) if len(key) == 1 and key.isalpha() else (key,)


# In the order in which hints, palette and help show them.
COMMANDS: tuple[Command, ...] = (
    Command("handle_concern", ("exclamation_mark",), "session"),
    Command("vouch", ("v",), "member"),
    Command("ask_phrase", ("y",), "member"),
    Command("admit", ("a",), "member"),
    Command("let_through", ("w",), "member"),
    Command("deny", ("d",), "member", confirm=True),
    Command("message", ("m",), "member"),
    Command("mute", ("q",), "member"),
    Command("ask_unmute", (), "member", hint=False),
    Command("lower_hand", (), "member", hint=False),
    Command("hold", ("z",), "member"),
    Command("release", ("z",), "member"),
    Command("flag", ("f",), "member"),
    Command("unflag", ("f",), "member"),
    Command("end_aside", (), "member", hint=False, confirm=True),
    Command("remove", ("r",), "member"),  # asks why, which is its question
    Command("unblock", (), "member", hint=False, confirm=True),
    Command("reissue", ("i",), "member"),
    Command("rejoin", ("j",), "member", confirm=True, hint=False),
    Command("open", ("o",), "session"),
    Command("show_rules", ("1",), "session"),
    Command("begin", ("1",), "session"),
    Command("pause", ("p",), "session"),
    Command("resume", ("p",), "session"),
    Command("lock", ("l",), "session"),
    Command("unlock", ("u",), "session"),
    Command("show_card", ("x",), "session"),
    Command("take_over", (), "session", confirm=True, hint=False),
    Command("end", ("e",), "session", confirm=True),
    Command("next", ("n",), "inside"),
    Command("today", ("t", "f2"), "inside"),
    Command("health", ("h", "f3"), "inside"),
    Command("sync", ("s", "f4"), "inside"),
    Command("list_keys", ("k", "f7"), "inside", hint=False, asks="list_keys"),
    Command("back_up", ("b", "f8"), "inside", hint=False, asks="back_up"),
    Command("enrol_box", ("g", "f9"), "inside", hint=False, asks="enrol_box"),
    Command("install_update", ("9", "f11"), "inside", hint=False, asks="install_update"),
    Command("set_network", ("2",), "inside", hint=False, asks="set_network"),
    Command("set_clock", ("c", "f6"), "inside", hint=False, asks="set_clock"),
    Command("see_machine", ("7", "f12"), "everywhere", hint=False, asks="see_machine"),
    Command("restart_box", (), "inside", hint=False, asks="restart_box"),  # asks which of the two, or neither
    Command("reset_box", ("ctrl+n",), "everywhere", hint=False, asks="reset_box"),  # wants a name or a word typed
    Command("portal", (), "inside", hint=False),
    Command("calls", ("0", "f10"), "everywhere", hint=False),
    Command("help", ("question_mark", "f1"), "everywhere"),
    Command("palette", ("ctrl+p",), "everywhere"),
    Command("sign_out", ("ctrl+o",), "inside"),
    Command("quit", ("ctrl+q",), "everywhere", hint=False),
)

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}

# Two tables of what the box would refuse anyway; it decides in the end. Which standing a member must have:
STANDINGS: Mapping[str, tuple[Standing, ...]] = {
    "vouch": ("waiting",),
    "ask_phrase": ("waiting",),
    "admit": ("waiting",),
    "let_through": ("waiting",),
    "deny": ("waiting",),
    "message": ("waiting",),
    "mute": ("admitted",),
    "ask_unmute": ("admitted",),
    "lower_hand": ("admitted",),
    "hold": ("admitted",),
    "release": ("admitted",),
    "flag": ("admitted",),
    "unflag": ("admitted",),
    "end_aside": ("admitted",),
    "remove": ("waiting", "admitted"),
    "reissue": ("expected", "joining", "denied", "removed"),
    "rejoin": ("joining", "waiting", "admitted"),
}
# Where a session must be:
GOING_ON: tuple[Phase, ...] = ("open", "rules", "running", "paused")
PHASES: Mapping[str, tuple[Phase, ...]] = {
    "open": ("scheduled",),
    "show_rules": ("open",),
    "begin": ("rules",),
    "pause": ("open", "rules", "running"),
    "resume": ("paused",),
    "lock": GOING_ON,
    "unlock": GOING_ON,
    "take_over": GOING_ON,
    "show_card": GOING_ON,
    "end": ("scheduled", *GOING_ON),
}
# Why not, where it is none of these: by action and phase, * being any.
_PHASE_REFUSALS: Mapping[tuple[str, str], str] = {
    ("*", "scheduled"): "refusal.not_open",
    ("*", "ended"): "refusal.ended",
    ("open", "*"): "refusal.is_open",
    ("show_rules", "*"): "refusal.rules_shown",
    ("begin", "open"): "refusal.rules_first",
    ("begin", "*"): "refusal.has_begun",
    ("pause", "*"): "refusal.is_paused",
    ("resume", "*"): "refusal.not_paused",
}


def by_key(key: str, known: Known, target: Target) -> Command:
    """The command of a key that can be done here and now, else the first that has the key."""
    having = [one for one in COMMANDS if key in one.keys]
    return next((one for one in having if not refusal(one, known, target)), having[0])


def refusal(command: Command, known: Known, target: Target) -> str:
    """Why the command can't be done here: the id of a sentence, or "" if it can."""
    if command.reach == "everywhere":
        return _refusal_everywhere(command, known)
    if known.login is None:
        return "refusal.signed_out"
    if command.asks and command.asks not in known.login.may:
        return "refusal.role"
    if command.id == "next":
        return "" if any(waiting(one) for one in known.sessions) else "refusal.nobody_waits"
    if command.reach == "inside":
        return ""
    of = session(known, target[0])
    if of is None:
        return "refusal.no_session"
    if command.id not in of.actions:
        return "refusal.role"
    if not known.reached:
        return "refusal.away"
    if command.reach == "session":
        return _session_refusal(command.id, of)
    who = member(known, *target)
    return _member_refusal(command.id, of, who) if who else "refusal.no_member"


def _refusal_everywhere(command: Command, known: Known) -> str:
    """Where nobody can sign in, what the box itself offers is for whoever sits there."""
    state = known.box.state if known.box is not None else ""
    if command.id == "reset_box" and state == "new":
        return "refusal.new_box"
    if not command.asks or state in ("locked", "new"):
        return ""
    if known.login is None:
        return "refusal.signed_out"
    return "" if command.asks in known.login.may else "refusal.role"


def needs_confirm(command: Command, known: Known, target: Target) -> bool:
    """Whether to ask once. A new invitation in place of one that still works is asked for too: the old one stops."""
    if command.id == "reissue":
        who = member(known, *target)
        return who is not None and who.ticket == "issued"
    return command.confirm


def offered(known: Known, target: Target) -> tuple[Command, ...]:
    """The commands that can be done here and now, in the table's order."""
    return tuple(command for command in COMMANDS if not refusal(command, known, target))


def _session_refusal(action: str, of: Session) -> str:
    now = phase(of)
    if action == "handle_concern":
        return "" if of.concerns else "refusal.no_concern"
    if now not in PHASES[action]:
        keys = ((action, now), ("*", now), (action, "*"))
        return next(_PHASE_REFUSALS[key] for key in keys if key in _PHASE_REFUSALS)
    if action == "lock":
        return "refusal.is_locked" if of.locked else ""
    if action == "unlock":
        return "" if of.locked else "refusal.is_unlocked"
    return ""


def _member_refusal(action: str, of: Session, who: Member) -> str:
    if who.facilitator:
        return "refusal.facilitator"
    if action == "unblock":
        return "" if who.blocked else "refusal.not_blocked"
    if of.state == "ended":
        return "refusal.ended"
    if who.standing not in STANDINGS[action]:
        return f"refusal.not_for.{action}"
    if action in ("admit", "let_through") and (of.state != "open" or of.leader_lost):
        return "refusal.leader_lost" if of.state == "open" else "refusal.not_open"
    wrong = _facts_against(action, of, who)
    return f"refusal.{wrong}" if wrong else ""


def _facts_against(action: str, of: Session, who: Member) -> str:
    """What about this person keeps it back, where the standing does not: it is so already, or there is none of it."""
    against: Mapping[str, tuple[bool, str]] = {
        "vouch": (who.vouched, "is_vouched"),
        "ask_phrase": (not who.phrase, "no_phrase"),
        "admit": (of.locked, "door_locked"),
        "let_through": (not of.locked, "door_open"),
        "lower_hand": (who.id not in of.hands, "no_hand"),
        "hold": (who.held, "is_held"),
        "release": (not who.held, "not_held"),
        "flag": (who.flagged, "is_flagged"),
        "unflag": (not who.flagged, "not_flagged"),
        "end_aside": (not who.aside, "not_aside"),
        "reissue": (who.blocked, "is_blocked"),
    }
    so, why = against.get(action, (False, ""))
    return why if so else ""
