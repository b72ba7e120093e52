"""What the first page costs on the wire: page, style, icon and script, as a browser that takes gzip gets them."""

from __future__ import annotations

import re

from tests.fakes.portal import Newcomer
from tests.fakes.visitor import Visitor

BUDGET = 60 * 1024  # bytes
PART = re.compile(r'<(?:link rel="(?:icon|stylesheet)"|script)[^>]*?(?:href|src)="([^"]+)"|<img src="([^"]+)"')
HEAD = 600  # bytes of a response's head, generously: the library does not count them


async def fetched(visitor: Visitor, path: str) -> tuple[int, str]:
    """Bytes of that answer as they are sent, and its text. With no session of its own to unpack them."""
    headers = {"Accept-Encoding": "gzip"}
    async with visitor.http.get(visitor.origin + path, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 200, path
        return answer.content.total_raw_bytes + HEAD, text


async def weight(visitor: Visitor, path: str) -> dict[str, int]:
    """Bytes of a page and of each thing that it loads."""
    size, text = await fetched(visitor, path)
    parts = sorted({one or other for one, other in PART.findall(text)})
    return {path: size, **{part: (await fetched(visitor, part))[0] for part in parts}}


async def test_the_first_page_with_all_that_it_loads_stays_under_sixty_kilobytes(newcomer: Newcomer) -> None:
    weights = await weight(newcomer(), "/join")
    assert {"/join", "/static/base.css", "/static/icon.svg", "/static/room/join.js"} <= set(weights)
    assert sum(weights.values()) < BUDGET, weights


async def test_what_is_the_same_for_all_travels_compressed_and_a_page_with_its_secrets_does_not(
    newcomer: Newcomer,
) -> None:
    visitor = newcomer()
    for path in ("/static/base.css", "/static/words-en.json", "/static/room/join.js"):
        shown = await visitor.get(path)
        assert (shown.headers["Content-Encoding"], shown.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert "Content-Encoding" not in (await visitor.get("/join")).headers
    plain = await visitor.get("/static/base.css", **{"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_a_sheet_that_the_browser_has_is_not_sent_again(newcomer: Newcomer) -> None:
    visitor = newcomer()
    tag = (await visitor.get("/static/base.css")).headers["Etag"]
    assert (await visitor.get("/static/base.css", **{"If-None-Match": tag})).status == 304
