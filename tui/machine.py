"""What workers do for the machine: the text for a helper, restart and switch off, delete everything."""

from __future__ import annotations

from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Doctor
from tui.work import Post, Refused

Do = Literal["restart", "off"]


class DoctorTold(Message):
    """For the page: how the machine is. None where the box did not say; the fault is told beside it."""

    def __init__(self, doctor: Doctor | None) -> None:
        super().__init__()
        self.doctor = doctor


class Ordered(Message):
    """The machine was told to restart or to switch off."""

    def __init__(self, login: int, do: Do) -> None:
        super().__init__()
        self.login = login
        self.do = do


class SessionOpen(Message):
    """A session goes on; nothing was done."""

    def __init__(self, login: int, do: Do) -> None:
        super().__init__()
        self.login = login
        self.do = do


class Deleting(Message):
    """What opens the box is gone, and the machine starts anew."""


class Waiting(Message):
    """The word was right, and the pause goes on for `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


async def examine(client: ControlClient, post: Post, page: Post, login: int, language: str) -> None:
    """Ask how the machine is, for the page."""
    try:
        page(DoctorTold(await client.doctor("es" if language == "es" else "en")))
    except ControlFault as fault:
        page(DoctorTold(None))
        post(Refused(login, fault.code))


async def order(client: ControlClient, post: Post, login: int, do: Do, *, anyway: bool) -> None:
    """Restart or switch off."""
    try:
        await client.power(do, anyway=anyway)
    except ControlFault as fault:
        post(SessionOpen(login, do) if fault.code == "session_open" else Refused(login, fault.code))
    else:
        post(Ordered(login, do))


async def reset(client: ControlClient, post: Post, page: Post, login: int, clinic: str) -> None:
    """Delete everything, by the clinic's name."""
    try:
        await client.reset(clinic)
    except ControlFault as fault:
        post(Refused(login, fault.code))
    else:
        page(Deleting())


async def erase(client: ControlClient, post: Post, page: Post, login: int, word: str) -> None:
    """Delete everything of a box that nobody can open, by a word."""
    try:
        await client.erase(word)
    except ControlFault as fault:
        if fault.code == "erase_wait":
            page(Waiting(max(1, fault.seconds)))
        else:
            post(Refused(login, fault.code))
    else:
        page(Deleting())
