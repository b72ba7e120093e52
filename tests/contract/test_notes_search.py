"""Search over sealed notes: what is found, by whom, and how long an index lives."""

from __future__ import annotations

import asyncio

import pytest

from appliance.audit import rows as audit
from appliance.notes import actions
from appliance.notes import search as searching
from appliance.notes.search import Indexes
from tests.fakes.box import OpenBox
from tests.fakes.notes import Notes, notes_of
from tests.fakes.waiting import until


@pytest.fixture
async def notes(box: OpenBox) -> Notes:
    return await notes_of(box)


async def test_the_newest_version_is_found_at_once_and_the_old_words_no_more(notes: Notes) -> None:
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    note = await notes.write(mara, "before any search")
    assert [e.id for e in (await book.search(mara, "before")).entries] == [note]
    later = await notes.write(mara, "written while there is an index")
    await book.amend(mara, note, 1, "", "other words")
    assert [e.id for e in (await book.search(mara, "written index")).entries] == [later]
    assert (await book.search(mara, "before")).entries == []


async def test_an_index_is_gone_with_the_last_login_that_searched_in_it(notes: Notes) -> None:
    book, ring = notes.box.clinic.notebook, notes.box.clinic.ring
    mara, again = await notes.staff("mara"), await notes.staff("mara")
    await notes.write(mara, "words")
    for who in (mara, again):
        await book.search(who, "words")
    ring.drop(mara.login)
    assert len(book.indexes) == 1
    ring.drop(again.login)
    assert len(book.indexes) == 0


async def test_one_who_cannot_open_an_older_note_does_not_find_it_in_a_colleagues_index(notes: Notes) -> None:
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    await notes.write(mara, "secret of the past")
    await notes.let_in("ines")
    await notes.let_in("paul")
    ines = await notes.staff("ines")
    assert len((await book.search(mara, "secret")).entries) == 1
    assert (await book.search(ines, "secret")).entries == []
    await notes.give_all(mara)
    assert len((await book.search(ines, "secret")).entries) == 1
    await notes.let_out("ines")
    assert (await book.search(ines, "secret")).entries == []


async def test_what_was_searched_for_is_not_in_the_audit_but_that_and_whose_notes_were_shown(notes: Notes) -> None:
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    note = await notes.write(mara, "marzipan", subject=await notes.patient())
    await book.search(mara, "marzipan")
    entries = [e for e in await notes.box.clinic.db.read(audit.entries) if e.action == "search_notes"]
    assert [(e.thing, e.person) for e in entries] == [(notes.group, ""), (note, await notes.patient())]
    assert "marzipan" not in repr(entries)


async def test_a_page_of_results_goes_on_where_it_ended(notes: Notes) -> None:
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    written = [await notes.write(mara, f"word {number}") for number in range(25)]
    first = await book.search(mara, "word")
    second = await book.search(mara, "word", first.more)
    assert [e.id for e in (*first.entries, *second.entries)] == written[::-1]
    assert (len(first.entries), second.more) == (20, 0)


async def test_a_long_build_shows_what_there_is_and_leaves_the_loop_free(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CHUNK", 2)
    monkeypatch.setattr(searching, "WAIT_SECONDS", 0.0)
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    for number in range(9):
        await notes.write(mara, f"word {number}")
    reach = (await book.search(mara, "word")).reach
    assert reach.building and reach.total == 9
    index = book.indexes._indexes[notes.group]
    await until(lambda: index.filling is not None and index.filling.done())
    found = await book.search(mara, "word")
    assert (len(found.entries), found.reach.building) == (9, False)


async def test_a_build_ends_when_nobody_needs_it_any_more(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "CHUNK", 1)
    monkeypatch.setattr(searching, "WAIT_SECONDS", 0.0)
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    for number in range(5):
        await notes.write(mara, f"word {number}")
    key = notes.box.clinic.ring.key(mara.login)
    groups = await notes.box.clinic.db.read(lambda tx: actions.searchable(tx, mara.actor, key))
    await book.indexes.reach(mara.login, groups)
    filling = book.indexes._indexes[notes.group].filling
    notes.box.clinic.ring.drop(mara.login)
    assert filling is not None
    with pytest.raises(asyncio.CancelledError):
        await filling


async def test_past_its_memory_the_newest_notes_are_searched_and_it_says_so(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CHUNK", 2)
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    book.indexes = Indexes(notes.box.clinic.db, max_bytes=1)
    written = [await notes.write(mara, f"word {number}") for number in range(5)]
    found = await book.search(mara, "word")
    assert [e.id for e in found.entries] == written[:2:-1]
    assert found.reach.cut
