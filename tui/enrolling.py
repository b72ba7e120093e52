"""What workers do for the page of headquarters: one call of the client each; then the page is told how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Enrolment
from tui.work import Post, Refused


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """What to do. The code opens nothing once it was used; it is never printed all the same."""

    word: Literal["see", "enrol", "cancel", "write", "read"]
    address: str = ""
    code: str = ""


class Seen(Message):
    """For the page: how things stand, after that was done with a stick."""

    def __init__(self, enrolment: Enrolment, stick: Literal["", "write", "read"] = "") -> None:
        super().__init__()
        self.enrolment = enrolment
        self.stick = stick


async def do(client: ControlClient, app: Post, page: Post, login: int, wish: Wish) -> None:
    """Do it and tell."""
    try:
        if wish.word == "enrol":
            page(Seen(await client.enrol(wish.address, wish.code)))
        elif wish.word == "write":
            page(Seen(await client.enrol_by_stick("request", wish.code), "write"))
        elif wish.word == "read":
            page(Seen(await client.enrol_by_stick("answer"), "read"))
        elif wish.word == "cancel":
            page(Seen(await client.enrol_cancel()))
        else:
            page(Seen(await client.enrolment()))
    except ControlFault as fault:
        app(Refused(login, fault.code))
