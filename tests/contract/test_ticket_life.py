"""The life of a ticket, in any order that people may think of: never two devices inside one, never in after a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.faults import Fault
from appliance.ids import token_hash
from appliance.policy import BOX, Actor
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from appliance.tickets import rows as kept
from appliance.tickets.actions import Issued
from tests.fakes.box import OpenBox, open_box

DEVICES = ("phone", "tablet")
STEPS = (
    *(f"present {device}" for device in DEVICES),
    *(f"old ticket {device}" for device in DEVICES),
    *("reissue", "rejoin", "ask", "admit", "deny", "remove", "leave", "lock", "unlock", "wrong pin", "late"),
)


class Undone(Exception):  # noqa: N818
    """Ends a story: its transaction rolls back, and the next begins with the same store."""


class Story:
    """One person's ticket and two devices, within one transaction. What must hold is looked at after each step."""

    def __init__(self, tx: Transaction, box: OpenBox) -> None:
        self.tx, self.box, self.member = tx, box, box.members[0]
        self.tickets: list[Issued] = [box.issued[0]]
        self.visits: dict[str, set[str]] = {device: set() for device in DEVICES}
        self.now = now_seconds()
        self.leader = box.leader()

    def step(self, word: str) -> None:
        with suppress(Fault):  # not possible here, which is one of the things that may happen
            self._do(word)
        assert len(self.inside()) <= 1, word

    def _do(self, word: str) -> None:
        at, session = now_text(), self.box.session
        patient = Actor(rows.member(self.tx, self.member).person, "patient", "portal", self.member)
        match word.split():
            case ["present", device]:
                self.present(self.tickets[-1], device)
            case ["old", "ticket", device]:
                for old in self.tickets[:-1]:
                    assert self.present(old, device) == "wrong_ticket"
            case ["wrong", "pin"]:
                found = tickets.present(self.tx, self.tickets[-1].code, "x", at, self.now, device="phone")
                assert found.token == ""
            case ["late"]:
                self.now += 1800
            case ["reissue"]:
                self.tickets.append(tickets.reissue(self.tx, self.leader, session, self.member, at, self.now))
            case ["rejoin"]:
                before = rows.member(self.tx, self.member)
                self.tickets.append(tickets.rejoin(self.tx, self.leader, session, self.member, at, self.now))
                after = rows.member(self.tx, self.member)
                assert (after.standing, after.display_name) == (before.standing, before.display_name)
            case ["ask"]:
                sessions.choose_name(self.tx, patient, "Ada", at)
                consent.sign(self.tx, patient, patient.person, "en", 1, "Ada Brook", True, at)
                sessions.try_devices(self.tx, patient, at)
                sessions.ask(self.tx, patient, at)
            case ["leave"]:
                sessions.leave(self.tx, patient, at)
            case ["lock" | "unlock"]:
                sessions.change(self.tx, self.leader, "lock" if word == "lock" else "unlock", session, at)
            case ["admit"]:
                sessions.decide_on(self.tx, self.leader, "admit", session, self.member, at)
            case ["deny"]:
                sessions.decide_on(self.tx, self.leader, "deny", session, self.member, at)
            case ["remove"]:
                sessions.decide_on(self.tx, self.leader, "remove", session, self.member, at)

    def present(self, issued: Issued, device: str) -> str:
        known = tickets.known(self.tx, issued.code)
        found = tickets.present(self.tx, issued.code, issued.pin, now_text(), self.now, device=device)
        if found.token:
            assert known is not None and not known.stopped
            self.visits[device].add(found.token)
        return found.fault

    def inside(self) -> set[str]:
        """Devices with a visit that opens the place."""
        return {
            device
            for device, tokens in self.visits.items()
            if any(kept.visit(self.tx, token_hash(token), self.now) for token in tokens)
        }


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def open_session(loop: asyncio.Runner) -> Iterator[OpenBox]:
    with TemporaryDirectory(prefix="hearth-") as folder:
        opened = open_box(Path(folder))
        box = loop.run(opened.__aenter__())
        loop.run(box.clinic.act(box.leader(), "open", box.session))
        yield box
        loop.run(opened.__aexit__(None, None, None))


def tell(loop: asyncio.Runner, box: OpenBox, story_of: list[str], then: str = "") -> None:
    """The steps, then one that stops the ticket, after which nothing opens; all of it undone."""

    def work(tx: Transaction) -> None:
        story = Story(tx, box)
        for word in story_of:
            story.step(word)
        if then:
            _stop(story, then)
        raise Undone

    async def run() -> None:
        with pytest.raises(Undone):
            await box.clinic.db.write(work)

    loop.run(run())


def _stop(story: Story, then: str) -> None:
    tx, at = story.tx, now_text()
    if then == "end":
        sessions.change(tx, story.leader, "end", story.box.session, at)
    elif then == "remove":
        if rows.member(tx, story.member).standing not in ("waiting", "admitted"):
            return
        sessions.decide_on(tx, story.leader, "remove", story.box.session, story.member, at)
    else:
        for _ in range(5):
            tickets.present(tx, story.tickets[-1].code, "x", at, story.now)
    for device in DEVICES:
        for issued in story.tickets:
            assert story.present(issued, device) in ("wrong_ticket", "ticket_stopped", "session_over")
    standing = rows.member(tx, story.member).standing
    state = rows.session(tx, story.box.session).state
    assert (then, standing) in (("remove", "removed"), ("end", standing), ("wrong pins", standing))
    assert state == ("ended" if then == "end" else state)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=14))
def test_never_are_two_devices_inside_one_ticket(loop: asyncio.Runner, open_session: OpenBox, steps: list[str]) -> None:
    tell(loop, open_session, steps)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=10), st.sampled_from(["end", "remove", "wrong pins"]))
def test_nothing_opens_after_a_stop(loop: asyncio.Runner, open_session: OpenBox, steps: list[str], then: str) -> None:
    tell(loop, open_session, steps, then)


@pytest.mark.parametrize("way", ["reissue", "rejoin"])
def test_a_new_ticket_puts_every_device_out(loop: asyncio.Runner, open_session: OpenBox, way: str) -> None:
    def work(tx: Transaction) -> None:
        story = Story(tx, open_session)
        story.step("present phone")
        assert story.inside() == {"phone"}
        story.step(way)
        assert story.inside() == set()
        story.step("present tablet")
        story.step("present phone")
        assert story.inside() == {"tablet"}
        raise Undone

    async def run() -> None:
        with pytest.raises(Undone):
            await open_session.clinic.db.write(work)

    loop.run(run())


def test_the_box_itself_leads_nobody_back(loop: asyncio.Runner, open_session: OpenBox) -> None:
    def work(tx: Transaction) -> None:
        story = Story(tx, open_session)
        story.step("present phone")
        tickets.rejoin(tx, BOX, open_session.session, story.member, now_text(), story.now)

    async def run() -> None:
        with pytest.raises(Fault, match="refused"):
            await open_session.clinic.db.write(work)

    loop.run(run())
