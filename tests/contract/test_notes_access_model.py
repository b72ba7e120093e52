"""Who can open which note after any sequence of joining, leaving, forgetting, giving, recovering and retiring.

The box is compared with a model of a few lines: sets of (epoch, key) and nothing of cryptography.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.care import actions as care
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.ids import new_id
from appliance.notebook import Reader
from appliance.policy import BOX
from appliance.store.database import Transaction
from tests.fakes.box import PHC, OpenBox
from tests.fakes.notes import Notes

STAFF = 3
STEPS = st.tuples(
    st.sampled_from(["write", "write", "join", "leave", "give", "forget", "recover", "retire"]),
    st.integers(0, STAFF - 1),
    st.integers(0, STAFF - 1),
)


@dataclass
class Model:
    """`held`: by epoch, who was given its key as (which of their keys, still there). A recovery key holds them all."""

    members: set[int] = field(default_factory=lambda: {0, 1})
    gone: set[int] = field(default_factory=set)
    key: list[int] = field(default_factory=lambda: [0] * STAFF)
    held: list[dict[int, tuple[int, bool]]] = field(default_factory=list)

    def opens(self, who: int, epoch: int) -> bool:
        return who in self.members and self.held[epoch].get(who) == (self.key[who], True)

    def may_write(self, who: int) -> bool:
        return who in self.members and (not self.held or self.opens(who, len(self.held) - 1))

    def write(self) -> int:
        """The epoch that a note is written in."""
        if not self.held:
            self.held.append({who: (self.key[who], True) for who in self.members})
        good = {who: key for who, key in self.held[-1].items() if self.opens(who, len(self.held) - 1)}
        if len(good) < len(self.held[-1]):
            self.held.append(good)
        return len(self.held) - 1

    def give(self, to: int, epochs: list[int]) -> None:
        for epoch in epochs:
            self.held[epoch][to] = (self.key[to], True)

    def leave(self, who: int) -> None:
        self.members.discard(who)
        for epoch in self.held:
            if who in epoch:
                epoch[who] = (epoch[who][0], False)


@dataclass
class Life:
    """One care group with staff of its own, in the box and in the model."""

    notes: Notes
    lead: Reader
    people: list[str]
    readers: list[Reader]
    model: Model = field(default_factory=Model)
    written: list[tuple[str, int]] = field(default_factory=list)

    async def step(self, deed: str, who: int, other: int) -> None:
        if who not in self.model.gone:
            await getattr(self, deed)(who, other)

    async def write(self, who: int, other: int) -> None:
        if self.model.may_write(who):
            note, epoch = await self.notes.write(self.readers[who], "words"), self.model.write()
            assert (await self.notes.box.clinic.notebook.read(self.readers[who], note)).epoch == epoch + 1
            self.written.append((note, epoch))
        else:
            with pytest.raises(Fault, match=r"refused|notes_closed"):
                await self.notes.write(self.readers[who], "words")

    async def join(self, who: int, other: int) -> None:
        if who not in self.model.members:
            await self._change(lambda tx: care.let_in(tx, BOX, self.notes.group, self.people[who], now_text()))
            self.model.members.add(who)

    async def leave(self, who: int, other: int) -> None:
        if who in self.model.members:
            await self._change(lambda tx: care.let_out(tx, BOX, self.notes.group, self.people[who], now_text()))
            self.model.leave(who)

    async def give(self, who: int, other: int) -> None:
        waiters = await self.notes.box.clinic.notebook.waiters(self.readers[who])
        for one in waiters:
            if one.holder == self.people[other]:
                await self.notes.box.clinic.notebook.give(self.readers[who], one.group, one.holder, one.key_hash)
        mine = [e for e in range(len(self.model.held)) if self.model.opens(who, e)]
        if other in self.model.members and other != who:
            self.model.give(other, mine)

    async def forget(self, who: int, other: int) -> None:
        self.model.key[who] += 1
        self.readers[who] = await self.notes.arrive(self.people[who], password=f"password {self.model.key[who]}")

    async def recover(self, who: int, other: int) -> None:
        book = self.notes.box.clinic.notebook
        if who in self.model.members:
            await book.recover(self.lead, self.notes.group, self.people[who])
            self.model.give(who, list(range(len(self.model.held))))
        else:
            with pytest.raises(Fault, match="bad_request"):
                await book.recover(self.lead, self.notes.group, self.people[who])

    async def retire(self, who: int, other: int) -> None:
        await self._change(lambda tx: identity.retire(tx, self.lead.actor, self.people[who], now_text()))
        self.model.leave(who)
        self.model.gone.add(who)

    async def check(self) -> None:
        for note, epoch in self.written:
            for who, reader in enumerate(self.readers):
                assert await self._opens(reader, note) == self.model.opens(who, epoch), (who, epoch)

    async def _opens(self, reader: Reader, note: str) -> bool:
        try:
            return (await self.notes.box.clinic.notebook.read(reader, note)).words.text == "words"
        except Fault as fault:
            assert fault.code in ("refused", "notes_closed", "keys_missing")
            return False

    async def _change(self, work: Callable[[Transaction], None]) -> None:
        await self.notes.box.clinic.db.write(work)


async def begin(box: OpenBox) -> Life:
    lead = await Notes(box, "").lead()

    def work(tx: Transaction) -> tuple[str, list[str]]:
        at = now_text()
        people = [identity.appoint(tx, BOX, "N", new_id(), "facilitator", PHC, at) for _ in range(STAFF)]
        return care.found(tx, BOX, "made up", people[:2], at), people

    group, people = await box.clinic.db.write(work)
    notes = Notes(box, group)
    return Life(notes, lead, people, [await notes.arrive(person) for person in people])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(STEPS, min_size=4, max_size=14))
async def test_who_opens_what_is_what_the_model_says(box: OpenBox, steps: list[tuple[str, int, int]]) -> None:
    life = await begin(box)
    await life.write(0, 0)
    for step in steps:
        await life.step(*step)
    await life.check()
