from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.portal import tls
from appliance.portal.listener import PortalListener, application
from tests.fakes.box import OpenBox, open_box
from tests.fakes.group_room import Room, open_room
from tests.fakes.portal import Behind, Newcomer
from tests.fakes.visitor import Visitor


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path) as found:
        yield found


@pytest.fixture
async def behind(box: OpenBox, tmp_path: Path) -> AsyncIterator[Behind]:
    found = Behind(box.clinic)
    (tmp_path / "tls").mkdir()
    await tls.renew(box.clinic.db, tmp_path / "tls", "hearth", ())
    app = application(found, ("Riverbend House", "555 0142"), tmp_path / "tls" / tls.CA_FILE)
    listener = PortalListener(app)
    port = await listener.start("127.0.0.1", 0, tls.context(tmp_path / "tls"))
    found.origin = f"https://127.0.0.1:{port}"
    try:
        yield found
    finally:
        await listener.close()


@pytest.fixture
async def newcomer(behind: Behind) -> AsyncIterator[Newcomer]:
    everybody: list[Visitor] = []

    def come(language: str = "en") -> Visitor:
        everybody.append(Visitor(behind.origin, language))
        return everybody[-1]

    yield come
    for visitor in everybody:
        await visitor.close()


@pytest.fixture
async def room(box: OpenBox, newcomer: Newcomer) -> AsyncIterator[Room]:
    async with open_room(box, newcomer) as found:
        yield found
