"""A repeated request on the control socket: the first one's answer, for the one who asked first and for nobody else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.fakes.box import PASSPHRASE, PASSWORD, OpenBox
from tests.fakes.control import listening


class Asker:
    """One who speaks HTTP to the socket, with a login or without."""

    def __init__(self, path: Path) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
        self.token = ""

    async def post(self, path: str, body: dict[str, str] | None = None, request_id: str = "") -> tuple[int, Any]:
        headers = {"Request-Id": request_id or str(uuid.uuid4()), "Authorization": f"Bearer {self.token}"}
        async with self._http.post(f"http://box{path}", headers=headers, json=body) as response:
            return response.status, msgspec.json.decode(await response.read())

    async def sign_in(self, username: str) -> None:
        _, answer = await self.post("/v1/sign-in", {"username": username, "password": PASSWORD})
        self.token = answer["token"]

    async def close(self) -> None:
        await self._http.close()


@pytest.fixture
async def scene() -> AsyncIterator[tuple[OpenBox, Asker, Asker]]:
    """An unlocked box, its facilitator signed in, and a second asker without a login."""
    with TemporaryDirectory(prefix="hearth-") as folder:  # a Unix socket's path has at most 107 bytes
        async with listening(Path(folder)) as (opened, _, path):
            mara, other = Asker(path), Asker(path)
            await mara.post("/v1/unlock", {"passphrase": PASSPHRASE})
            await mara.sign_in("mara")
            yield opened, mara, other
            await mara.close()
            await other.close()


def _reissue(opened: OpenBox) -> str:
    return f"/v1/sessions/{opened.session}/members/{opened.members[0]}/reissue"


async def test_a_repeated_request_id_gives_nobody_elses_answer(scene: tuple[OpenBox, Asker, Asker]) -> None:
    opened, mara, other = scene
    await mara.post(_reissue(opened), request_id="one")
    status, answer = await other.post(_reissue(opened), request_id="one")
    assert (status, answer["code"]) == (401, "not_signed_in")
    await other.sign_in("ruth")
    assert (await other.post(_reissue(opened), request_id="one"))[0] == 403


async def test_a_sign_in_is_answered_again_only_with_its_own_password(scene: tuple[OpenBox, Asker, Asker]) -> None:
    _, mara, other = scene
    await mara.post("/v1/sign-in", {"username": "mara", "password": PASSWORD}, request_id="one")
    status, answer = await other.post("/v1/sign-in", {"username": "mara", "password": "a guess"}, request_id="one")
    assert (status, answer["code"]) == (401, "wrong_sign_in")


async def test_the_same_id_for_another_action_does_that_action(scene: tuple[OpenBox, Asker, Asker]) -> None:
    opened, mara, _ = scene
    for action in ("open", "lock"):
        assert (await mara.post(f"/v1/sessions/{opened.session}/{action}", request_id="one"))[0] == 200
    assert (await opened.clinic.db.read(lambda tx: tx.all("SELECT state FROM sessions")))[0]["state"] == "locked"


async def test_who_signed_out_gets_no_answer_again(scene: tuple[OpenBox, Asker, Asker]) -> None:
    opened, mara, _ = scene
    await mara.post(_reissue(opened), request_id="one")
    await mara.post("/v1/sign-out", request_id="two")
    assert (await mara.post(_reissue(opened), request_id="one"))[0] == 401
    assert (await mara.post("/v1/sign-out", request_id="two"))[0] == 200


async def test_a_repetition_while_the_first_is_under_way_does_nothing_twice(
    scene: tuple[OpenBox, Asker, Asker],
) -> None:
    opened, mara, _ = scene
    answers = await asyncio.gather(*(mara.post(_reissue(opened), request_id="one") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 200


async def test_a_refusal_is_not_kept_for_a_repetition(scene: tuple[OpenBox, Asker, Asker]) -> None:
    opened, mara, _ = scene
    path = f"/v1/sessions/{opened.session}/lock"
    assert (await mara.post(path, request_id="one"))[0] == 409
    await mara.post(f"/v1/sessions/{opened.session}/open")
    assert (await mara.post(path, request_id="one"))[0] == 200
