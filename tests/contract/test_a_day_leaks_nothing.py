"""A whole day on a real box, with everything that goes wrong on a day; then a search for what must be nowhere.

Names, passwords, PINs, codes and words of health are planted where they belong. They may be found in the store, which
is encrypted, and on the pages of those who may see them; names also in the columns for names of an export. They may not
be in a log, an address, a process's arguments or environment, a file's name, or any other file. Whoever writes a log
line with a name in it finds it here.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aiohttp
import psutil
import pytest

from appliance.audit import rows as audit
from appliance.audit.export import COLUMNS
from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.control.client import ControlClient, ControlFault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.passwords import hash_password
from appliance.people import rows as records
from appliance.policy import BOX, Facts, StaffRole, decide
from appliance.portal.listener import ROUTES
from appliance.sessions import actions as sessions
from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction
from appliance.tickets import actions as tickets
from tests.fakes.boxes import command, settings
from tests.fakes.portal import walk_in
from tests.fakes.stores import CHEAP, everything_in
from tests.fakes.visitor import Shown, Visitor
from tests.fakes.waiting import until

START_SECONDS = 60.0
PATIENTS = ("Adelheid Brookhollow", "Tomasz Riverquist", "Wenling Oxbridge")
STAFF: tuple[tuple[str, str, StaffRole], ...] = (
    ("Marabel Quillfeather", "maraq", "facilitator"),
    ("Paulus Winterhalter", "paulw", "facilitator"),
    ("Jonasz Okaforby", "jonaso", "operator"),
    ("Veronika Goldhammer", "veronikag", "auditor"),
    ("Ruthild Steinbrecher", "ruthilds", "administrator"),
)
DISPLAY = "Heidilein"
TITLE = "Methadone tapering circle"
CHATTED = "relapsed on fentanyl"
PASSPHRASE = "planted passphrase zebra quartz"
PASSWORD = "planted-password-ostrich"
WRONG = "planted-wrong-password-gecko"
WRONG_PIN = "918273"
MESSAGE = "Planted line about naltrexone"
PHRASE = "planted phrase heron"
TYPED = "planted answer bittern"
CONCERN = "My planted neighbour Ottokar listened"
MADE_UP = f"{PATIENTS[1]} {CHATTED}"  # what somebody types into every field that there is


@dataclass
class Day:
    """The box of that day and all that was planted, typed or handed out."""

    home: Home
    portal: str
    process: asyncio.subprocess.Process
    session: str
    members: list[str]
    issued: list[tickets.Issued]
    addresses: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    visitors: list[Visitor] = field(default_factory=list)

    def come(self, language: str = "en") -> Visitor:
        visitor = _Watched(self.portal, self, language)
        self.visitors.append(visitor)
        return visitor

    def look_at_processes(self) -> None:
        """Arguments, title and environment of everything that the box runs."""
        parent = psutil.Process(self.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.Error):
                self.processes += [*process.cmdline(), process.name()]
                self.processes += [f"{name}={value}" for name, value in process.environ().items()]


class _Watched(Visitor):
    """Notes every address that it is led to, and every one that a page offers."""

    def __init__(self, origin: str, day: Day, language: str) -> None:
        super().__init__(origin, language)
        self._day = day

    async def _shown(self, response: aiohttp.ClientResponse) -> Shown:
        shown = await super()._shown(response)
        seen = [response, *response.history]
        self._day.addresses += [str(one.url) for one in seen] + [one.headers.get("Location", "") for one in seen]
        offered = re.findall(r'(?:href|action|src|formaction|data-ws)="([^"]*)"', shown.text)
        # otpauth: goes to the authenticator on the same device and to no server; it must name the account there.
        self._day.addresses += [unescape(one) for one in offered if not one.startswith(("data:", "otpauth:"))]
        return shown


@asynccontextmanager
async def a_box() -> AsyncIterator[Day]:
    folder = Path(mkdtemp(prefix="day-", dir="/tmp"))
    try:
        home = Home(folder / "h")
        portal = settings(home.root, host="127.0.0.1")
        with home.settings.open("a") as file:
            file.write('[sign_in]\nsecond_factor = "optional"\n')
        session, members, issued = await _clinic(home)
        (folder / "secret").write_text(PASSPHRASE + "\n")
        process = await asyncio.create_subprocess_exec(
            *command("up", "--home", str(home.root), "--passphrase-file", str(folder / "secret")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=(folder / "printed").open("wb"),
            stderr=asyncio.subprocess.STDOUT,
        )
        day = Day(home, portal, process, session, members, issued)
        try:
            await until(lambda: b"Ctrl-C" in (folder / "printed").read_bytes() or process.returncode, START_SECONDS)
            assert process.returncode is None, (folder / "printed").read_text()
            yield day
        finally:
            for visitor in day.visitors:
                await visitor.close()
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _clinic(home: Home) -> tuple[str, list[str], list[tickets.Issued]]:
    home.make()
    db = await birth.give_birth(home.store, PASSPHRASE, CHEAP)
    phc = hash_password(PASSWORD)

    def work(tx: Transaction) -> tuple[str, list[str], list[tickets.Issued]]:
        at = now_text()
        staff = [identity.appoint(tx, BOX, name, username, role, phc, at) for name, username, role in STAFF]
        people = [identity.enrol(tx, BOX, name, at) for name in PATIENTS]
        records.set_phrase(tx, decide(BOX, "enrol", Facts(person=people[1])), people[1], PHRASE, at)
        consent.publish(tx, BOX, first_agreement(), at)
        session, members = sessions.schedule(tx, BOX, TITLE, (staff[0], "Marabel"), people, at, at)
        return session, members, [tickets.reissue(tx, BOX, session, member, at, now_seconds()) for member in members]

    try:
        return await db.write(work)
    finally:
        await db.close()


# -- the day -----------------------------------------------------------------------------------------------------------


async def sign_in(visitor: Visitor, username: str, password: str = PASSWORD) -> Shown:
    await visitor.get("/staff/sign-in")
    return await visitor.post("/staff/sign-in", username=username, password=password)


async def mistakes_at_the_door(day: Day) -> None:
    """Wrong passwords, a password typed as a name, wrong PINs, codes that are none."""
    visitor = day.come()
    await sign_in(visitor, "maraq", WRONG)
    await sign_in(visitor, WRONG, PASSWORD)
    await sign_in(visitor, PATIENTS[0], WRONG)
    for code, pin in ((day.issued[2].code, WRONG_PIN), ("ABCD-EFGH-JKLM", day.issued[1].pin), (MADE_UP, MADE_UP)):
        await visitor.get("/join")
        await visitor.post("/join", code=code, pin=pin)


async def a_patient_comes(day: Day, number: int, name: str) -> Visitor:
    visitor, ticket = day.come(), day.issued[number]
    await visitor.get("/join")
    await visitor.post("/join", code=ticket.code, pin=ticket.pin)
    assert (await walk_in(visitor, name, ticket.name)).path == "/join/wait"
    assert (await visitor.post("/join/questions", question=f"I {CHATTED}. May I come?")).status == 200
    return visitor


async def a_session(day: Day) -> Visitor:
    """From opening to its end: vouched for, let in, one denied, one who comes back, the relay lost on the way."""
    mara, page = day.come(), f"/staff/sessions/{day.session}"
    assert (await sign_in(mara, "maraq")).status == 200
    patients = [await a_patient_comes(day, 0, DISPLAY), await a_patient_comes(day, 1, "Tom")]
    for question in re.findall(r'action="(/staff/questions/[^"]+)"', (await mara.get("/staff/questions")).text):
        assert (await mara.post(question, answer=f"Yes, {PATIENTS[0]}.")).status == 200
    await mara.get(page)
    await mara.post(f"{page}/open")
    await said_before_the_room(day, mara, patients[1])
    for member, action in ((0, "vouch"), (0, "admit"), (1, "deny"), (2, "reissue")):
        await mara.get(page)
        shown = await mara.post(f"{page}/members/{day.members[member]}/{action}")
        assert shown.status == 200, (action, shown.status)
    day.secrets.update(re.findall(r'<p class="secret"[^>]*>([^<]+)<', shown.text))
    async with patients[0].socket("/join/ws") as line, mara.socket(f"{page}/ws") as leading:
        await line.send_str(CHATTED)
        for method in ("groupSay", "groupOffer", "join", MADE_UP):
            await line.send_json({"type": "request", "id": 1, "method": method, "data": {"message": MADE_UP}})
        await leading.send_json({"type": "request", "id": 2, "method": "groupFound", "data": {"group": MADE_UP}})
        lose_the_relay(day)
        await mara.post(f"{page}/lock")
        await answered(line, 4)
    await mara.post(f"{page}/members/{day.members[0]}/remove")
    await mara.post(f"{page}/end")
    await patients[0].get("/join/next")
    await patients[1].get("/staff")
    return mara


async def said_before_the_room(day: Day, mara: Visitor, tom: Visitor) -> None:
    """A line to one who waits, the check of who they are, and what they say is not right."""
    tom_place = f"/staff/sessions/{day.session}/members/{day.members[1]}"
    for action, text in (("message", MESSAGE), ("ask_phrase", "")):
        await mara.get(f"/staff/sessions/{day.session}")
        assert (await mara.post(f"{tom_place}/{action}", text=text)).status == 200
    await tom.get("/join/wait")
    assert (await tom.post("/join/phrase", text=TYPED)).status == 200
    await tom.get("/join/wait")
    assert (await tom.post("/join/concern", kind="other", words=CONCERN)).status == 200
    assert CONCERN in (await mara.get("/staff/concerns")).text
    shown = (await mara.get(f"/staff/sessions/{day.session}")).text
    assert all(word in shown for word in (MESSAGE, PHRASE, TYPED))


async def answered(line: aiohttp.ClientWebSocketResponse, count: int) -> None:
    """Until so many requests have got an answer."""
    async with asyncio.timeout(10):
        async for message in line:
            count -= message.type == aiohttp.WSMsgType.TEXT and json.loads(message.data).get("type") == "response"
            if not count:
                return


def lose_the_relay(day: Day) -> None:
    day.look_at_processes()
    for child in psutil.Process(day.process.pid).children():
        if "media" in child.cmdline():
            child.kill()


async def refused_and_clumsy(day: Day) -> None:
    """Each role asks for everything, and types what must not be seen into every field of every form that there is."""
    parts = {"session": day.session, "member": day.members[0], "sequence": "1"}
    for _, username, _ in STAFF[1:]:
        visitor = day.come()
        await sign_in(visitor, username)
        for route in ROUTES:
            path = re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda part: parts.get(part[1], "lock"), route.path)
            if route.method == "GET":
                if not path.endswith("/ws"):
                    await visitor.get(path)
            elif "sign-out" not in path and path != "/staff/patients/new":  # that would become a name of the record
                typed = dict.fromkeys(("username", "password", "code", "pin", "display_name", "title", "text"), MADE_UP)
                await visitor.get("/staff/audit")
                await visitor.post(path, **typed, name=MADE_UP, reason=MADE_UP, beyond=MADE_UP, format=MADE_UP)
                if username == "veronikag":
                    await visitor.post(path, csrf=MADE_UP, **typed)


async def at_the_console(day: Day) -> None:
    """Wrong and right, a look, a feed, an answer that is none, and bodies that nobody can read."""
    client = ControlClient(day.home.control_socket)
    for username, password in (("jonaso", WRONG), (WRONG, WRONG)):
        with pytest.raises(ControlFault):
            await client.sign_in(username, password)
    with pytest.raises(ControlFault):
        await client.audit_verify()
    way = await client.sign_in("jonaso", PASSWORD)
    day.secrets.add(str(getattr(way, "token", "")))
    snapshot = await client.snapshot()
    assert snapshot.sessions[0].title == TITLE
    with suppress(ControlFault):
        await client.unlock(WRONG)
    with suppress(ControlFault):
        await client.session_action(day.session, "open")
    connector = aiohttp.UnixConnector(path=str(day.home.control_socket))
    async with aiohttp.ClientSession(connector=connector) as raw:
        for path in ("unlock", "sign-in", f"sessions/{MADE_UP}/open", "keys", "clock", MADE_UP):
            headers = {"Request-Id": MADE_UP, "Authorization": f"Bearer {WRONG}"}
            async with raw.post(
                f"http://hearth/v1/{path}", data=f'{{"passphrase": "{WRONG}', headers=headers
            ) as answer:
                await answer.read()
    await client.sign_out()
    await client.close()


async def the_auditor_reads(vera: Visitor) -> tuple[str, str]:
    assert PATIENTS[0] in (await vera.get("/staff/audit")).text
    table = await vera.post("/staff/audit/export", format="csv")
    await vera.get("/staff/audit")
    lines = await vera.post("/staff/audit/export", format="jsonl")
    assert "The audit is whole" in (await after(vera, "/staff/audit")).text
    return table.text, lines.text


async def after(visitor: Visitor, page: str) -> Shown:
    await visitor.get(page)
    return await visitor.post(f"{page}/verify")


# -- the search --------------------------------------------------------------------------------------------------------


def planted(day: Day) -> set[str]:
    """Everything that may be found in the store and on pages only."""
    cookies = {visitor.cookie(name) for visitor in day.visitors for name in ("__Host-login", "__Host-visit")}
    handed = {word for ticket in day.issued for word in (ticket.code, ticket.code.replace("-", ""), ticket.pin)}
    names = {word for name in (*PATIENTS, *(name for name, _, _ in STAFF)) for word in (name, *name.split())}
    usernames = {username for _, username, _ in STAFF}
    health = {TITLE, *TITLE.split()[:2], CHATTED, "fentanyl"}
    said = {MESSAGE, "naltrexone", PHRASE, TYPED, CONCERN, "Ottokar"}
    secrets = {*said, PASSPHRASE, PASSWORD, WRONG, WRONG_PIN, DISPLAY, *day.secrets}
    key = keyslots.unlock(day.home.store, PASSPHRASE).raw()
    found = {*cookies, *handed, *names, *usernames, *health, *secrets, key.hex()} - {""}
    assert len(found) > 30 and min(map(len, found)) > 4
    return found


def found_in(text: str, words: Iterable[str]) -> set[str]:
    lower = text.casefold()
    return {word for word in words if word.casefold() in lower}


def names_only_in_their_columns(table: str, words: set[str]) -> set[str]:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(table))]
    cells = [(column, cell) for row in rows for column, cell in row.items()]
    names = {word for name in (*PATIENTS, *(name for name, _, _ in STAFF)) for word in (name, *name.split())}
    as_names = "\n".join(cell for column, cell in cells if column in ("actor_name", "person_name"))
    others = "\n".join(cell for column, cell in cells if column not in ("actor_name", "person_name"))
    return found_in(others, words) | found_in(as_names, words - names)


async def left_for_hq(day: Day) -> str:
    """What the outbox would send, in clear, once nobody runs the box."""
    db = await Database.open(day.home.store, keyslots.unlock(day.home.store, PASSPHRASE))
    try:
        bodies = await db.read(lambda tx: tx.all("SELECT body FROM outbox WHERE body IS NOT NULL"))
        assert await db.read(audit.verify) == []
        return "\n".join(bytes(row["body"]).decode() for row in bodies)
    finally:
        await db.close()


@pytest.mark.slow
async def test_a_day_leaves_no_name_secret_or_word_of_health_outside_of_the_store() -> None:
    leaks: dict[str, set[str]] = {}
    async with a_box() as day:
        day.look_at_processes()
        vera = day.come()
        await sign_in(vera, "veronikag")
        await mistakes_at_the_door(day)
        mara = await a_session(day)
        await at_the_console(day)
        await refused_and_clumsy(day)
        table, lines = await the_auditor_reads(vera)
        await mara.post("/staff/sign-out")
        day.look_at_processes()
        words = planted(day)
        day.process.send_signal(signal.SIGINT)
        await day.process.wait()
        printed = (day.home.root.parent / "printed").read_text()
        files: dict[str, Any] = {
            name: content.decode("latin-1") for name, content in everything_in(day.home.root).items()
        }
        assert any(name.startswith("log/") and text for name, text in files.items())
        for name, text in {
            **files,
            "names of files": "\n".join(files),
            "printed": printed,
            "addresses": "\n".join(day.addresses),
            "processes": "\n".join(day.processes),
            "audit in lines": lines,
            "outbox": await left_for_hq(day),
        }.items():
            leaks[name] = found_in(text, words)
        leaks["audit as a table"] = names_only_in_their_columns(table, words)
    assert {name: found for name, found in leaks.items() if found} == {}
