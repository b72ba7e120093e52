"""A care group's cards in its own words: who may write them, what the group is shown, and the way back."""

from __future__ import annotations

import pytest

from appliance.guidelines import rows
from appliance.guidelines.rules import KINDS, Card, Kind
from appliance.guidelines.texts import default
from appliance.sessions import rows as session_rows
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Shown, Visitor


async def card_page(visitor: Visitor, box: OpenBox, kind: Kind = "guidelines") -> str:
    await sign_in(visitor)
    group = (await box.clinic.db.read(lambda tx: session_rows.session(tx, box.session))).care_group
    page = f"/staff/groups/{group}/cards/{kind}"
    await visitor.get(page)
    return page


async def shown(box: OpenBox, language: str, kind: Kind = "guidelines") -> Card:
    group = (await box.clinic.db.read(lambda tx: session_rows.session(tx, box.session))).care_group
    return await box.clinic.db.read(lambda tx: rows.card(tx, group, language, kind))


async def keep(
    visitor: Visitor, page: str, body: str, base: str = "0", language: str = "en", do: str = "keep"
) -> Shown:
    return await visitor.post(page, do=do, language=language, title="Ours", body=body, base=base)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_words_of_its_own_a_group_is_shown_the_clinics(box: OpenBox, kind: Kind) -> None:
    for language in ("en", "es", "tlh"):
        assert await shown(box, language, kind) == default(kind, language)
    assert default(kind, "tlh") == default(kind, "en") != default(kind, "es")


async def test_a_group_says_it_in_its_own_words_and_takes_the_clinics_again(box: OpenBox, newcomer: Newcomer) -> None:
    page = await card_page(mara := newcomer(), box)
    looked = await keep(mara, page, "One.\n\nTwo.", do="preview")
    assert "It is not kept yet" in looked.text and await shown(box, "en") == default("guidelines", "en")
    kept = await keep(mara, page, "One.\r\n\r\nTwo <b>.")
    assert "The card is kept" in kept.text and "Mara Lindqvist" in kept.text
    assert await shown(box, "en") == ("Ours", ("One.", "Two <b>."))
    assert (await shown(box, "es"))[0] == "Ours"  # the group's own words go before the clinic's translated ones
    await keep(mara, page, "Uno.", language="es")
    assert await shown(box, "es") == ("Ours", ("Uno.",))
    await mara.post(page, do="reset", language="en")
    assert await shown(box, "en") == default("guidelines", "en")
    assert await shown(box, "es") == ("Ours", ("Uno.",))


async def test_who_wrote_later_does_not_undo_what_another_wrote_meanwhile(box: OpenBox, newcomer: Newcomer) -> None:
    page = await card_page(mara := newcomer(), box)
    base = mara.last.hidden("base")
    await keep(mara, page, "First.", base)
    late = await keep(mara, page, "Late.", base)
    assert late.status == 409 and "changed this card meanwhile" in late.text and "Late." in late.text
    assert await shown(box, "en") == ("Ours", ("First.",))


@pytest.mark.parametrize("body", ["", " \n\n ", "x" * 1501, "\n\n".join("abcdefghijklm")])
async def test_a_card_without_words_or_with_too_many_is_given_back(box: OpenBox, newcomer: Newcomer, body: str) -> None:
    page = await card_page(mara := newcomer(), box)
    refused = await keep(mara, page, body)
    assert refused.status == 400 and "The card needs a title and some words" in refused.text
    assert body.strip() in refused.text and await shown(box, "en") == default("guidelines", "en")


async def test_who_is_not_of_the_group_neither_sees_nor_changes_its_cards(box: OpenBox, newcomer: Newcomer) -> None:
    page = await card_page(newcomer(), box)
    await sign_in(paul := newcomer(), "paul")
    assert (await paul.get(page)).status == 403
    await paul.get("/staff/account")
    assert (await keep(paul, page, "Mine.")).status == 403
    assert await shown(box, "en") == default("guidelines", "en")
