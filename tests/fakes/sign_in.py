"""What staff do on their way in, and the phone and paper that they do it with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

import aiohttp
import pyotp

from appliance.clock import now_seconds
from tests.fakes.box import PASSWORD
from tests.fakes.visitor import Shown, Visitor

_KEY = re.compile(r'<code class="secret" dir="ltr">([A-Z2-7 ]+)</code>')
_CODES = re.compile(r"<li><code>([0-9A-Z]{5}-[0-9A-Z]{5})</code></li>")


@dataclass
class Hand:
    """What a person has in their hands: an authenticator, and a printed sheet."""

    secret: str = ""
    codes: list[str] = field(default_factory=list)
    steps: int = 0  # a phone shows each code once here: the next one is a step later

    def code(self, ahead: int = 0) -> str:
        """What the phone shows, so many steps from now."""
        return pyotp.TOTP(self.secret).at(now_seconds() + 30 * ahead)

    def read(self, page: Shown) -> None:
        """Scan the key, or pick up the sheet, from a page."""
        for key in _KEY.findall(page.text):
            self.secret = unescape(key).replace(" ", "")
        self.codes = _CODES.findall(page.text) or self.codes


async def give_password(
    visitor: Visitor, username: str = "mara", password: str = PASSWORD, *, shared: bool = False, then: str = ""
) -> Shown:
    """The first step."""
    await visitor.get("/staff/sign-in" + (f"?next={then}" if then else ""))
    more = {"shared": "yes"} if shared else {}
    hidden = visitor.last.hidden("next")
    return await visitor.post("/staff/sign-in", username=username, password=password, next=hidden, **more)


async def give_code(visitor: Visitor, code: str) -> Shown:
    """The second step."""
    return await visitor.post("/staff/sign-in/second", code=code, next=visitor.last.hidden("next"))


async def set_up(visitor: Visitor, username: str = "mara", *, shared: bool = False) -> Hand:
    """The first sign-in with an authenticator; what one has in hand afterwards."""
    hand = Hand()
    hand.read(await give_password(visitor, username, shared=shared))
    shown = await visitor.post("/staff/sign-in/set-up/authenticator", code=hand.code(), next="/staff")
    hand.read(shown)
    assert hand.codes, shown.text
    return hand


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int:
    """The code with which the box closes a page."""
    while (message := await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
        assert not socket.closed
    return int(message.data)
