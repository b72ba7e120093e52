"""Each route and control call, for each role, on their own things and on another's: it does what the table says.

A route that is open to all and not listed here fails, and so does a handler that asks for what its route does not name.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.care import actions as care
from appliance.care import rows as care_rows
from appliance.clock import now_text
from appliance.control.client import ControlClient
from appliance.notes.actions import own_groups
from appliance.policy import BOX, MEMBER_ACTIONS, ROLES, STATE_ACTIONS, TABLE, Action, Actor, allows, may_ever
from appliance.portal.listener import ROUTES
from appliance.sessions import actions as sessions
from appliance.sessions import rows as session_rows
from appliance.store.database import Transaction
from tests.fakes.matrix import PATIENT, STAFF, WORD, Doors, Knocker
from tests.fakes.matrix import doors as open_doors
from tests.fakes.matrix_forms import DEEDS, body, filled, form

pytestmark = pytest.mark.asyncio(loop_scope="module")

SET_UP = (
    "keyboard",
    "place",
    "clinic",
    "scan",
    "network",
    "step",
    "birth",
    "backups",
    "restore",
    "join",
    "people",
    "person",
    "passphrase",
    "codes",
    "codes/confirm",
    "finish",
)

# Open to all, signed in or not: whoever adds one must be able to say why nothing of the store shows.
OPEN = {
    ("GET", "/"),
    ("GET", "/protected"),
    ("GET", "/guides"),  # texts of ours, the same for all
    ("GET", "/guides/{guide}"),
    ("POST", "/language"),
    ("GET", "/help"),  # the emergency contacts, which stand at the foot of every page
    ("POST", "/look"),
    ("GET", "/ca.pem"),  # what devices need to trust the box, which is no secret
    ("GET", "/ca.crt"),
    ("GET", "/ca.mobileconfig"),
    ("GET", "/trust"),
    ("GET", "/resources"),  # what HQ placed for anyone; for patients and staff more, by their cookie
    ("GET", "/resources/{resource}"),
    ("GET", "/resources/{resource}/file"),
    ("GET", "/join"),
    ("GET", "/join/gone"),
    # The control socket: for whoever may connect to it. Sessions are in the first two for those who may see them.
    ("GET", "/v1/snapshot"),
    ("GET", "/v1/feed"),
    ("GET", "/v1/clock"),
    ("POST", "/v1/unlock"),
    ("POST", "/v1/accept-rollback"),
    ("POST", "/v1/machine/erase"),  # of a box that nobody can open, which whoever sits there can destroy anyway
    ("POST", "/v1/timers/{what}"),  # for the timers' user alone, whom the listener knows by its uid
    # Set-up, which is over where there is a clinic: test_setup.py tries each.
    *(("GET" if word in ("people", "backups") else "POST", f"/v1/setup/{word}") for word in SET_UP),
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
    ("GET", "/staff/questions"),
    ("GET", "/staff/concerns"),
    ("POST", "/staff/notes/key"),  # one's own
}
# Nobody comes to their end here: what they need is tried in tests of their own. The right ones are let in all the same.
UNFINISHED = {
    ("GET", "/join/ws"),  # no WebSocket: below
    ("POST", "/v1/sync/adopt"),  # nothing is wrong with this log
    ("GET", "/staff/sessions/{session}/ws"),
    ("POST", "/staff/account/passkeys/{passkey}/remove"),  # there is none
    ("POST", "/staff/account/passkeys/begin"),  # the portal has no name
    ("POST", "/join/feedback"),  # the session is not over
    ("POST", "/staff/sessions/{session}/incident"),  # it is not open yet
    ("POST", "/v1/sessions/{session}/cards"),
    ("POST", "/staff/sessions/{session}/cards"),
    ("POST", "/staff/patients/{person}/archive"),  # she is expected
    ("POST", "/staff/account/authenticator"),  # one that was begun
    ("POST", "/staff/account/passkeys"),  # a browser's answer
    ("POST", "/staff/audit/entries/{sequence}/proof"),  # a checkpoint, which a rehearsal takes back
    ("POST", "/v1/audit/proofs/{sequence}"),
    ("POST", "/v1/keys/hq"),  # not enrolled
    ("POST", "/v1/network/back"),  # the settings on trial are kept by then
    ("POST", "/v1/enrolment/request"),  # no courier, so no key to ask for
    ("POST", "/v1/enrolment/answer"),  # HQ's
    ("POST", "/v1/enrolment/stick"),  # none is plugged in
    ("POST", "/v1/keys/{slot}/remove"),  # the last one
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


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
            wrong.append(f"{row}: somebody came to its end: {done}")
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


# -- who is not signed in ----------------------------------------------------------------------------------------------


async def test_what_is_open_to_all_shows_a_stranger_nothing_of_the_store(doors: Doors) -> None:
    names = await doors.box.clinic.db.read(
        lambda tx: tx.all("SELECT name FROM people UNION SELECT title FROM sessions")
    )
    planted = [str(row["name"]) for row in names]
    assert "Thursday circle" in planted and "Ada Brook" in planted
    told = []
    for route in ROUTES:
        if (route.method, route.path) in OPEN or route.path.startswith(("/staff/sign-in", "/join")):
            _, _, shown = await doors.portal(None, route.method, route.path, {"username": "mara", "code": "x"})
            told.append((route.path, shown.decode(errors="replace")))
    for listed in doors.control_routes:
        if listed.path.startswith(("/v1/sign-in", "/v1/snapshot", "/v1/clock")):
            _, _, shown = await doors.control(None, listed.method, listed.path, {"username": "mara", "password": "x"})
            told.append((listed.path, shown.decode(errors="replace")))
    assert len(told) > 25
    assert [(path, name) for path, shown in told for name in planted if name in shown] == []


async def test_every_route_that_is_open_to_all_is_so_on_purpose(doors: Doors) -> None:
    rows = [(r.method, r.path, r.asks) for r in ROUTES] + [(r.method, r.path, r.asks) for r in doors.control_routes]
    opened = {(method, path) for method, path, asks in rows if asks == "anyone" and not path.startswith(WAYS_IN[:2])}
    assert opened == OPEN
    assert {(method, path) for method, path, _ in rows} >= LISTS | UNFINISHED


# -- lists and single looks --------------------------------------------------------------------------------------------

# Whose list holds which of (Mara's, Paul's); nobody else's holds any.
SHOWN: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "/staff": {"jonas": (0, 1), "mara": (0,), "paul": (1,), "vera": (0, 1), "cora": (0, 1)},
    "/staff/notes": {"mara": (0,), "paul": (1,), "cora": (0,)},
    "/staff/groups": {"mara": (0,), "paul": (1,), "vera": (0, 1), "cora": (0, 1)},
    "/staff/planned": {"jonas": (0, 1), "vera": (0, 1), "cora": (0, 1)},
    "/staff/patients": {"jonas": (0, 1), "vera": (0, 1), "cora": (0, 1)},
}
SINGLE = {"/staff": "/staff/sessions"}  # where a thing of the list is looked at; else under the list's own path


def linked(shown: bytes, there: str) -> set[str]:
    """Ids and numbers of what a page leads to under that path."""
    return set(re.findall(rf'href="{there}/([A-Za-z0-9_-]+)"', shown.decode())) - {"new", "search", "access"}


async def opens(doors: Doors, who: Knocker, path: str) -> bool:
    """Whether a single look succeeds; if not, it must be for want of a right."""
    status, code, _ = await doors.portal(who, "GET", path)
    assert status == 200 or code in ("refused", "not_found"), (who.username, path, status, code)
    return status == 200


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_a_list_holds_what_a_single_look_opens(doors: Doors, who: Knocker, path: str) -> None:
    things = doors.things
    there, pairs = SINGLE.get(path, path), {"notes": things.notes, "groups": things.groups, "patients": things.patients}
    ids = pairs.get(path.rpartition("/")[2], things.sessions)
    shown = linked((await doors.portal(who, "GET", path))[2], there) & set(ids)
    assert shown == {ids[at] for at in SHOWN[path].get(who.username, ())}
    assert shown == {one for one in ids if await opens(doors, who, f"{there}/{one}")}


@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_a_search_finds_what_a_single_look_opens(doors: Doors, who: Knocker) -> None:
    _, code, page = await doors.portal(who, "POST", "/staff/notes/search", {"query": WORD})
    assert code in ("", "refused")
    found = linked(page, "/staff/notes") & set(doors.things.notes)
    assert found == {doors.things.notes[at] for at in SHOWN["/staff/notes"].get(who.username, ())}


@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_snapshot_feed_and_rooms_hold_the_sessions_of_the_list(doors: Doors, who: Knocker) -> None:
    ids = doors.things.sessions
    wanted = {ids[at] for at in SHOWN["/staff"].get(who.username, ())}
    client = ControlClient(doors.socket)
    client._token = doors.tokens[who.username]
    doors.rehearse_again()
    snapshot = await client.snapshot()
    assert {one.id for one in snapshot.sessions} == wanted
    for one in ids:
        doors.feed.publish(one)
    told = []
    async for entry in client.feed(snapshot.sequence):
        told.append(entry)
        if len([line for line in told if line is not None]) == len(ids):
            break
    await client.close()
    assert {line.session.id for line in told if line is not None and line.session} == wanted
    assert {one for one in ids if await doors.enters(who, one)} == wanted


async def test_a_stranger_at_the_socket_is_told_of_no_session(doors: Doors) -> None:
    client = ControlClient(doors.socket)
    snapshot = await client.snapshot()
    assert (snapshot.sessions, snapshot.login) == ((), None)
    doors.feed.publish(doors.things.sessions[0])
    line = await anext(client.feed(snapshot.sequence))
    await client.close()
    assert line is not None and line.session is None


async def test_a_patient_enters_their_own_room_only(doors: Doors) -> None:
    assert await doors.enters(PATIENT, "")
    for session in doors.things.sessions:
        assert (await doors.portal(PATIENT, "GET", f"/staff/sessions/{session}/ws"))[1] == "not_signed_in"


@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_staff_and_audit_are_listed_for_those_who_may_look_at_each(doors: Doors, who: Knocker) -> None:
    accounts = {doors.box.staff[one] for one in ("ruth", "mara", "ines", "vera")}
    for path, ids in (("/staff/people", accounts), ("/staff/audit", set())):
        _, code, page = await doors.portal(who, "GET", path)
        there = path if ids else f"{path}/entries"
        shown = linked(page, there)
        assert (code == "refused") == (shown == set())
        assert not ids or shown >= ids or shown == set()
        looked = sorted(ids or shown or {"1"})[:4]
        assert {one for one in looked if await opens(doors, who, f"{there}/{one}")} == shown & set(looked)


@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_the_glass_offers_what_it_opens(doors: Doors, who: Knocker) -> None:
    things = doors.things
    mine, theirs = f"{things.groups[0]}.{things.patients[0]}", f"{things.groups[1]}."
    page = (await doors.portal(who, "GET", "/staff/notes/emergency"))[2].decode()
    offered = {about for about in (mine, theirs) if f'value="{about}"' in page}
    assert offered == {"vera": {mine, theirs}, "cora": {theirs}}.get(who.username, set())
    for about in (mine, theirs):
        asked = {"about": about, "reason": "she is unconscious at the hospital"}
        status, code, _ = await doors.portal(who, "POST", "/staff/notes/emergency", asked)
        assert (status == 303) == (about in offered), (about, status, code)


@pytest.mark.parametrize("who", STAFF, ids=lambda who: str(who.username))
async def test_lists_of_the_box_are_for_those_who_act_on_it(doors: Doors, who: Knocker, tmp_path: Path) -> None:
    _, keys, listed = await doors.control(who, "GET", "/v1/keys")
    slots = [one["id"] for one in json.loads(listed).get("slots", ())]
    acts = {
        keys: [f"/v1/keys/{one}/try" for one in slots or [doors.things.slot]],
        (await doors.control(who, "GET", "/v1/backups"))[1]: ["/v1/backups/seen"],
    }
    for code, paths in acts.items():
        answers = {(await doors.control(who, "POST", one, {"secret": "not this one"}))[1] for one in paths}
        assert ("refused" in answers) == (code == "refused")
        assert (code, who.role) in (("", "administrator"), ("refused", who.role))
    page, table = ("GET", "/staff/attendance"), ("POST", "/staff/attendance.csv")
    answers = {(await doors.portal(who, method, path))[1] for method, path in (page, table)}
    assert answers == ({""} if who.role in ("billing", "clinical_lead") else {"refused"})


Table = list[tuple[set[int], set[int]]]  # a session each: who lead it, who are clinicians of its care group


@settings(max_examples=25, deadline=None)
@given(table=st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.sets(st.integers(0, 3))), max_size=5))
async def test_whatever_there_is_a_list_is_all_of_it_that_the_policy_allows(doors: Doors, table: Table) -> None:
    people = [doors.box.staff[one] for one in ("mara", "paul", "vera", "cora")]

    def work(tx: Transaction) -> None:
        at = now_text()
        for number, (leaders, clinicians) in enumerate(table):
            first, *others = [(people[one], "X") for one in sorted(leaders)]
            letting_in = [people[one] for one in sorted(clinicians)]
            group = care.found(tx, BOX, f"Circle {number}", letting_in, at)
            sessions.schedule(tx, BOX, f"Circle {number}", first, [], at, at, with_leaders=others, care_group=group)
        everything = session_rows.current(tx, BOX, "")
        assert len(everything) == 2 + len(table)
        for role in ROLES[:-2]:
            for person in people:
                actor = Actor(person, role, "portal")
                assert session_rows.current(tx, actor, "") == [
                    one for one in everything if allows(actor, "see", session_rows.facts(tx, one.id))
                ]
                groups = [one.id for one in care_rows.groups(tx)]
                seen = [one.group.id for one in care.see_all(tx, actor)] if may_ever(actor, "see_care_groups") else []
                assert seen == [g for g in groups if allows(actor, "see_care_groups", care_rows.facts(tx, g))]
                own = [one.id for one in own_groups(tx, actor)]
                assert own == [g for g in groups if allows(actor, "read_note", care_rows.facts(tx, g))]

    await doors.box.clinic.db.write(work)
