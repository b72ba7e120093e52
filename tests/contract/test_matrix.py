"""Each route and control call, for each role, on their own things and on another's: it does what the table says.

A route that is open to all and not listed here fails, and so does a handler that asks for what its route does not name.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from appliance.clock import now_text
from appliance.policy import MEMBER_ACTIONS, STATE_ACTIONS, TABLE, Action
from appliance.portal.listener import ROUTES
from sync import suite
from tests.fakes.matrix import PATIENT, STAFF, WORD, Doors, Knocker, Things
from tests.fakes.matrix import doors as open_doors

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Open to all, signed in or not: whoever adds one must be able to say why nothing of the store shows.
OPEN = {
    ("GET", "/"),
    ("GET", "/protected"),
    ("POST", "/language"),
    ("GET", "/ca.pem"),
    ("GET", "/join"),
    ("GET", "/join/gone"),
    # The control socket: for whoever may connect to it. Sessions are in the first two for those who may see them.
    ("GET", "/v1/snapshot"),
    ("GET", "/v1/feed"),
    ("GET", "/v1/clock"),
    ("POST", "/v1/unlock"),
    ("POST", "/v1/accept-rollback"),
}
# The steps of signing in, each for one who has no login yet; tests/contract/test_sign_in*.py go through them.
WAYS_IN = ("/staff/sign-in", "/v1/sign-in", "/join")
# The role alone decides, and what they show is filtered thing by thing: the tests of lists below look at that.
LISTS = {
    ("GET", "/staff"),
    ("GET", "/staff/notes"),
    ("GET", "/staff/notes/search"),
    ("POST", "/staff/notes/search"),
    ("GET", "/staff/notes/access"),
    ("GET", "/staff/groups"),
    ("POST", "/staff/notes/key"),  # one's own
}
# What the words after the last / of a path do.
DEEDS: Mapping[str, Mapping[str, tuple[Action, ...]]] = {
    "/staff/notes/access/{deed}": {
        "give": ("give_access",),
        "old-password": ("change_password",),  # for a clinician's own key
        "recover": ("recover_notes",),
        "share": ("recover_notes",),
        "renew": ("recover_notes",),
    },
    "/staff/groups/{group}/{deed}": {
        "let-in": ("change_care_group",),
        "let-out": ("change_care_group",),
        "rename": ("change_care_group",),
    },
}
# Nobody comes to their end here: what they need is tried in tests of their own. The right ones are let in all the same.
UNFINISHED = {
    ("GET", "/join/ws"),  # no WebSocket: below
    ("GET", "/staff/sessions/{session}/ws"),
    ("POST", "/staff/account/passkeys/{passkey}/remove"),  # there is none
    ("POST", "/staff/account/passkeys/begin"),  # the portal has no name
    ("POST", "/join/devices"),  # the steps before it
    ("POST", "/join/ask"),
    ("POST", "/staff/account/authenticator"),  # one that was begun
    ("POST", "/staff/account/passkeys"),  # a browser's answer
    ("POST", "/staff/audit/entries/{sequence}/proof"),  # a checkpoint, which a rehearsal takes back
    ("POST", "/v1/audit/proofs/{sequence}"),
    ("POST", "/v1/keys/hq"),  # not enrolled
    ("POST", "/v1/keys/{slot}/remove"),  # the last one
}


def query(path: str, things: Things) -> str:
    """What such a page needs after the ? of its address."""
    return {
        "/staff/notes/new": f"?group={things.groups[0]}",
        "/v1/audit/export": "?format=csv",
    }.get(path, "")


def form(path: str, doors: Doors) -> Mapping[str, str]:
    """What a route of the portal needs to come as far as the policy, and for the right ones to its end."""
    things, box = doors.things, doors.box
    ticket = box.issued[1]
    note = {"group": things.groups[0], "session": "", "person": "", "title": "", "text": "quiet", "base": "1"}
    sure = {"sure": "yes"}
    passwords = {"password": "made-up-password", "old": "made-up-password"}
    new = "another made-up password"
    access = {"group": things.groups[0], "holder": box.staff["cora"], "key": "00"}
    forms: dict[str, Mapping[str, str]] = {
        "/join/name": {"display_name": "Ada"},
        "/join/agreement": {"version": "1", "signature": "Ada Brook", "agree": "yes"},
        "/staff/account/again": passwords,
        "/staff/account/password": {**passwords, "new": new, "again": new},
        "/staff/account/authenticator": {"code": "000000"},
        "/staff/sessions/{session}/members/{member}/{action}": sure,
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
        "/staff/audit/export": {"format": "csv"},
        "/staff/notes/key": passwords,
        "/staff/notes/new": note,
        "/staff/notes/{note}/edit": note,
        "/staff/notes/search": {"query": WORD},
        "/staff/notes/access/{deed}": {**access, **passwords},
        "/staff/notes/emergency": {
            "about": f"{things.groups[0]}.{things.patient}",
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
        "/v1/clock": {"at": now_text()},
        "/v1/backups": {"to": str(folder)},
        "/v1/keys/passphrase": {"passphrase": "one for the night", "label": "night"},
        "/v1/keys/sheet": {"language": "en"},
        "/v1/keys/machine": {"public": b64encode(suite.RecordKey(bytes(range(32))).public).decode()},
        "/v1/keys/{slot}/try": {"secret": "made up for the tests"},
        "/v1/keys/{slot}/rotate": {"secret": "made up for the tests too"},
    }
    return bodies.get(path, {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


def filled(path: str, doors: Doors, word: str) -> str:
    """The path with the ids of what is Mara's; a person is Ines, of the staff."""
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
        "place": things.place,
        "person": doors.box.staff["ines"],
        "slot": things.slot,
        "version": "1",
        "sequence": "1",
        "passkey": "nothing",
    }
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{" + name + "}", ids[name])
    return path + query(path, things)


def gates(path: str, asks: Sequence[Action]) -> list[tuple[str, tuple[Action, ...]]]:
    """The words that the path can hold, each with the actions that all must be allowed."""
    if path in DEEDS:
        return list(DEEDS[path].items())
    if "{action}" in path:
        return [(word, (word,)) for word in asks if word in (*STATE_ACTIONS, *MEMBER_ACTIONS)]
    return [("", (asks[0],))]


def judged(
    who: Knocker, doors: Doors, row: tuple[str, str], asks: Sequence[Action], gate: Sequence[Action], answer: Any
) -> str:
    """What is wrong with an answer, "" if it is what the table says."""
    status, code, _ = answer
    is_list = row in LISTS
    may = who.role in TABLE[gate[0] if "{action}" in row[1] else asks[0]]
    if not may or not (is_list or all(who.allowed(one) for one in gate)):
        return "" if code == "refused" else f"{gate} should be refused, was {status} {code}"
    if code in ("refused", "not_signed_in", "internal", "keys_missing"):
        return f"{gate} should be allowed, was {code}"
    if unnamed := set(doors.asked) - set(asks):
        return f"asks for {sorted(unnamed)}, which its route does not name"
    return f"{gate} was answered without the policy" if status < 400 and not doors.asked and not is_list else ""


async def test_each_route_of_the_portal_lets_each_role_do_what_the_table_says(doors: Doors) -> None:
    wrong = []
    for route in ROUTES:
        row = route.method, route.path
        if route.asks == "anyone" or route.path.startswith("/staff/sign-in") or row == ("POST", "/join"):
            continue
        patients, done = route.path.startswith("/join"), False
        for word, gate in gates(route.path, route.asks):
            path = filled(route.path, doors, word)
            for who in (*STAFF, PATIENT):
                answer = await doors.portal(who, route.method, path, form(route.path, doors))
                if (who is PATIENT) != patients:
                    stranger = "not_signed_in" in answer[1] or answer[0] == 401
                    trouble = "" if stranger else f"a stranger here, was {answer[:2]}"
                else:
                    trouble = judged(who, doors, row, route.asks, gate, answer)
                    done = done or answer[0] < 400
                if trouble:
                    wrong.append(f"{route.method} {path} as {who.username}, {who.role}: {trouble}")
        if done == (row in UNFINISHED):
            wrong.append(f"{row}: somebody came to its end: {done} {answer}")
    assert not wrong, "\n".join(wrong)


async def test_each_control_call_lets_each_role_do_what_the_table_says(doors: Doors, tmp_path: Path) -> None:
    wrong = []
    for route in doors.control_routes:
        row = route.method, route.path
        if route.asks == "anyone" or route.path.startswith("/v1/sign-in"):
            continue
        done = False
        for word, gate in gates(route.path, route.asks):
            path, sent = filled(route.path, doors, word), body(route.path, doors, tmp_path)
            for who in STAFF:
                answer = await doors.control(who, route.method, path, sent)
                done = done or answer[0] < 400
                if trouble := judged(who, doors, row, route.asks, gate, answer):
                    wrong.append(f"{route.method} {path} as {who.username}, {who.role}: {trouble}")
            assert (await doors.control(None, route.method, path, sent))[1] == "not_signed_in"
        if done == (row in UNFINISHED):
            wrong.append(f"{row}: somebody came to its end: {done}")
    assert not wrong, "\n".join(wrong)
