"""How sessions and their members change: two tables, and which page comes next for a patient. Pure.

    scheduled ─open▶ open ─show_rules▶ rules ─begin▶ running        pause leads from these three to paused, resume back
        └─cancel─────────────────────────────────────▶ ended        end leads from each of them to ended

The door is a second fact of a session that is going on: unlocked, or locked by hand or by itself (`completes`).
expected ─present▶ joining ─ask▶ waiting ─admit▶ admitted  deny, remove, leave, reissue, rejoin as in MEMBER
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.faults import Fault
from appliance.policy import Action

# As the store keeps it: whether it is going on, and with it whether the door is locked.
State = Literal["scheduled", "open", "locked", "ended"]
# How far it is. While it goes on: people gather, the ground rules are shown, the hour itself, nobody sees or hears.
Phase = Literal["scheduled", "open", "rules", "running", "paused", "ended"]
GoingOn = Literal["open", "rules", "running"]
Standing = Literal["expected", "joining", "waiting", "admitted", "denied", "removed"]
Step = Literal["name", "agreement", "orientation", "devices", "space", "wait", "over"]
# Why somebody was removed: a word, since free text about a person belongs into a sealed note.
RemovalWhy = Literal["", "disruption", "recording", "not_alone", "other_person", "own_wish", "other"]
# Why the door is locked where nobody locked it: each one expected is in, or nobody who leads was here any more.
LockedWhy = Literal["", "complete", "leader"]
# Why nobody sees and hears a member, nor they the others.
Quiet = Literal["", "paused", "held"]

WAY: tuple[Step, ...] = ("name", "agreement", "orientation", "devices", "space", "wait")
MAX_DISPLAY_NAME = 40  # characters; longer ones break tiles and lists
FEWEST_WAITS = 3  # admissions of which an average is told
MAX_MEMBERS = 16  # people of one session, as many as the relay's rooms hold


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands. `before`: the phase that a pause returns to."""

    phase: Phase
    locked: bool = False
    before: GoingOn = "open"

    @property
    def state(self) -> State:
        """The word that the store keeps for it."""
        if self.phase in ("scheduled", "ended"):
            return self.phase
        return "locked" if self.locked else "open"


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table: from which phases, into which ("same", or "before" the pause), and what the door does.

    `door`: as it must be before, or None; `then`: as it is afterwards, or None where it stays.
    """

    phases: tuple[Phase, ...]
    to: Phase | Literal["same", "before"]
    door: bool | None = None
    then: bool | None = None


_GOING_ON: tuple[Phase, ...] = ("open", "rules", "running", "paused")

# fmt: off
SESSION: Mapping[Action, Move] = {
    #                  from                              to           locked before   locked after
    "open":       Move(("scheduled",),                   "open",                      then=False),
    "show_rules": Move(("open",),                        "rules"),
    "begin":      Move(("rules",),                       "running"),
    "pause":      Move(("open", "rules", "running"),     "paused"),
    "resume":     Move(("paused",),                      "before"),
    "lock":       Move(_GOING_ON,                        "same",      door=False,     then=True),
    "unlock":     Move(_GOING_ON,                        "same",      door=True,      then=False),
    "take_over":  Move(_GOING_ON,                        "same"),
    "end":        Move(("scheduled", *_GOING_ON),        "ended",                     then=False),
    "cancel":     Move(("scheduled",),                   "ended",                     then=False),
}
# fmt: on

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
    ("joining", "orient"): "joining",
    ("waiting", "orient"): "waiting",
    ("joining", "ask_question"): "joining",
    ("waiting", "ask_question"): "waiting",
    ("joining", "try_devices"): "joining",
    ("waiting", "try_devices"): "waiting",
    ("joining", "check_space"): "joining",
    ("waiting", "check_space"): "waiting",
    ("joining", "ask"): "waiting",
    ("waiting", "ask"): "waiting",
    ("denied", "ask"): "waiting",
    ("admitted", "ask"): "admitted",
    ("waiting", "vouch"): "waiting",
    ("waiting", "ask_phrase"): "waiting",
    ("waiting", "answer_phrase"): "waiting",
    ("waiting", "message"): "waiting",
    ("waiting", "admit"): "admitted",
    ("waiting", "let_through"): "admitted",
    ("admitted", "mute"): "admitted",
    ("admitted", "ask_unmute"): "admitted",
    ("admitted", "raise_hand"): "admitted",
    ("admitted", "lower_hand"): "admitted",
    ("admitted", "hold"): "admitted",
    ("admitted", "release"): "admitted",
    ("admitted", "flag"): "admitted",
    ("admitted", "unflag"): "admitted",
    ("admitted", "aside"): "admitted",
    ("admitted", "end_aside"): "admitted",
    ("admitted", "acknowledge"): "admitted",
    ("admitted", "raise_concern"): "admitted",
    ("waiting", "raise_concern"): "waiting",
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


def session_after(place: Place, action: Action) -> Place:
    """Where `action` leads to, or Fault("wrong_state")."""
    move = SESSION.get(action)
    if move is None or place.phase not in move.phases or (move.door is not None and move.door != place.locked):
        raise Fault("wrong_state", f"{action} in {place.phase}{', locked' if place.locked else ''}")
    to: Phase = place.phase if move.to == "same" else place.before if move.to == "before" else move.to
    before: GoingOn = place.before
    if place.phase in ("open", "rules", "running"):
        before = place.phase
    return Place(to, place.locked if move.then is None else move.then, before)


def completes(standings: Iterable[Standing]) -> bool:
    """Whether nobody is missing any more, so that the door locks by itself: each one expected is in, or was sent away.

    `standings`: of all who do not lead, after the last was let in.
    """
    known = tuple(standings)
    return "admitted" in known and all(one in ("admitted", "removed") for one in known)


def member_after(standing: Standing, action: Action, state: State) -> Standing:
    """The standing that `action` leads to in a session that is `state`.

    Faults: session_locked (a locked session admits nobody), wrong_state (an ended session changes nobody).
    """
    if action == "admit" and state == "locked":
        raise Fault("session_locked")
    if state == "ended" or (action in ("admit", "let_through") and state not in ("open", "locked")):
        raise Fault("wrong_state", f"{action} in a session that is {state}")
    if (standing, action) not in MEMBER:
        raise Fault("wrong_state", f"{action} for one who is {standing}")
    return MEMBER[standing, action]


def in_room(state: State, standing: Standing) -> bool:
    """Whether a member is of the room: on its roster and in its group of keys. The only place that says so."""
    return state in ("open", "locked") and standing == "admitted"


def average_minutes(waits: Sequence[float]) -> int | None:
    """How long people waited, of seconds each: whole minutes, at least one. None for so few that one of them would
    be told of."""
    if len(waits) < FEWEST_WAITS:
        return None
    return max(1, round(sum(waits) / len(waits) / 60))


def quiet(phase: Phase, *, held: bool) -> Quiet:
    """Why one in the room is apart from the others now, "" if they are not."""
    return "paused" if phase == "paused" else "held" if held else ""


def carried(state: State, phase: Phase, standing: Standing, *, held: bool) -> bool:
    """Whether the relay may carry a member's picture and sound now. The only place that says so."""
    return in_room(state, standing) and not quiet(phase, held=held)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a patient is on the way in. `signed_here`, `oriented_here`: done on this way, not on an earlier one."""

    state: State
    standing: Standing
    display_name: str = ""
    signed: bool = False
    oriented: bool = False
    devices_tried: bool = False
    space_checked: bool = False
    signed_here: bool = False
    oriented_here: bool = False


def next_step(progress: Progress) -> Step:
    """The page that a patient belongs on. Derived from what is stored, so a reload loses nothing.

    Who is in stays in: what counts anew since then, they sign before they come the next time.
    """
    if progress.state == "ended" or progress.standing in ("denied", "removed", "expected"):
        return "over"
    if progress.standing == "admitted":
        return "wait"
    done = {
        "name": bool(progress.display_name),
        "agreement": progress.signed,
        "orientation": progress.oriented,
        "devices": progress.devices_tried,
        "space": progress.space_checked,
    }
    return next((step for step in way(progress) if not done.get(step, False)), "wait")


def way(progress: Progress) -> tuple[Step, ...]:
    """The steps that this patient has, in order: who signed and was oriented on an earlier way goes past those."""
    skipped = {
        "agreement": progress.signed and not progress.signed_here,
        "orientation": progress.oriented and not progress.oriented_here,
    }
    return tuple(step for step in WAY if not skipped.get(step, False))


def display_name(text: str) -> str:
    """The display name as it is kept: one line, no control characters. Fault("bad_request") if nothing is left."""
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not 1 <= len(name) <= MAX_DISPLAY_NAME:
        raise Fault("bad_request", "display name")
    return name
