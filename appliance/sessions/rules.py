"""How sessions and their members change: two tables, and which page comes next for a patient. Pure.

scheduled ──open──▶ open ◀──lock / unlock──▶ locked        end leads from each of them to ended, cancel from scheduled
expected ─present▶ joining ─ask▶ waiting ─admit▶ admitted  deny, remove, leave, reissue, rejoin as in MEMBER
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from appliance.faults import Fault
from appliance.policy import Action

State = Literal["scheduled", "open", "locked", "ended"]
Standing = Literal["expected", "joining", "waiting", "admitted", "denied", "removed"]
Step = Literal["name", "agreement", "devices", "wait", "over"]

MAX_DISPLAY_NAME = 40  # characters; longer ones break tiles and lists
MAX_MEMBERS = 16  # people of one session, as many as the relay's rooms hold

SESSION: Mapping[tuple[State, Action], State] = {
    ("scheduled", "open"): "open",
    ("scheduled", "end"): "ended",
    ("scheduled", "cancel"): "ended",
    ("open", "lock"): "locked",
    ("open", "end"): "ended",
    ("locked", "unlock"): "open",
    ("locked", "end"): "ended",
}

MEMBER: Mapping[tuple[Standing, Action], Standing] = {
    ("expected", "present"): "joining",
    ("joining", "present"): "joining",
    ("waiting", "present"): "waiting",
    ("admitted", "present"): "admitted",
    ("denied", "present"): "denied",
    ("joining", "name"): "joining",
    ("waiting", "name"): "waiting",
    ("joining", "sign"): "joining",
    ("waiting", "sign"): "waiting",
    ("joining", "try_devices"): "joining",
    ("waiting", "try_devices"): "waiting",
    ("joining", "ask"): "waiting",
    ("waiting", "ask"): "waiting",
    ("denied", "ask"): "waiting",
    ("admitted", "ask"): "admitted",
    ("waiting", "vouch"): "waiting",
    ("waiting", "admit"): "admitted",
    ("waiting", "deny"): "denied",
    ("waiting", "leave"): "joining",
    ("admitted", "leave"): "joining",
    ("waiting", "remove"): "removed",
    ("admitted", "remove"): "removed",
    ("expected", "reissue"): "expected",
    ("joining", "reissue"): "expected",
    ("denied", "reissue"): "expected",
    ("removed", "reissue"): "expected",
    ("joining", "rejoin"): "joining",
    ("waiting", "rejoin"): "waiting",
    ("admitted", "rejoin"): "admitted",
}


def session_after(state: State, action: Action) -> State:
    """The state that `action` leads to, or Fault("wrong_state")."""
    if (state, action) not in SESSION:
        raise Fault("wrong_state", f"{action} in {state}")
    return SESSION[state, action]


def member_after(standing: Standing, action: Action, state: State) -> Standing:
    """The standing that `action` leads to in a session that is `state`.

    Faults: session_locked (a locked session admits nobody), wrong_state (an ended session changes nobody).
    """
    if action == "admit" and state == "locked":
        raise Fault("session_locked")
    if state == "ended" or (action == "admit" and state != "open"):
        raise Fault("wrong_state", f"{action} in a session that is {state}")
    if (standing, action) not in MEMBER:
        raise Fault("wrong_state", f"{action} for one who is {standing}")
    return MEMBER[standing, action]


def in_room(state: State, standing: Standing) -> bool:
    """Whether the relay may carry a member's picture and sound. The only place that says so."""
    return state in ("open", "locked") and standing == "admitted"


def next_step(state: State, standing: Standing, display_name: str, signed: bool, devices_tried: bool) -> Step:
    """The page that a patient belongs on. Derived from what is stored, so a reload loses nothing."""
    if state == "ended" or standing in ("denied", "removed", "expected"):
        return "over"
    if not display_name:
        return "name"
    if not signed:
        return "agreement"
    return "wait" if devices_tried else "devices"


def display_name(text: str) -> str:
    """The display name as it is kept: one line, no control characters. Fault("bad_request") if nothing is left."""
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not 1 <= len(name) <= MAX_DISPLAY_NAME:
        raise Fault("bad_request", "display name")
    return name
