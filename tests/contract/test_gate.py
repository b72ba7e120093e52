"""Role first: a refusal tells nothing of what there is, and the audit says what it was about, where that exists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.audit import rows as audit
from appliance.audit.rules import Entry
from tests.fakes.box import OpenBox
from tests.fakes.notes import notes_of
from tests.fakes.portal import Newcomer, sign_in

NOWHERE = "AAAAAAAAAAAAAAAAAAAAAA"
PATHS: tuple[Callable[[str], str], ...] = (
    lambda thing: f"/staff/people/{thing}",
    lambda thing: f"/staff/notes/{thing}",
    lambda thing: f"/staff/groups/{thing}",
    lambda thing: f"/staff/audit/entries/{thing}",
    lambda thing: f"/staff/notes/emergency/{thing}",
)


async def refused(box: OpenBox) -> list[Entry]:
    return [one for one in await box.clinic.db.read(audit.entries) if one.outcome == "refused"]


@pytest.mark.parametrize("path", PATHS)
async def test_who_may_never_look_hears_the_same_of_what_there_is_and_what_is_not(
    box: OpenBox, newcomer: Newcomer, path: Callable[[str], str]
) -> None:
    notes = await notes_of(box)
    note = await notes.write(await notes.staff("mara"), "ours")
    jonas = newcomer()
    await sign_in(jonas, "jonas")
    told = set()
    for thing in (NOWHERE, "1", "no id at all", box.staff["ines"], notes.group, note):
        shown = await jonas.get(path(thing))
        told.add((shown.status, shown.text.replace(path(thing), "")))
    assert [status for status, _ in told] == [403]


async def test_the_refusal_names_whom_it_was_about_and_nobody_who_is_not_there(
    box: OpenBox, newcomer: Newcomer
) -> None:
    notes = await notes_of(box)
    note = await notes.write(await notes.staff("mara"), "of Ada", subject=await notes.patient())
    jonas, ruth, ines = newcomer(), newcomer(), box.staff["ines"]
    await sign_in(jonas, "jonas")
    await sign_in(ruth, "ruth")
    await jonas.get(f"/staff/people/{ines}")
    await jonas.get(f"/staff/people/{NOWHERE}")
    await jonas.get(f"/staff/notes/{note}")
    await ruth.get(f"/staff/sessions/{box.session}")
    await ruth.get(f"/staff/sessions/{NOWHERE}")
    assert [(one.action, one.person, one.session, one.thing) for one in await refused(box)] == [
        ("see_staff", ines, "", ""),
        ("see_staff", "", "", ""),
        ("read_note", await notes.patient(), "", note),
        ("see", "", box.session, ""),
        ("see", "", "", ""),
    ]


async def test_a_role_that_may_is_still_told_what_is_not_there(box: OpenBox, newcomer: Newcomer) -> None:
    ruth = newcomer()
    await sign_in(ruth, "ruth")
    assert (await ruth.get(f"/staff/people/{NOWHERE}")).status == 404
    assert (await ruth.get(f"/staff/people/{box.staff['ines']}")).status == 200
