"""What a route needs in path, query and body to come as far as the policy, and for the right ones to its end."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from appliance.clock import now_text, parse
from appliance.outbox.headquarters import key_code
from appliance.policy import Action
from sync import suite
from sync.enrolment import new_code
from sync.keys import HqFacts, hq_to_json
from tests.fakes.matrix import WORD, Doors, Things
from tests.fakes.updates import STICK

_RECORD, _SIGNING = suite.RecordKey(bytes(range(32))), suite.SigningKey(bytes(range(32)))
HQ = HqFacts("https://hq.example.org", (_RECORD.public,), (_SIGNING.public,), (b"certificate",), (_SIGNING.public,))

# What the words after the last / of a path do.
DEEDS: Mapping[str, Mapping[str, tuple[Action, ...]]] = {
    "/staff/notes/access/{deed}": {
        "give": ("give_access",),
        "old-password": ("change_password",),  # for a clinician's own key
        "recover": ("recover_notes",),
        "share": ("recover_notes",),
        "share-hq": ("recover_notes",),
        "renew": ("recover_notes",),
    },
    "/staff/groups/{group}/{deed}": {
        "let-in": ("change_care_group",),
        "let-out": ("change_care_group",),
        "rename": ("change_care_group",),
    },
}


def query(path: str, things: Things) -> str:
    """What such a page needs after the ? of its address."""
    return {
        "/staff/notes/new": f"?group={things.groups[0]}",
        "/v1/audit/export": "?format=csv",
        "/join/line": "?bytes=1",
    }.get(path, "")


def form(path: str, doors: Doors) -> Mapping[str, str]:
    """What a route of the portal needs to come as far as the policy, and for the right ones to its end."""
    things, box = doors.things, doors.box
    ticket = box.issued[1]
    note = {"group": things.groups[0], "session": "", "person": "", "title": "", "text": "quiet", "base": "1"}
    sure = {"sure": "yes"}
    passwords = {"password": "made-up-password", "old": "made-up-password"}
    new = "another made-up password"
    planned = {
        "do": "plan",
        "title": "Thursday circle",
        "day": (parse(now_text()) + timedelta(days=2)).date().isoformat(),
        "time": "10:00",
        "times": "1",
        "group": things.groups[0],
        "leader": box.staff["mara"],
        "person": things.patients[0],
    }
    access = {"group": things.groups[0], "holder": box.staff["cora"], "key": "00"}
    forms: dict[str, Mapping[str, str]] = {
        "/join/name": {"display_name": "Ada"},
        "/join/agreement": {
            "shown": things.agreement,
            "signature": "Ada Brook",
            "agree": "yes",
            "limits": "yes",
            "risks": "yes",
        },
        "/join/questions": {"question": "May I bring tea?"},
        "/staff/questions/{question}": {"answer": "Of course."},
        "/staff/groups/{group}/cycle": sure,
        "/staff/groups/{group}/cards/{kind}": {
            "do": "keep",
            "language": "en",
            "title": "Be kind",
            "body": "We are.",
            "base": "0",
        },
        "/staff/account/again": passwords,
        "/staff/account/password": {**passwords, "new": new, "again": new},
        "/staff/account/authenticator": {"code": "000000"},
        "/staff/sessions/{session}/members/{member}/{action}": sure,
        "/staff/sessions/{session}/cards": {"kind": "reminder"},
        "/staff/sessions/{session}/incident": {"kind": "conflict"},
        "/staff/on-call/{list}": {"name": "Night line", "phone": "555 0199", "about": ""},
        "/staff/people/{person}/licences": {"kind": "training", "name": "First aid", "ends_on": ""},
        "/staff/people/{person}/licences/{licence}": {"do": "end"},
        "/staff/print/{paper}": {
            "session": box.session,
            "member": ticket.member,
            "code": ticket.code,
            "pin": ticket.pin,
            "language": "en",
        },
        "/staff/people/new": {"name": "Ola Nord", "username": "ola", "role": "operator"},
        "/staff/people/{person}/retire": sure,
        "/staff/people/{person}/reset": sure,
        "/staff/patients/search": {"query": "a"},
        "/staff/patients/new": {"name": "Nora Vale", "sure": "yes"},
        "/staff/patients/{person}/correct": {"name": "Ada Brooke", **sure},
        "/staff/patients/{person}/phrase": {"phrase": "blue heron"},
        "/staff/patients/{person}/unblock": {"group": things.groups[0]},
        "/staff/patients/{person}/archive": sure,
        "/staff/patients/{person}/disclosure/grant": {
            "visits": "yes",
            "days": "30",
            "language": "en",
            "signature": "Ada Brook",
            "signed": "yes",
        },
        "/join/sharing": {"signature": "Ada Brook"},
        "/join/phrase": {"text": "blue heron"},
        "/join/concern": {"kind": "other", "words": "Somebody was behind me."},
        "/staff/patients/{person}/back": sure,
        "/staff/planned/new": planned,
        "/staff/planned/{session}/change": {**planned, **sure},
        "/staff/planned/{session}/cancel": sure,
        "/staff/planned/{session}/invitations": {**sure, "member": box.members[1], "language": "en"},
        "/staff/audit/export": {"format": "csv"},
        "/staff/notes/key": passwords,
        "/staff/notes/new": note,
        "/staff/notes/{note}/edit": note,
        "/staff/notes/search": {"query": WORD},
        "/staff/notes/access/{deed}": {**access, **passwords},
        "/staff/notes/emergency": {
            "about": f"{things.groups[0]}.{things.patients[0]}",
            "reason": "she is unconscious at the hospital",
        },
        "/staff/groups": {"name": "Monday circle"},
        "/staff/groups/{group}/{deed}": {"name": "Monday circle", "person": box.staff["ines"]},
    }
    return forms.get(path, {})


def body(path: str, doors: Doors, folder: Path) -> Mapping[str, Any]:
    """The same for the control socket."""
    ticket = doors.box.issued[1]
    bodies: dict[str, Mapping[str, Any]] = {
        "/v1/paper": {
            "session": doors.box.session,
            "member": ticket.member,
            "code": ticket.code,
            "pin": ticket.pin,
            "kind": "pin",
            "language": "es",
        },
        "/v1/sessions/{session}/cards": {"kind": "reminder"},
        "/v1/clock": {"at": now_text()},
        "/v1/machine/power": {"do": "restart", "anyway": True},
        "/v1/machine/reset": {"clinic": "Riverbend"},
        "/v1/network": {"settings": {"wired": {"addressing": "static", "address": "192.168.1.5/24"}}},
        "/v1/zone": {"zone": "Europe/Madrid"},
        "/v1/keyboard": {"layout": "latam"},
        "/v1/backups": {"to": str(folder)},
        "/v1/enrolment": {"address": "https://hq.example.org", "code": new_code(lambda below: below - 1)},
        "/v1/enrolment/facts": {"content": b64encode(hq_to_json(HQ)).decode(), "code": key_code(HQ.record_key)},
        "/v1/sync/adopt": {"reason": "the box was restored from a backup"},
        "/v1/sync/sticks": {"way": "export", "place": str(folder)},
        "/v1/updates/install": {"path": STICK.path},
        "/v1/updates/restart": {"when": "tonight"},
        "/v1/keys/passphrase": {"passphrase": "one for the night", "label": "night"},
        "/v1/keys/sheet": {"language": "en"},
        "/v1/keys/machine": {"public": b64encode(suite.RecordKey(bytes(range(32))).public).decode()},
        "/v1/keys/own": {"tpm": False},
        "/v1/keys/{slot}/try": {"secret": "made up for the tests"},
        "/v1/keys/{slot}/rotate": {"secret": "made up for the tests too"},
    }
    return bodies.get(path, {})


def filled(path: str, doors: Doors, word: str) -> str:
    """The path with the ids of what is Mara's; a person is one of her patients, or Ines of the staff."""
    things = doors.things
    ids = {
        "session": doors.box.session,
        "member": doors.box.members[1],
        "action": word,
        "deed": word,
        "paper": "invitation",
        "group": things.groups[0],
        "note": things.notes[0],
        "glass": things.glass,
        "question": things.question,
        "concern": things.concern,
        "kind": "guidelines",
        "place": things.place,
        "licence": things.licence,
        "list": "on-call",
        "person": things.patients[0] if path.startswith("/staff/patients/") else doors.box.staff["ines"],
        "slot": things.slot,
        "version": "1",
        "sequence": "1",
        "passkey": "nothing",
        "guide": "place",
    }
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{" + name + "}", ids[name])
    return path + query(path, things)
