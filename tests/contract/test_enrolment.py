"""People in the portal: enrolled, found, corrected, archived; every look and every refusal noted."""

from __future__ import annotations

import pytest

from appliance.audit import rows as audit
from appliance.audit.rules import Entry
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.people.rules import PAGE
from appliance.policy import BOX
from appliance.store.database import Transaction
from tests.fakes.box import PEOPLE, OpenBox
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Visitor

HOME = "/staff/patients"


async def jonas(newcomer: Newcomer, language: str = "en") -> Visitor:
    """The front desk, signed in."""
    visitor = newcomer(language)
    await sign_in(visitor, "jonas")
    return visitor


async def noted(box: OpenBox, action: str) -> list[Entry]:
    return [entry for entry in await box.clinic.db.read(audit.entries) if entry.action == action]


async def enrol(visitor: Visitor, name: str, **fields: str) -> str:
    """The path of their page."""
    await visitor.get(f"{HOME}/new")
    return (await visitor.post(f"{HOME}/new", name=name, **fields)).path


async def test_who_is_enrolled_is_in_the_list_by_name_and_staff_are_not(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    shown = await desk.get(HOME)
    assert [name for name in PEOPLE if name not in shown.text] == []
    assert "Mara Lindqvist" not in shown.text and "Jonas Okafor</a>" not in shown.text
    person = await enrol(desk, "  Élodie \u200b Petit ")
    assert desk.last.title == "Élodie Petit"
    assert "They are enrolled." in desk.last.text
    listed = (await desk.get(HOME)).text
    assert listed.index("Ada Brook") < listed.index("Élodie Petit") < listed.index("Tomás Rivera")
    entry = (await noted(box, "enrol"))[-1]
    assert (entry.actor, entry.person) == (box.staff["jonas"], person.rpartition("/")[2])


async def test_a_search_ignores_accents_and_stands_in_no_address(newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    await desk.get(HOME)
    found = await desk.post(f"{HOME}/search", query="rivéra TOMAS")
    assert "Tomás Rivera" in found.text and "Ada Brook" not in found.text
    assert "Nobody of that name." in (await desk.post(f"{HOME}/search", query="zz")).text


async def test_a_long_list_comes_in_pages(box: OpenBox, newcomer: Newcomer) -> None:
    def many(tx: Transaction) -> None:
        for number in range(PAGE):
            identity.enrol(tx, BOX, f"Person {number:03}", now_text())

    await box.clinic.db.write(many)
    desk = await jonas(newcomer)
    assert "Wen Li" not in (await desk.get(HOME)).text
    assert "Page 1 of 2" in desk.last.text
    assert "Wen Li" in (await desk.get(f"{HOME}?page=2")).text
    assert "Page 1 of 2" in (await desk.get(f"{HOME}?page=99999x")).text


async def test_a_name_that_is_none_is_refused_and_stays_in_the_form(newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    for name, words in (("", "write the name"), (" 12 ", "write the name"), ("x" * 81, "too long")):
        await enrol(desk, name)
        assert desk.last.status == 400
        assert words in desk.last.text
        assert f'value="{name}"' in desk.last.text


async def test_a_second_person_of_a_name_is_asked_about_first(newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    assert await enrol(desk, "ada BROOK") == f"{HOME}/new"
    assert "A person of this name is here already" in desk.last.text
    sure = desk.last.hidden("sure")
    assert (await desk.post(f"{HOME}/new", name="Wen Li", sure=sure)).path == f"{HOME}/new"  # that was for another name
    await desk.post(f"{HOME}/new", name="Ada Brook", sure=sure)
    assert desk.last.title == "Ada Brook" and desk.last.path != f"{HOME}/new"


async def test_a_corrected_name_is_the_records_also_in_old_sessions(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    person = (await box.member(0)).person
    await desk.get(f"{HOME}/{person}")
    shown = await desk.post(f"{HOME}/{person}/correct", name="Ada Brooke")
    assert shown.title == "Ada Brooke" and "The name is corrected." in shown.text
    assert (await box.member(0)).name == "Ada Brooke"
    assert [entry.person for entry in await noted(box, "correct_name")] == [person]
    refused = await desk.post(f"{HOME}/{person}/correct", name=" ")
    assert (refused.status, refused.title) == (400, "Ada Brooke")


async def test_who_is_archived_is_offered_no_more_and_comes_back(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    person = await enrol(desk, "Nora Field")
    shown = await desk.post(f"{person}/archive")
    assert "They are archived." in shown.text
    assert "Nora Field" not in (await desk.get(HOME)).text
    assert "Nora Field" not in (await desk.get("/staff/planned/new")).text
    assert "Nora Field" in (await desk.get(f"{HOME}?archived")).text
    await desk.get(person)
    await desk.post(f"{person}/back")
    assert "Nora Field" in (await desk.get(HOME)).text
    assert len(await noted(box, "archive")) == 2


async def test_who_is_expected_is_not_archived(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    person = (await box.member(0)).person
    await desk.get(f"{HOME}/{person}")
    shown = await desk.post(f"{HOME}/{person}/archive")
    assert shown.status == 400
    assert "Take them out of it first" in shown.text


async def test_a_persons_page_has_dates_and_what_is_past(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    person = (await box.member(0)).person
    coming = (await desk.get(f"{HOME}/{person}")).text
    assert "Thursday circle" in coming and "Past sessions" not in coming
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "end", box.session)
    past = (await desk.get(f"{HOME}/{person}")).text
    assert "No session is planned with them." in past and "Past sessions" in past


async def test_a_look_at_the_list_and_at_a_person_is_noted_once_for_a_while(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    person = (await box.member(0)).person
    for _ in range(2):
        await desk.get(HOME)
        await desk.get(f"{HOME}/{person}")
    assert [(e.actor, e.person) for e in await noted(box, "see_people")] == [
        (box.staff["jonas"], ""),
        (box.staff["jonas"], person),
    ]


@pytest.mark.parametrize("username", ["mara", "ruth"])
async def test_who_neither_schedules_nor_enrols_sees_nobody_and_it_is_noted(
    box: OpenBox, newcomer: Newcomer, username: str
) -> None:
    visitor = newcomer()
    await sign_in(visitor, username)
    person = (await box.member(0)).person
    for path in (HOME, f"{HOME}/{person}", f"{HOME}/nothing"):
        assert (await visitor.get(path)).status == 403
    assert {(e.actor, e.outcome) for e in await noted(box, "see_people")} == {(box.staff[username], "refused")}
    assert HOME not in (await visitor.get("/staff/account")).text


async def test_staff_have_no_page_as_a_person_who_comes(box: OpenBox, newcomer: Newcomer) -> None:
    desk = await jonas(newcomer)
    assert (await desk.get(f"{HOME}/{box.staff['mara']}")).status == 404


async def test_people_in_spanish(newcomer: Newcomer) -> None:
    desk = await jonas(newcomer, "es")
    assert (await desk.get(HOME)).title == "Personas"
