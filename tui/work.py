"""What workers do for the app: one call of the client each, and a message that tells how it went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault, MemberAction, SessionAction
from appliance.control.types import Admit, Concern, Contact, Invitation, ShowCard, WayIn
from tui.commands import Command, Target

Post = Callable[[Message], object]
Given = Admit | ShowCard | Concern | None  # what a window asked for before a command: words, a card, which concern


class Acted(Message):
    """A command was done. `login` is the number of the sign-in that asked for it."""

    def __init__(self, login: int, command: Command, name: str, invitation: Invitation | None) -> None:
        super().__init__()
        self.login = login
        self.command = command
        self.name = name
        self.invitation = invitation


class Refused(Message):
    """A command, a passphrase or a sign-in was not accepted. `target`: of a command."""

    def __init__(
        self, login: int, code: str, target: Target = ("", ""), about: str = "", seconds: int = 0, command: str = ""
    ) -> None:
        super().__init__()
        self.login = login
        self.code = code
        self.target = target
        self.command = command  # its id
        self.seconds = seconds  # until it is worth another try, 0 where nobody can tell
        self.about = about  # a number or a version that goes with the code


class CallsListed(Message):
    """For the page: who of the staff is on call."""

    def __init__(self, contacts: tuple[Contact, ...]) -> None:
        super().__init__()
        self.contacts = contacts


class Unlocked(Message):
    """The passphrase was right."""


class RolledOn(Message):
    """The box goes on without what is missing, and is open."""


class ClockSet(Message):
    """The box goes by what somebody said. `text`: the moment as it was shown."""

    def __init__(self, login: int, text: str) -> None:
        super().__init__()
        self.login = login
        self.text = text


class ClockFarBack(Message):
    """It was not set: the audit has been more than a day further than `at`."""

    def __init__(self, login: int, at: str, text: str) -> None:
        super().__init__()
        self.login = login
        self.at = at
        self.text = text


class Entered(Message):
    """Somebody signed in."""


class Onward(Message):
    """A step was right and another one is next. `codes`: a first sheet, where that is what it is about."""

    def __init__(self, login: int, way: WayIn, codes: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.login = login
        self.way = way
        self.codes = codes


async def act(
    client: ControlClient, post: Post, login: int, command: Command, target: Target, name: str, given: Given = None
) -> None:
    """Do one command of a session or a member."""
    invitation = None
    try:
        if command.id == "reissue":
            invitation = await client.reissue(*target)
        elif command.id == "rejoin":
            invitation = await client.rejoin(*target)
        elif isinstance(given, ShowCard):
            await client.show_card(target[0], given.kind, given.member)
        elif isinstance(given, Concern):
            await client.handle_concern(target[0], given.id)
        elif command.reach == "member":
            await client.member_action(*target, cast(MemberAction, command.id), given)
        else:
            await client.session_action(target[0], cast(SessionAction, command.id))
    except ControlFault as fault:
        post(Refused(login, fault.code, target, command=command.id))
    else:
        post(Acted(login, command, name, invitation))


async def unlock(client: ControlClient, post: Post, login: int, passphrase: str) -> None:
    """Give the passphrase to the box."""
    try:
        await client.unlock(passphrase)
    except ControlFault as fault:
        post(Refused(login, fault.code, about=fault.about))
    else:
        post(Unlocked())


async def accept_rollback(client: ControlClient, post: Post, login: int, passphrase: str, reason: str) -> None:
    """Go on without what is missing, and open the box. A box that misses nothing (any more) is opened all the same."""
    try:
        await client.accept_rollback(passphrase, reason)
    except ControlFault as fault:
        if fault.code != "wrong_state":  # another console was faster, or the answer was lost
            post(Refused(login, fault.code, about=fault.about))
            return
    try:
        await client.unlock(passphrase)
    except ControlFault as fault:
        post(Refused(login, fault.code, about=fault.about, command="accept_rollback"))
    else:
        post(RolledOn())


async def take_step(client: ControlClient, post: Post, login: int, step: str, values: tuple[str, ...]) -> None:
    """One step of the way in, by its word; the client keeps the tokens."""
    steps: dict[str, Callable[..., Awaitable[WayIn]]] = {
        "password": client.sign_in,
        "code": client.second_step,
        "new_password": client.new_password,
        "codes": client.confirm_codes,
    }
    try:
        way = await steps[step](*values)
        codes = (await client.begin_codes()).codes if way.stage == "set_up" else ()
    except ControlFault as fault:
        post(Refused(login, fault.code, about=fault.about, seconds=fault.seconds))
    else:
        post(Entered() if way.stage == "full" else Onward(login, way, codes))


async def set_clock(client: ControlClient, post: Post, login: int, at: str, text: str, *, back: bool = False) -> None:
    """Tell the box what time it is."""
    try:
        await client.set_clock(at, back=back)
    except ControlFault as fault:
        post(ClockFarBack(login, at, text) if fault.code == "clock_before_audit" else Refused(login, fault.code))
    else:
        post(ClockSet(login, text))


async def on_call(client: ControlClient, post: Post, page: Post, login: int) -> None:
    """Who is on call, for the page."""
    try:
        page(CallsListed((await client.on_call()).contacts))
    except ControlFault as fault:
        post(Refused(login, fault.code))


async def sign_out(client: ControlClient) -> None:
    """Throw the token away, and tell the box if it can be told."""
    try:
        await client.sign_out()
    except ControlFault:
        return  # the token is gone from here; the box ends the login by itself
