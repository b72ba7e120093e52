"""Every command of the console in one table: key bindings, key hints, palette and help are made from it. Pure.

The words of a command are `command.<id>` and `help.<id>` in `tui/sentences`. A command that acts on a session or a
member carries the policy's word as its id, so *admit* is one word from key press to audit entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from appliance.control.types import Member, Session, Standing
from tui.model import Known, member, session, waiting

Reach = Literal["everywhere", "inside", "session", "member"]
Target = tuple[str, str]  # ids of the session and the member that a page points at, or ""


@dataclass(frozen=True, slots=True)
class Command:
    """One row. `reach` says what it needs; `confirm`: ask once before it; `hint`: shown in the line of keys.

    `asks`: the policy's word that the login must have (`Login.may`), for what is done to the box itself.
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
        return self.keys + tuple(key.upper() for key in self.keys if len(key) == 1)


# In the order in which hints, palette and help show them.
COMMANDS: tuple[Command, ...] = (
    Command("vouch", ("v",), "member"),
    Command("admit", ("a",), "member"),
    Command("deny", ("d",), "member", confirm=True),
    Command("remove", ("r",), "member", confirm=True),
    Command("reissue", ("i",), "member"),
    Command("rejoin", ("j",), "member", confirm=True),
    Command("open", ("o",), "session"),
    Command("lock", ("l",), "session"),
    Command("unlock", ("u",), "session"),
    Command("end", ("e",), "session", confirm=True),
    Command("next", ("n",), "inside"),
    Command("today", ("t", "f2"), "inside"),
    Command("health", ("h", "f3"), "inside"),
    Command("sync", ("s", "f4"), "inside"),
    Command("list_keys", ("k", "f7"), "inside", hint=False, asks="list_keys"),
    Command("back_up", ("b", "f8"), "inside", hint=False, asks="back_up"),
    Command("enrol_box", ("g", "f9"), "inside", hint=False, asks="enrol_box"),
    Command("set_clock", ("c", "f6"), "inside", hint=False, asks="set_clock"),
    Command("help", ("question_mark", "f1"), "everywhere"),
    Command("palette", ("ctrl+p",), "everywhere"),
    Command("sign_out", ("ctrl+o",), "inside"),
    Command("quit", ("ctrl+q",), "everywhere", hint=False),
)

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}

# Which standing a member must have; the box decides in the end, this only keeps back what it would refuse anyway.
STANDINGS: Mapping[str, tuple[Standing, ...]] = {
    "vouch": ("waiting",),
    "admit": ("waiting",),
    "deny": ("waiting",),
    "remove": ("waiting", "admitted"),
    "reissue": ("expected", "joining", "denied", "removed"),
    "rejoin": ("joining", "waiting", "admitted"),
}


def refusal(command: Command, known: Known, target: Target) -> str:
    """Why the command can't be done here: the id of a sentence, or "" if it can."""
    if command.reach == "everywhere":
        return ""
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
    if of.state == "ended":
        return "refusal.ended"
    if action == "open":
        return "refusal.is_open" if of.state == "open" else ""
    if action in ("lock", "unlock") and of.state != "open":
        return "refusal.not_open"
    if action == "lock":
        return "refusal.is_locked" if of.locked else ""
    if action == "unlock":
        return "" if of.locked else "refusal.is_unlocked"
    return ""


def _member_refusal(action: str, of: Session, who: Member) -> str:
    if who.facilitator:
        return "refusal.facilitator"
    if of.state == "ended":
        return "refusal.ended"
    if who.standing not in STANDINGS[action]:
        return f"refusal.not_for.{action}"
    if action == "vouch" and who.vouched:
        return "refusal.is_vouched"
    if action == "admit" and of.state != "open":
        return "refusal.not_open"
    if action == "admit" and of.locked:
        return "refusal.door_locked"
    return ""
