"""The life of a ticket, in any order that people may think of: never two devices inside one, never in after a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.ids import token_hash
from appliance.policy import BOX, Action, Actor
from appliance.sessions import actions as sessions
from appliance.sessions import rows, states
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from appliance.tickets import rows as kept
from appliance.tickets.actions import Issued
from tests.fakes.box import OpenBox, open_box, way_in

DEVICES = ("phone", "tablet")
STEPS = (
    *(f"present {device}" for device in DEVICES),
    *(f"old {device}" for device in DEVICES),
    *("reissue", "rejoin", "ask", "admit", "deny", "remove", "leave", "lock", "unlock", "wrong pin", "late"),
)


class Undone(Exception):
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
        kind, _, device = word.partition(" ")
        if device in DEVICES and kind == "present":
            self.present(self.tickets[-1], device)
        elif device in DEVICES:
            assert {self.present(old, device) for old in self.tickets[:-1]} <= {"wrong_ticket"}
        elif word in ("lock", "unlock", "admit", "deny", "remove"):
            self.lead(word)
        else:
            getattr(self, f"_{kind}")()

    def lead(self, word: str) -> None:
        """What the one who leads does to the door or to the person."""
        if word in ("lock", "unlock"):
            sessions.change(self.tx, self.leader, cast(Action, word), self.box.session, now_text())
        else:
            action, do = cast(Action, word), states.let_in if word == "admit" else states.send_out
            do(self.tx, self.leader, action, self.box.session, self.member, now_text())

    def _reissue(self) -> None:
        self.tickets.append(tickets.reissue(self.tx, self.leader, self.box.session, self.member, now_text(), self.now))

    def _rejoin(self) -> None:
        before = rows.member(self.tx, self.member)
        self.tickets.append(tickets.rejoin(self.tx, self.leader, self.box.session, self.member, now_text(), self.now))
        after = rows.member(self.tx, self.member)
        assert (after.standing, after.display_name) == (before.standing, before.display_name)

    def _wrong(self) -> None:
        assert tickets.present(self.tx, self.tickets[-1].code, "x", now_text(), self.now, device="phone").token == ""

    def _late(self) -> None:
        self.now += 1800

    def _ask(self) -> None:
        at, patient = now_text(), self.patient()
        sessions.choose_name(self.tx, patient, "Ada", at)
        way_in(self.tx, patient, "Ada Brook", at)
        sessions.ask(self.tx, patient, at)

    def _leave(self) -> None:
        sessions.leave(self.tx, self.patient(), now_text())

    def patient(self) -> Actor:
        return Actor(rows.member(self.tx, self.member).person, "patient", "portal", self.member)

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
        story.lead("remove")
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
