"""The auditor's pages as a browser without script sees them, and what stands in an export."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest

from appliance.audit import proof
from appliance.audit import rows as audit
from appliance.audit.export import COLUMNS, safe
from appliance.audit.rules import Entry
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.outbox import rows as outbox
from appliance.policy import ACTIONS, BOX, ROLES, Facts
from appliance.portal import pages
from appliance.store.database import Transaction
from tests.fakes.box import PEOPLE, PHC, OpenBox
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Visitor

PAGE = "/staff/audit"


@pytest.fixture
async def auditor(box: OpenBox, newcomer: Newcomer) -> Visitor:
    """Vera is signed in."""
    await box.clinic.db.write(lambda tx: identity.appoint(tx, BOX, "Vera Gold", "vera", "auditor", PHC, now_text()))
    visitor = newcomer()
    await sign_in(visitor, "vera")
    return visitor


async def let_in(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)


def deeds(text: str) -> list[str]:
    """The sentence of each entry on the page, newest first."""
    cells = re.findall(r'<td data-label="(?:What|Qué)">(.*?)(?: <small>|</td>)', text)
    return [unescape(cell) for cell in cells]


async def written(box: OpenBox, action: str) -> list[Entry]:
    return [entry for entry in await box.clinic.db.read(audit.entries) if entry.action == action]


async def test_the_auditor_reads_who_did_what_to_whose_record(box: OpenBox, auditor: Visitor) -> None:
    await let_in(box)
    shown = await auditor.get(PAGE)
    assert shown.status == 200
    assert "Let a person in" in deeds(shown.text)
    assert all(word in shown.text for word in ("Mara Lindqvist", PEOPLE[0], "Facilitator", "Done"))


async def test_nobody_else_reads_it_and_the_attempt_is_noted(box: OpenBox, newcomer: Newcomer) -> None:
    visitor = newcomer()
    await sign_in(visitor, "mara")
    assert (await visitor.get(PAGE)).status == 403
    (noted,) = await written(box, "read_audit")
    assert (noted.actor, noted.outcome, noted.address) == (box.staff["mara"], "refused", "127.0.0.1")


async def test_reading_is_in_the_audit_once_for_a_while(box: OpenBox, auditor: Visitor) -> None:
    for _ in range(3):
        await auditor.get(PAGE)
    assert len(await written(box, "read_audit")) == 1
    person = (await box.member(0)).person
    await auditor.get(f"{PAGE}?whom={person}")
    assert [entry.person for entry in await written(box, "read_audit")] == ["", person]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("what=admit", {"Let a person in"}),
        ("outcome=refused", {"Opened a session"}),
        ("where=console&what=reissue", {"Issued an invitation"}),
        ("since=2031-01-01", set()),
        ("until=2019-01-01", set()),
        ("who={mara}&outcome=done", {"Opened a session", "Let a person in"}),
        ("whom={ada}&what=admit", {"Let a person in"}),
        ("whom={wen}&what=admit", set()),
    ],
)
async def test_a_filter_shows_what_fits_and_nothing_else(
    box: OpenBox, auditor: Visitor, query: str, expected: set[str]
) -> None:
    await let_in(box)
    await box.reissue(1)
    with pytest.raises(Exception, match="refused"):
        await box.clinic.act(box.other_leader(), "open", box.session)
    ada, wen = (await box.member(0)).person, (await box.member(2)).person
    shown = await auditor.get(f"{PAGE}?{query.format(mara=box.staff['mara'], ada=ada, wen=wen)}")
    assert set(deeds(shown.text)) == expected
    assert expected or "No entry fits" in shown.text


@pytest.mark.parametrize(
    "query", ["what=no", "who=%3Cb%3E", "since=tomorrow", "until=9999-12-31", "before=x", "outcome=1"]
)
async def test_a_filter_that_is_none_is_told_and_shows_everything(auditor: Visitor, query: str) -> None:
    shown = await auditor.get(f"{PAGE}?{query}")
    assert (shown.status, "did not understand" in shown.text) == (400, True)
    assert deeds(shown.text)


async def test_older_entries_are_on_the_next_page(box: OpenBox, auditor: Visitor) -> None:
    for _ in range(30):
        await box.reissue(0)
    seen: list[str] = []
    shown = await auditor.get(f"{PAGE}?what=reissue")
    while True:
        seen += re.findall(r"/entries/(\d+)", shown.text)
        older = re.search(r'href="([^"]+)">Older entries', shown.text)
        if older is None:
            break
        shown = await auditor.get(unescape(older[1]))
    assert [int(number) for number in seen] == [entry.sequence for entry in await written(box, "reissue")][::-1]


async def test_an_entry_shows_its_hash_and_gives_a_proof_that_a_stranger_can_check(
    box: OpenBox, auditor: Visitor
) -> None:
    await let_in(box)
    (admitted,) = await written(box, "admit")
    shown = await auditor.get(f"{PAGE}/entries/{admitted.sequence}")
    row = await box.clinic.db.read(lambda tx: audit.stored(tx, admitted.sequence))
    assert row is not None and row.hash.hex() in shown.text
    file = await auditor.post(f"{PAGE}/entries/{admitted.sequence}/proof")
    public = (await box.clinic.db.write(outbox.identity)).signing_key.public
    entry, signed = proof.check(file.text.encode(), public)
    assert entry == admitted and signed.size > admitted.sequence
    assert [entry.thing for entry in await written(box, "export_audit")] == [str(admitted.sequence)]


@pytest.mark.parametrize("number", ["0", "999999", "x", "-1"])
async def test_there_is_no_page_for_what_is_no_entry(auditor: Visitor, number: str) -> None:
    assert (await auditor.get(f"{PAGE}/entries/{number}")).status == 404


async def test_a_verification_tells_that_it_is_whole_and_is_noted(box: OpenBox, auditor: Visitor) -> None:
    await auditor.get(PAGE)
    shown = await auditor.post(f"{PAGE}/verify")
    assert "The audit is whole" in shown.text
    assert len(await written(box, "verify_audit")) == 1


async def test_a_verification_names_what_is_not(box: OpenBox, auditor: Visitor) -> None:
    def tamper(tx: Transaction) -> None:
        tx.execute("DROP TRIGGER audit_is_append_only_update")
        tx.execute("UPDATE audit SET outcome = 'refused' WHERE sequence = 5")

    await box.clinic.db.write(tamper)
    await auditor.get(PAGE)
    shown = await auditor.post(f"{PAGE}/verify")
    assert "Entry 5 was changed." in shown.text and "was taken away" in shown.text


async def test_a_table_opens_in_a_spreadsheet_and_runs_nothing_there(box: OpenBox, auditor: Visitor) -> None:
    name = "=HYPERLINK(1)"
    await box.clinic.db.write(
        lambda tx: tx.execute("UPDATE people SET name = ? WHERE id = ?", (name, box.staff["mara"]))
    )
    await let_in(box)
    await auditor.get(PAGE)
    saved = await auditor.post(f"{PAGE}/export", format="csv", what="admit")
    assert saved.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    head, row = csv.reader(io.StringIO(saved.text.lstrip("\ufeff")))
    assert tuple(head) == COLUMNS
    told = dict(zip(head, row, strict=True))
    assert (told["actor_name"], told["person_name"], told["action"]) == (f"'{name}", PEOPLE[0], "admit")
    assert [safe(cell)[0] for cell in ("=1", "+1", "-1", "@x", "\tx", "\r=1", " =1", "＝1")] == ["'"] * 8
    assert len(await written(box, "export_audit")) == 1


async def test_lines_carry_a_proof_for_each_entry(box: OpenBox, auditor: Visitor) -> None:
    await let_in(box)
    await auditor.get(PAGE)
    saved = await auditor.post(f"{PAGE}/export", format="jsonl")
    public = (await box.clinic.db.write(outbox.identity)).signing_key.public
    proved = [proof.check(line.encode(), public)[0] for line in saved.text.splitlines()]
    entries = await box.clinic.db.read(audit.entries)
    assert proved == entries[: len(proved)] and proved[-1].action == "export_audit"


async def test_an_export_needs_the_pages_own_form_and_the_role(auditor: Visitor, newcomer: Newcomer) -> None:
    await auditor.get(PAGE)
    assert (await auditor.post(f"{PAGE}/export", csrf="wrong", format="csv")).status == 403
    assert (await auditor.post(f"{PAGE}/export", format="pdf")).status == 400
    mara = newcomer()
    await sign_in(mara, "mara")
    await mara.get("/staff")
    for path in ("export", "verify", "entries/1/proof"):
        assert (await mara.post(f"{PAGE}/{path}", format="csv")).status == 403


async def test_nothing_clinical_is_in_any_export(box: OpenBox, auditor: Visitor) -> None:
    """Planted in a title, in a name for the group and in a signature: the audit has none of it, names only as names."""
    planted = "Methadone relapse"

    def plant(tx: Transaction) -> None:
        tx.execute("UPDATE sessions SET title = ?", (planted,))

    await box.clinic.db.write(plant)
    await box.wait_at_the_door(0, planted)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
    shown = await auditor.get(PAGE)
    table = await auditor.post(f"{PAGE}/export", format="csv")
    await auditor.get(PAGE)
    lines = await auditor.post(f"{PAGE}/export", format="jsonl")
    for text in (shown.text, table.text, lines.text):
        assert "methadone" not in text.lower() and "circle" not in text.lower()
    assert PEOPLE[0] in table.text and PEOPLE[0] not in lines.text
    columns = [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(table.text))]
    for told in columns:
        assert not [key for key, cell in told.items() if PEOPLE[0] in cell and key not in ("actor_name", "person_name")]


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_action_and_role_has_its_words(language: str) -> None:
    words = pages._environment(language).get_template("_audit_words.html").module
    said = [str(words.deed(action)).strip() for action in ACTIONS]  # type: ignore[attr-defined]
    assert [
        action for action, words in zip(ACTIONS, said, strict=True) if words == action or " " not in words + " "
    ] == []
    assert len(set(said)) == len(said)
    assert [role for role in ROLES if str(words.role_name(role)).strip() == role] == []  # type: ignore[attr-defined]


async def test_spanish_is_spoken(box: OpenBox, auditor: Visitor, newcomer: Newcomer) -> None:
    visitor = newcomer("es")
    await sign_in(visitor, "vera")
    shown = await visitor.get(PAGE)
    assert "Registro de accesos" in shown.text and "Inició sesión" in deeds(shown.text)


async def test_the_facts_of_a_patient_are_the_patients(box: OpenBox) -> None:
    """Whose record: also where an act named only the place in the session."""
    member = await box.member(0)
    assert (await written(box, "reissue"))[0].person == member.person
    await box.clinic.note_refused(box.leader(), "admit", Facts(session=box.session), "refused")
