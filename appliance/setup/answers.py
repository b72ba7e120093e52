"""What set-up has been told so far and may stand on the disk in clear: how far it is, and nothing secret.

`setup.json` is written whole or not at all, so a power cut at any moment leaves the step before or the one after. A
clinic that was made by `hearth init`, or before there was a set-up, has none; one whose set-up ended says `finished`.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from appliance.faults import Fault
from appliance.home import Home
from appliance.store import birth
from appliance.store.files import fault_of_os, sync_folder, write_atomically

# In their order. From `codes` on there is a clinic; `codes` are those of the first two accounts.
Step = Literal["welcome", "place", "clinic", "network", "passphrase", "codes", "sheet", "headquarters", "done"]
STEPS: tuple[Step, ...] = get_args(Step)
MAX_BYTES = 16 * 1024


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """`step`: where to go on. `zone`: the one that was chosen, as the tz database names it, or "";
    `keyboard`: the same of the screen's keyboard."""

    version: Literal[1] = 1
    step: Step = "welcome"
    zone: str = ""
    keyboard: str = ""
    finished: bool = False


def load(home: Home) -> Answers | None:
    """What is written there; None where nothing is, or nothing that can be read: then a store that is there counts."""
    try:
        with home.setup.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=Answers)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def save(home: Home, answers: Answers) -> None:
    """Faults: home_not_writable, home_read_only, disk_full, store_failed."""
    write_atomically(home.setup, msgspec.json.encode(answers))


def finish(home: Home) -> None:
    """The clinic was made otherwise: no set-up goes on here."""
    save(home, Answers(step="done", finished=True))


def forget(home: Home) -> None:
    """No file says that a set-up is under way: a store that comes here next is one in use. Faults: the disk's."""
    try:
        home.setup.unlink(missing_ok=True)
        sync_folder(home.root)
    except OSError as problem:
        raise fault_of_os(problem) from problem


def begin(home: Home) -> Answers | None:
    """Where set-up stands as the box starts; None where there is none (any more).

    Without a store it begins; with one it goes on only where it says itself that it was under way. A store that is gone
    from a clinic that had one is a loss to be told, and no new box.
    """
    there, born = load(home), birth.present(home.store)
    if there is None:
        return None if born or home.witness.exists() else Answers()
    if there.finished:
        return None
    return reached(there, "codes") if born else there


def reached(answers: Answers, step: Step) -> Answers:
    """`answers` with that step as where to go on, unless it was further already."""
    if STEPS.index(step) <= STEPS.index(answers.step):
        return answers
    return msgspec.structs.replace(answers, step=step)


def step_of(word: str) -> Step:
    """Fault("bad_request") for another word."""
    for step in STEPS:
        if step == word:
            return step
    raise Fault("bad_request", "step")
