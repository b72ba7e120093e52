"""What the device test measures the line with: random bytes for who has an invitation, and no more than their share."""

from __future__ import annotations

import pytest

from appliance.faults import Fault
from appliance.portal.line import ALL, MINUTE, MOST, SHARE, Allowance
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, show_ticket


async def measured(visitor_bytes: str, newcomer: Newcomer, box: OpenBox) -> tuple[int, int]:
    """Status and length of the answer to one who has shown an invitation."""
    ada = newcomer()
    await show_ticket(ada, box)
    async with ada.http.get(f"{ada.origin}/join/line{visitor_bytes}", allow_redirects=False) as answer:
        return answer.status, len(await answer.read())


@pytest.mark.parametrize("size", [1, 8192, MOST])
async def test_it_is_as_long_as_was_asked_and_neither_kept_nor_made_smaller(
    box: OpenBox, newcomer: Newcomer, size: int
) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    headers = {"Accept-Encoding": "gzip"}
    async with ada.http.get(f"{ada.origin}/join/line?bytes={size}", headers=headers) as answer:
        assert (len(await answer.read()), answer.headers["Content-Length"]) == (size, str(size))
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked", ["", "?bytes=", "?bytes=0", "?bytes=-1", f"?bytes={MOST + 1}", "?bytes=²", "?bytes=1e3"]
)
async def test_what_is_no_fit_size_is_refused(box: OpenBox, newcomer: Newcomer, asked: str) -> None:
    assert (await measured(asked, newcomer, box))[0] == 400


async def test_a_stranger_gets_not_one_byte_of_it(newcomer: Newcomer) -> None:
    stranger = newcomer()
    async with stranger.http.get(f"{stranger.origin}/join/line?bytes=1", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/join")


async def test_who_asks_without_end_is_stopped(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    statuses = []
    for _ in range(SHARE // MOST + 1):
        async with ada.http.get(f"{ada.origin}/join/line?bytes={MOST}") as answer:
            statuses.append(answer.status)
    assert statuses == [200] * (SHARE // MOST) + [429]


def test_a_minute_later_the_share_is_whole_again_and_nothing_of_it_is_kept() -> None:
    clock = [0.0]
    allowance = Allowance(lambda: clock[0])
    for _ in range(SHARE // MOST):
        allowance.take("ada", MOST)
    with pytest.raises(Fault) as told:
        allowance.take("ada", 1)
    assert (told.value.code, told.value.seconds) == ("too_many_tries", MINUTE)
    clock[0] = MINUTE
    allowance.take("ada", MOST)
    assert len(allowance.given) == 1


def test_one_who_uses_up_their_share_takes_nothing_from_the_others_and_all_together_have_an_end() -> None:
    allowance = Allowance(lambda: 0.0)
    people = ALL // SHARE
    for number in range(people):
        for _ in range(SHARE // MOST):
            allowance.take(str(number), MOST)
    with pytest.raises(Fault):
        allowance.take("late", 1)


def test_small_requests_cost_something_too() -> None:
    allowance = Allowance(lambda: 0.0)
    with pytest.raises(Fault):
        for _ in range(SHARE):
            allowance.take("ada", 1)
