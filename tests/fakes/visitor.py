"""A browser without script: follows links and redirects, keeps cookies, sends the hidden fields of forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlencode

import aiohttp
from yarl import URL

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Shown:
    """What a person sees after a request. `path` is where the redirects ended."""

    status: int
    path: str
    text: str
    headers: Mapping[str, str]

    def hidden(self, name: str) -> str:
        """The value of the page's last hidden field of that name."""
        found = [unescape(value) for key, value in _HIDDEN.findall(self.text) if key == name]
        return found[-1] if found else ""

    @property
    def title(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.S)
        return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


class Visitor:
    """One browser. `origin` is the portal's, as https://127.0.0.1:PORT."""

    def __init__(self, origin: str, language: str = "en") -> None:
        self.origin = origin
        self._language = language
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False), cookie_jar=aiohttp.CookieJar(unsafe=True)
        )
        self.last = Shown(0, "", "", {})

    async def get(self, path: str, **headers: str) -> Shown:
        headers = {"Accept-Language": self._language, **headers}
        async with self._http.get(self.origin + path, headers=headers) as response:
            return await self._shown(response)

    async def post(
        self, path: str, *, origin: str | None = None, csrf: str | None = None, **fields: str | Sequence[str]
    ) -> Shown:
        """Send a form of the page seen last, with its hidden word, to `path`; several values of a field as a list."""
        fields["csrf"] = self.last.hidden("csrf") if csrf is None else csrf
        headers = {"Accept-Language": self._language, "Origin": self.origin if origin is None else origin, **FORM}
        if headers["Origin"] == "":
            del headers["Origin"]
        data = [(name, one) for name, of in fields.items() for one in ([of] if isinstance(of, str) else of)]
        async with self._http.post(self.origin + path, data=urlencode(data).encode(), headers=headers) as response:
            return await self._shown(response)

    def socket(
        self, path: str, *, origin: str | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """The room's WebSocket, as an async context manager."""
        headers = {"Accept-Language": self._language}
        return self._http.ws_connect(self.origin + path, origin=origin or self.origin, headers=headers)

    @property
    def http(self) -> aiohttp.ClientSession:
        """The browser's own connection, for what is not a page."""
        return self._http

    def cookie(self, name: str) -> str:
        return next((c.value for c in self._http.cookie_jar if c.key == name), "")

    def lasts(self, name: str) -> bool:
        """Whether the browser keeps that cookie when it is closed."""
        return any(c.key == name and bool(c["max-age"] or c["expires"]) for c in self._http.cookie_jar)

    def forget(self, name: str) -> None:
        """As a browser does that is closed."""
        self._http.cookie_jar.clear(lambda c: c.key == name)

    def keep(self, name: str, value: str) -> None:
        self._http.cookie_jar.update_cookies({name: value}, URL(self.origin))

    def cookies(self) -> str:
        """All of them, as a Cookie header."""
        return "; ".join(f"{c.key}={c.value}" for c in self._http.cookie_jar)

    async def close(self) -> None:
        await self._http.close()

    async def _shown(self, response: aiohttp.ClientResponse) -> Shown:
        self.last = Shown(response.status, response.url.path, await response.text(errors="replace"), response.headers)
        return self.last
