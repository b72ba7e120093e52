"""A backup on a stick in place of a new clinic: which ones there are, whether a secret opens one, and the settings that
come with it. The restoration itself is `copies/restore.py`, the same as `hearth restore`.

Only what lies on a stick is ever named, at most one folder deep, and nothing behind a link. Blocking: for a thread.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from appliance import settings
from appliance.copies import manifest, places, reading, rules
from appliance.copies.inside import Inside
from appliance.copies.manifest import Manifest
from appliance.faults import Fault
from appliance.home import Home
from appliance.settings import Settings
from appliance.store import keyslots
from appliance.store.files import write_atomically

log = logging.getLogger(__name__)

MOST = 30  # backups that are told, the newest of all sticks
MOST_ENTRIES = 2000  # of one folder that are looked at; the box keeps seven backups on a stick
MOST_FOLDERS = 50  # of a stick that are looked into
# The clinic's, wherever it runs. What is of the machine, its ports and addresses and users, is the new machine's.
OF_THE_CLINIC = ("clinic", "sign_in", "backup", "sync", "sessions")


@dataclass(frozen=True, slots=True)
class Found:
    """One backup by its outside. `said` is None, and `fault` says why, where that cannot be read."""

    folder: Path
    stick: str
    said: Manifest | None
    fault: str = ""


def listed(home: Home) -> tuple[int, list[Found]]:
    """How many sticks are plugged in, and the backups on them, the newest first, those that cannot be read last."""
    sticks = [one.path for one in places.found("", home.root) if one.fault != "backup_no_place"]
    found = [_look(folder, stick) for stick in sticks for folder in _backups(Path(stick))]
    found.sort(key=lambda one: (one.said is not None, one.said.at if one.said else "", one.folder.name), reverse=True)
    return len(sticks), found[:MOST]


def chosen(path: str, home: Home) -> Path:
    """The folder of that name, if it is one of those listed now. Fault("backup_no_place")."""
    for one in listed(home)[1]:
        if str(one.folder) == path:
            return one.folder
    raise Fault("backup_no_place", "not on a stick")


def try_secret(folder: Path, secret: str) -> None:
    """Whether passphrase or sheet opens this backup, before minutes are spent on reading it.

    Faults: wrong_passphrase, backup_foreign, backup_damaged, store_newer.
    """
    slots = next(part for part in reading.said(folder).files if part.name == manifest.SLOTS)
    for _ in reading.compared(folder / manifest.SLOTS, slots):
        pass
    reading.unlocked(folder, lambda at: keyslots.unlock(at, secret))


def take_settings(inside: Inside, home: Home) -> None:
    """Have the clinic's settings of the backup beside the machine's own that are there. What cannot be read stays out:
    nobody could mend a box by hand that does not start for it. Faults: those of the disk."""
    content = inside.files.get("hearth.toml")
    if content is None:
        return
    text = home.settings.read_text(encoding="utf-8") if home.settings.exists() else ""
    try:
        write_atomically(home.settings, _with(text, _spoken(text, settings.parse(content.decode()))).encode(), 0o640)
    except (Fault, UnicodeDecodeError) as problem:
        if isinstance(problem, Fault) and problem.code != "bad_settings":
            raise
        log.warning("the backup's settings cannot be read and stay out")
        write_atomically(home.settings, text.encode(), 0o640)


def _spoken(text: str, clinics: Settings) -> Settings:
    """In the language that was chosen at this box a moment ago, if one was."""
    language = settings.parse(text).clinic.language or clinics.clinic.language
    return msgspec.structs.replace(clinics, clinic=msgspec.structs.replace(clinics.clinic, language=language))


def _with(text: str, clinics: Settings) -> str:
    """The TOML text with the clinic's sections as they are there. Fault("bad_settings")."""
    before = settings.parse(text)
    for section in OF_THE_CLINIC:
        now, new = (msgspec.structs.asdict(getattr(one, section)) for one in (before, clinics))
        changed = {key: value for key, value in new.items() if value != now[key]}
        text = settings.changed_text(text, section, changed) if changed else text
    if settings.parse(text) != msgspec.structs.replace(before, **{one: getattr(clinics, one) for one in OF_THE_CLINIC}):
        raise Fault("bad_settings", "it would say something else than was meant")
    return text


def _look(folder: Path, stick: str) -> Found:
    try:
        return Found(folder, stick, reading.said(folder))
    except Fault as fault:
        return Found(folder, stick, None, fault.code)


def _backups(stick: Path) -> list[Path]:
    """On the stick itself, and in its folders: people sort what they have."""
    inside = [one for one in _folders(stick) if rules.parse_name(one.name) is None][:MOST_FOLDERS]
    return [one for folder in (stick, *inside) for one in _folders(folder) if rules.parse_name(one.name)]


def _folders(folder: Path) -> list[Path]:
    """Real folders in it, by name; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in islice(entries, MOST_ENTRIES) if one.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]
