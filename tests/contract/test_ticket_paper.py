"""Paper from the portal: only of the ticket that was issued just now, only for those who may issue it."""

from __future__ import annotations

from appliance.paper.invitation import Sender
from appliance.printing import Wanted, paper
from tests.contract.test_ticket_devices import code_of
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, lead, sign_in
from tests.fakes.visitor import Visitor


async def printed(visitor: Visitor, box: OpenBox, kind: str, **fields: str) -> tuple[int, bytes, str]:
    given = {name: visitor.last.hidden(name) for name in ("csrf", "session", "member", "code", "pin")}
    headers = {"Origin": visitor.origin}
    url = f"{visitor.origin}/staff/print/{kind}"
    async with visitor.http.post(url, data={**given, "language": "es", **fields}, headers=headers) as response:
        return response.status, await response.read(), response.headers.get("Content-Disposition", "")


async def test_the_page_of_a_new_invitation_prints_both_papers(box: OpenBox, newcomer: Newcomer) -> None:
    jonas = newcomer()
    await sign_in(jonas, "jonas")
    await lead(jonas, box, "reissue", 0)
    for kind, name in (("invitation", "invitation.pdf"), ("pin", "pin.pdf")):
        status, pdf, disposition = await printed(jonas, box, kind)
        assert (status, pdf[:5]) == (200, b"%PDF-")
        assert disposition == f'inline; filename="{name}"'


async def test_a_paper_of_another_ticket_is_not_printed(box: OpenBox, newcomer: Newcomer) -> None:
    jonas = newcomer()
    await sign_in(jonas, "jonas")
    await lead(jonas, box, "reissue", 0)
    for fields in ({"code": "ZZZZ-ZZZZ"}, {"pin": "12"}, {"member": box.members[1]}, {"csrf": "x"}):
        assert (await printed(jonas, box, "invitation", **fields))[0] == 403
    await box.reissue(0)  # the page is still open, its ticket is not
    assert (await printed(jonas, box, "invitation"))[0] == 403


async def test_a_ticket_that_opens_nothing_any_more_is_not_printed(box: OpenBox) -> None:
    async def tried(number: int) -> str:
        ticket = box.issued[number]
        wanted = Wanted(box.session, box.members[number], ticket.code, ticket.pin, "pin", "en")
        return await code_of(paper(box.clinic, Sender("R", "1"), "https://h", box.desk(), wanted))

    await box.clinic.db.write(lambda tx: tx.execute("UPDATE tickets SET expires_at = 1 WHERE rowid = 1"))
    assert await tried(0) == "wrong_ticket"
    await box.clinic.act(box.leader(), "end", box.session)
    assert await tried(1) == "wrong_ticket"


async def test_who_may_not_issue_a_ticket_prints_none(box: OpenBox) -> None:
    ticket = box.issued[0]
    wanted = Wanted(box.session, box.members[0], ticket.code, ticket.pin, "invitation", "en")
    assert ticket.code not in repr(wanted)
    work = paper(box.clinic, Sender("R", "1"), "https://h", box.other_leader(), wanted)
    assert await code_of(work) == "refused"
