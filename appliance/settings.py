"""One TOML file to frozen settings. An unknown key or a wrong type is refused with the key's name. Pure but for `load`
and `save`.

Every key has a sentence in KEYS; `hearth settings` prints them and a test finds keys without one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from appliance.faults import Fault
from appliance.store.files import write_atomically

# One label of a host's name (RFC 1123 section 2.1); a certificate holds it with ".local".
NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"

# From when to when, as `sync/limits.py` reads it.
HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: a key that is not known is an error, not a silent default."""


class ClinicSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = "Hearth"
    phone: str = ""
    language: Literal["", "en", "es"] = ""


class PortalSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "0.0.0.0"  # noqa: S104 - the portal is for the clinic's whole network
    port: int = 8443
    name: str = "hearth"
    announce: bool = True


class MediaSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: int = 8443
    addresses: tuple[str, ...] = ()
    last_n: int = 9
    capacity_kbps: int = 0
    capacity_packets: int = 0


class SignInSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    second_factor: Literal["required", "optional"] = "required"


class ControlSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    users: tuple[str, ...] = ("hearth-console",)


class BackupSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: str = ""
    every_hours: int = 24
    keep: int = 7


class SyncSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    megabytes_per_day: int = 0
    hours: str = ""
    urgent_always: bool = True


class SessionsSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    remind_minutes: int = 20


class HqSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    demo_port: int = 8444


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a box, with the defaults that `hearth up` runs on."""

    clinic: ClinicSection = ClinicSection()
    portal: PortalSection = PortalSection()
    media: MediaSection = MediaSection()
    sign_in: SignInSection = SignInSection()
    control: ControlSection = ControlSection()
    backup: BackupSection = BackupSection()
    sync: SyncSection = SyncSection()
    sessions: SessionsSection = SessionsSection()
    hq: HqSection = HqSection()


KEYS: dict[str, str] = {
    "clinic.name": "The clinic's name as people see it on every page. Keep it neutral: no word of care or illness.",
    "clinic.phone": "The number on every page under which a human answers.",
    "clinic.language": "The language of the box's own screen: en or es. Empty: as its terminal says.",
    "portal.host": "The address the portal listens on. 0.0.0.0 means: the whole local network.",
    "portal.port": "The portal's TCP port. 443 on the image, 8443 otherwise.",
    "portal.name": "The portal's name on the local network: `hearth` is found as hearth.local.",
    "portal.announce": "Whether that name is announced on the local network (mDNS).",
    "media.port": "The relay's UDP port, the only one that picture and sound use.",
    "media.addresses": "The addresses at which browsers reach the relay. Empty: all of this machine's.",
    "media.last_n": "Pictures that one page gets at most, of those who lead and who spoke last. 0: sound only.",
    "media.capacity_kbps": "Kilobits per second that the network carries for picture and sound. 0: as measured.",
    "media.capacity_packets": "Packets per second that the relay may send. 0: as measured by `hearth doctor`.",
    "sign_in.second_factor": "Whether staff need a second factor to sign in: required, or optional for a demo.",
    "control.users": "Users of this machine whose console may connect, besides root and the appliance's own user.",
    "backup.folder": "Where backups are made by themselves, a full path. Empty: only when somebody asks for one.",
    "backup.every_hours": "Hours between two such backups. 0: none are made by themselves.",
    "backup.keep": "How many backups of this box stay in a folder; older ones go after a new one was checked. 0: all.",
    "sync.megabytes_per_day": "What the line to headquarters may carry a day, both ways, in million bytes. 0: all.",
    "sync.hours": "When records may go to headquarters, in local time: 22:00-06:00. Empty: at any time.",
    "sync.urgent_always": "Whether urgent records pass both of these.",
    "sessions.remind_minutes": "Minutes of a running session between two reminders by the box. 0: none by itself.",
    "hq.demo_port": "The TCP port of the local headquarters that `hearth up --demo` starts.",
}


def parse(text: str) -> Settings:
    """Settings from TOML. Fault("bad_settings") names the key in its detail."""
    try:
        found = msgspec.convert(tomllib.loads(text), type=Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise Fault("bad_settings", str(problem)) from None
    for port in (found.portal.port, found.media.port, found.hq.demo_port):
        if not 0 <= port <= 65535:
            raise Fault("bad_settings", f"{port} is not a port")
    for figure in (found.media.capacity_kbps, found.media.capacity_packets):
        if not 0 <= figure <= 10**8:
            raise Fault("bad_settings", "media.capacity_kbps and media.capacity_packets are 0 to 100,000,000")
    if not 0 <= found.media.last_n <= 64:
        raise Fault("bad_settings", "media.last_n is 0 to 64")
    if not 0 <= found.sessions.remind_minutes <= 1440:
        raise Fault("bad_settings", "sessions.remind_minutes is 0 to 1,440")
    _check_backup(found.backup)
    _check_sync(found.sync)
    if not re.fullmatch(NAME, found.portal.name):
        raise Fault("bad_settings", "portal.name is at most 40 small letters, digits and dashes")
    return found


def _check_backup(found: BackupSection) -> None:
    if found.folder and not found.folder.startswith("/"):
        raise Fault("bad_settings", "backup.folder is a full path")
    if not (0 <= found.every_hours <= 8760 and 0 <= found.keep <= 10_000):
        raise Fault("bad_settings", "backup.every_hours is 0 to 8,760, backup.keep 0 to 10,000")


def _check_sync(found: SyncSection) -> None:
    if not 0 <= found.megabytes_per_day <= 1_000_000:
        raise Fault("bad_settings", "sync.megabytes_per_day is 0 to 1,000,000")
    start, _, end = found.hours.partition("-")
    if found.hours and not (re.fullmatch(HOURS, found.hours) and start != end):
        raise Fault("bad_settings", "sync.hours is two different times as 22:00-06:00, or empty")


def load(path: Path) -> Settings:
    """Settings from a file; the defaults where there is none."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as problem:
        raise Fault("bad_settings", type(problem).__name__) from None


def save(path: Path, section: str, words: Mapping[str, str]) -> Settings:
    """Set the texts of one section in the file and leave everything else in it as it stands; the settings as they are
    now. Whole or not at all. Faults: bad_settings (the file is written in a way that this cannot change, or would say
    something else than was meant), and those of the disk.
    """
    before = load(path)
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as problem:
        raise Fault("bad_settings", type(problem).__name__) from None
    changed = changed_text(text, section, words)
    now = parse(changed)
    meant = msgspec.structs.replace(getattr(before, section), **words)
    if now != msgspec.structs.replace(before, **{section: meant}):
        raise Fault("bad_settings", f"{section} cannot be changed by the box")
    write_atomically(path, changed.encode(), 0o640)
    return now


def changed_text(text: str, section: str, words: Mapping[str, str | int]) -> str:
    """The TOML text with these keys of `[section]` set: a line that has the key is replaced, others are added."""
    lines = text.splitlines()
    heads = [number for number, line in enumerate(lines) if re.match(r"\s*\[", line)]
    start = next((n for n in heads if re.match(rf"\s*\[\s*{section}\s*\]", lines[n])), None)
    if start is None:
        lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
        start = len(lines) - 1
    end = next((number for number in heads if number > start), len(lines))
    for key, value in words.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"  # JSON's strings and numbers are TOML's
        at = next((n for n in range(start + 1, end) if re.match(rf"\s*{key}\s*=", lines[n])), None)
        if at is None:
            lines.insert(start + 1, line)
            end += 1
        else:
            lines[at] = line
    return "\n".join(lines) + "\n"
