"""The door for staff: the way in from password to login, step by step, and the throttles around it.

Portal and console ask the same methods. Every step answers with a fresh token; only the last one's opens anything.
Wrong tries are noted and slowed down (identity/README.md). An answer says which step was wrong, and nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from appliance.audit import rows as audit
from appliance.audit.actions import Auditing
from appliance.clock import now_seconds, now_text, steady_seconds
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import passwords, rows
from appliance.identity.actions import Step
from appliance.identity.doors import rows as doors
from appliance.identity.factors import actions as second
from appliance.identity.factors import rows as factors
from appliance.identity.factors.rows import Factors
from appliance.identity.lanes import Lanes
from appliance.identity.rows import Account, HalfLogin
from appliance.identity.rules import DEVICE_SECONDS, MAX_PASSWORD, MAX_USERNAME, Demand, Kind, Stage, normal, unfit
from appliance.identity.throttles import Asked, Throttles
from appliance.ids import token_hash
from appliance.notes.ring import Ring
from appliance.policy import Actor, Facts, Surface
from appliance.store.database import Database, Transaction
from appliance.tickets.rules import near

T = TypeVar("T")
Proof = Callable[[Transaction, Account], bool]  # whether the second factor was right; uses it up


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody tries. `device`: the browser's own token, "" where it has none."""

    surface: Surface
    address: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Somebody whose password was right, and what is still missing."""

    half: HalfLogin
    stage: Stage
    factors: Factors


@dataclass(slots=True)
class Door:
    """One for the open box."""

    db: Database
    ring: Ring
    demand: Demand
    auditing: Auditing
    throttles: Throttles = field(init=False)
    _hashing: Lanes = field(default_factory=Lanes)
    _keyed: dict[bytes, str] = field(
        default_factory=dict
    )  # logins, half ones too, whose person the ring may have a key of

    def __post_init__(self) -> None:
        self.throttles = Throttles(self.db)

    # -- step one --------------------------------------------------------------------------------------------------

    async def password(self, caller: Caller, username: str, password: str, *, shared: bool = False) -> Step:
        """The first step. Faults: wrong_sign_in, too_many_tries with its wait."""
        name, word = normal(username.strip())[:MAX_USERNAME], normal(password)[: MAX_PASSWORD + 1]
        account, asked = await self._right(caller, name, word)
        actor = identity.surface_actor(account, caller.surface, caller.address)
        at, now = now_text(), steady_seconds()

        def work(tx: Transaction) -> Step:
            self.throttles.give_back_in(tx, asked)
            step = identity.begin(tx, account, actor, shared=shared, at=at, now=now, demand=self.demand)
            return self._arrived(tx, caller, step, shared=shared, now=now)

        step = await self.db.write(work)
        if not account.must_change:  # else the key is opened, or made, with the password that its owner chooses
            await self._unlock_ring(step, word)
        return step

    async def _right(self, caller: Caller, name: str, word: str) -> tuple[Account, Asked]:
        """The account whose password that is, and the tries to give back."""
        try:
            device = await self._known(caller, name)
            async with self._hashing.turn(device or _place(caller)):
                asked = await self._ask_in(caller, name, device)
                account = await self.db.read(lambda tx: rows.account(tx, name))
                verified = await _verified(word, account.password if account else None)
        except Fault as fault:
            await self._note(None, caller, fault.code)
            raise
        if account is None or not verified:
            await self._note(account, caller, "wrong_sign_in")
            raise Fault("wrong_sign_in")
        return account, asked

    async def _known(self, caller: Caller, name: str) -> str:
        """A word for the browser, if that person has signed in there before, else ""."""
        if caller.surface != "portal" or not caller.device:
            return ""
        digest, now = token_hash(caller.device), steady_seconds()
        return digest.hex() if await self.db.read(lambda tx: doors.device_known(tx, digest, name, now)) else ""

    async def _ask_in(self, caller: Caller, name: str, device: str) -> Asked:
        """One whose device is known stands in a line of their own, which no stranger can make longer."""
        if device:
            return await self.throttles.take(("device", f"{name.casefold()}\x00{device}"))
        account, place = f"{caller.surface}\x00{name.casefold()}", _place(caller)
        asked: Asked = (("account", f"{account}\x00{place}"), ("account_everywhere", account), ("address", place))
        return await self.throttles.take(*asked, waived=("account_everywhere", "address"))

    # -- step two --------------------------------------------------------------------------------------------------

    async def on_the_way(self, token: str, surface: Surface) -> OnTheWay:
        """Who stands there with that token, and what is missing. Fault("not_signed_in")."""
        digest, now = token_hash(token), steady_seconds()

        def look(tx: Transaction) -> OnTheWay | None:
            half = rows.half(tx, digest, surface, now) if token else None
            if half is None:
                return None
            return OnTheWay(half, identity.stage_of(tx, half, self.demand), factors.factors(tx, half.account.person))

        found = await self.db.read(look)
        if found is None:
            raise Fault("not_signed_in")
        return found

    async def code(self, caller: Caller, token: str, typed: str) -> Step:
        """An authenticator's code. Faults: not_signed_in, wrong_state, wrong_code, too_many_tries."""
        wall = now_seconds()

        def proof(tx: Transaction, account: Account) -> bool:
            return second.use_authenticator(tx, account.person, typed, wall)

        return await self.prove(caller, token, proof, "code")

    async def printed_code(self, caller: Caller, token: str, typed: str) -> Step:
        """A code from the printed sheet. Faults: as `code`."""
        return await self.prove(
            caller, token, lambda tx, account: second.use_printed(tx, account.person, typed), "sheet"
        )

    async def prove(self, caller: Caller, token: str, proof: Proof, kind: Kind | None) -> Step:
        """The second step by any proof. `kind`: its throttle; None for one that cannot be guessed, as a passkey.

        Faults: not_signed_in, wrong_state (another step is next), wrong_code, too_many_tries.
        """
        way = await self.on_the_way(token, caller.surface)
        if way.stage != "second":
            raise Fault("wrong_state", "another step is next")
        account = way.half.account
        asked = await self._ask_code(caller, account, kind) if kind else ()
        actor, at, now = identity.actor_of(way.half, caller.address), now_text(), steady_seconds()

        def work(tx: Transaction) -> Step | None:
            if not proof(tx, account):
                rows.count_wrong_code(tx, account.person)
                if kind:
                    audit.append_refused(tx, actor, "sign_in", Facts(person=account.person), "wrong_code", at)
                return None  # a value: an exception would roll the count back
            self.throttles.give_back_in(tx, asked)
            step = identity.prove(tx, actor, token, at=at, now=now, demand=self.demand)
            return self._arrived(tx, caller, step, shared=way.half.shared, now=now)

        step = await self.db.write(work)
        if step is None:
            if not kind:  # without a throttle there is no end to the tries: equal ones share an entry
                await self._note(account, caller, "wrong_code")
            raise Fault("wrong_code")
        self._moved(token, step.token)
        return step

    async def _ask_code(self, caller: Caller, account: Account, kind: Kind) -> Asked:
        if kind == "code" and (device := await self._known(caller, account.username)):
            return await self.throttles.take(("code_device", f"{account.person}\x00{device}"))
        return await self.throttles.take((kind, f"{caller.surface}\x00{account.person}"))

    # -- what a first sign-in asks for ---------------------------------------------------------------------------------

    async def new_password(self, caller: Caller, token: str, password: str, again: str) -> Step:
        """Instead of the one that somebody else made up. Faults: not_signed_in, wrong_state, password_…."""
        way = await self.on_the_way(token, caller.surface)
        if way.stage != "new_password":
            raise Fault("wrong_state", "another step is next")
        account = way.half.account
        if await self.verify(normal(password), account.password):
            raise Fault("password_same")
        phc = await self.fit(account, password, again)
        actor = identity.actor_of(way.half, caller.address)

        def work(tx: Transaction, at: str, now: int) -> Step:
            half = rows.half(tx, token_hash(token), caller.surface, now)
            if half is None or half.account.password != account.password:
                raise Fault("not_signed_in")
            identity.change_password(tx, actor, phc, at, keep=token_hash(token))
            step = identity.onward(tx, actor, token, at=at, now=now, demand=self.demand)
            return self._arrived(tx, caller, step, shared=half.shared, now=now)

        at, now = now_text(), steady_seconds()
        step = await self.db.write(lambda tx: work(tx, at, now))
        await self._unlock_ring(step, normal(password))
        return step

    async def begin_authenticator(self, caller: Caller, token: str) -> str:
        """The secret to set up with, for one who has no second factor yet. Faults: not_signed_in, wrong_state."""
        actor, at = await self._setting_up(caller, token), now_text()
        return await self.db.write(lambda tx: second.begin_authenticator(tx, actor, at, token_hash(token)))

    async def confirm_authenticator(self, caller: Caller, token: str, typed: str) -> tuple[Step, list[str]]:
        """The first code proves it; one is signed in, with a sheet of printed codes. Faults: wrong_code and others."""
        wall = now_seconds()

        def work(tx: Transaction, actor: Actor, at: str) -> list[str]:
            second.confirm_authenticator(tx, actor, typed, at, wall, token_hash(token))
            return second.print_codes(tx, actor, at)

        return await self._set_up(caller, token, work, "code")

    async def begin_codes(self, caller: Caller, token: str) -> list[str]:
        """A sheet for one who has no phone. It counts once one of its codes was typed. Faults as above."""
        actor, at = await self._setting_up(caller, token), now_text()
        return await self.db.write(lambda tx: second.print_codes(tx, actor, at, pending=True))

    async def confirm_codes(self, caller: Caller, token: str, typed: str) -> Step:
        """One code of the sheet was typed, so it was printed or written down. Faults as above."""
        step, _ = await self._set_up(caller, token, lambda tx, a, at: second.confirm_codes(tx, a, typed, at), "sheet")
        return step

    async def set_up(self, caller: Caller, token: str, work: Callable[[Transaction, Actor, str], None]) -> Step:
        """Any other factor, kept by `work` in the transaction that signs in: a passkey."""
        step, _ = await self._set_up(caller, token, work, None)
        return step

    async def _setting_up(self, caller: Caller, token: str) -> Actor:
        way = await self.on_the_way(token, caller.surface)
        if way.stage != "set_up":
            raise Fault("wrong_state", "another step is next")
        return identity.actor_of(way.half, caller.address)

    async def _set_up(
        self, caller: Caller, token: str, work: Callable[[Transaction, Actor, str], T], kind: Kind | None
    ) -> tuple[Step, T]:
        actor = await self._setting_up(caller, token)
        asked: Asked = ()
        if kind:
            asked = await self.throttles.take((kind, f"{caller.surface}\x00{actor.person}"))
        at, now = now_text(), steady_seconds()

        def done(tx: Transaction) -> tuple[Step, T]:
            half = rows.half(tx, token_hash(token), caller.surface, now)
            if half is None or identity.stage_of(tx, half, self.demand) != "set_up":
                raise Fault("not_signed_in")
            made = work(tx, actor, at)
            self.throttles.give_back_in(tx, asked)
            step = identity.prove(tx, actor, token, at=at, now=now, demand=self.demand)
            return self._arrived(tx, caller, step, shared=half.shared, now=now), made

        step, made = await self.db.write(done)
        self._moved(token, step.token)
        return step, made

    # -- passwords -------------------------------------------------------------------------------------------------

    async def verify(self, password: str, phc: str) -> bool:
        """Whether that is the password of one who has come past the first step."""
        async with self._hashing.turn("inside"):
            return await _verified(password, phc)

    async def hash(self, password: str) -> str:
        """A PHC string for the store."""
        async with self._hashing.turn("inside"):
            return await asyncio.to_thread(passwords.hash_password, normal(password))

    async def fit(self, account: Account, password: str, again: str) -> str:
        """The PHC string of a new password that will do. Faults: passwords_differ, password_short and its like."""
        if normal(password) != normal(again):
            raise Fault("passwords_differ")
        problem = unfit(password, (account.username, *account.name.split()))
        if problem:
            raise Fault(f"password_{problem}")
        return await self.hash(password)

    async def check_again(self, login: rows.Login, digest: bytes, password: str, caller: Caller) -> None:
        """The password once more from one who is signed in. Faults: wrong_password, too_many_tries, not_signed_in."""
        asked = await self.throttles.take(("again", login.person))
        account = await self.db.read(lambda tx: rows.account_of(tx, login.person))
        if account is None or account.retired:
            raise Fault("not_signed_in")
        if not await self.verify(normal(password)[: MAX_PASSWORD + 1], account.password):
            await self._note(account, caller, "wrong_password")
            raise Fault("wrong_password")
        now = steady_seconds()

        def work(tx: Transaction) -> None:
            self.throttles.give_back_in(tx, asked)
            rows.prove(tx, digest, now)

        await self.db.write(work)

    async def open_notes(self, login: rows.Login, digest: bytes, password: str, caller: Caller) -> None:
        """The clinician's key for a login that has none, as after a restart of the box. Faults: as `check_again`."""
        await self.check_again(login, digest, password, caller)
        self._keyed[digest] = login.person
        await self.ring.unlock(digest, login.person, normal(password))

    async def reopen_notes(self, actor: Actor, digest: bytes, old_password: str) -> None:
        """After a password was set anew: the one before it brings back what it opened. Guesses are slowed down.

        Faults: keys_missing, wrong_password (also where nothing is left to bring back), too_many_tries.
        """
        self.ring.key(digest)
        asked = await self.throttles.take(("again", actor.person))
        try:
            await self.ring.reopen(digest, actor, normal(old_password)[: MAX_PASSWORD + 1])
        except Fault as fault:
            if fault.code != "wrong_sign_in":
                raise
            await self.auditing.refused(actor, "change_password", Facts(person=actor.person), "wrong_password")
            raise Fault("wrong_password") from None
        await self.throttles.give_back(asked)

    async def change_password(
        self, login: rows.Login, digest: bytes, old: str, new: str, again: str, at: Caller
    ) -> None:
        """One's own. The clinician's key is wrapped anew in the same transaction; every other login of the person ends.

        Faults: wrong_password, too_many_tries, password_…, passwords_differ. Afterwards call `Clinic.end_logins_of`.
        """
        await self.check_again(login, digest, old, at)
        account = await self.db.read(lambda tx: rows.account_of(tx, login.person))
        if account is None:
            raise Fault("not_signed_in")
        if normal(old) == normal(new):
            raise Fault("password_same")
        phc = await self.fit(account, new, again)
        rewrap = await self.ring.changing(login.person, normal(old), normal(new))
        actor, when = identity.surface_actor(account, at.surface, at.address), now_text()

        def work(tx: Transaction) -> None:
            current = rows.account_of(tx, login.person)
            if current is None or current.password != account.password:
                raise Fault("wrong_password")
            identity.change_password(tx, actor, phc, when, keep=digest)
            if at.surface == "portal" and at.device and not login.shared:
                doors.remember_device(tx, token_hash(at.device), login.person, steady_seconds() + DEVICE_SECONDS)
            rewrap(tx)

        await self.db.write(work)

    # -- after a step ----------------------------------------------------------------------------------------------

    def _arrived(self, tx: Transaction, caller: Caller, step: Step, *, shared: bool, now: int) -> Step:
        """In full: the device is known from now on, unless others use it too; what they look at is noted anew."""
        if step.stage == "full":
            self.auditing.begins_anew(step.person)
        if step.stage == "full" and caller.surface == "portal" and caller.device and not shared:
            doors.remember_device(tx, token_hash(caller.device), step.person, now + DEVICE_SECONDS)
        return step

    async def _unlock_ring(self, step: Step, password: str) -> None:
        digest = token_hash(step.token)
        self._keyed[digest] = step.person
        await self.ring.unlock(digest, step.person, password)

    def _moved(self, old: str, new: str) -> None:
        before, after = token_hash(old), token_hash(new)
        if before in self._keyed:
            self._keyed[after] = self._keyed.pop(before)
            self.ring.move(before, after)

    def left(self, digest: bytes) -> None:
        """That login has ended: its key goes."""
        self._keyed.pop(digest, None)
        self.ring.drop(digest)

    def left_all(self, person: str, *, but: bytes = b"") -> None:
        """All logins of that person have ended, except one."""
        if not but:
            self.ring.drop_person(person)
            return
        for digest in [one for one, owner in self._keyed.items() if owner == person and one != but]:
            self.left(digest)

    async def sweep(self) -> None:
        """Keys of logins that ended by themselves go, and of people who never finished signing in."""
        if not self._keyed:
            return
        now, keyed = steady_seconds(), tuple(self._keyed)
        gone = await self.db.read(lambda tx: [one for one in keyed if not rows.alive(tx, one, now)])
        for digest in gone:
            self.left(digest)

    async def _note(self, account: Account | None, caller: Caller, code: str) -> None:
        actor = identity.surface_actor(account, caller.surface, caller.address)
        facts = Facts(person=account.person) if account else Facts()
        await self.auditing.refused(actor, "sign_in", facts, code)


def _place(caller: Caller) -> str:
    """What counts as one place: the console, or an address."""
    return "console" if caller.surface == "console" else near(caller.address)


async def _verified(password: str, phc: str | None) -> bool:
    """Whether that is the password; as slow where there is no account."""
    known = phc if phc is not None else await asyncio.to_thread(passwords.nobody)
    return await asyncio.to_thread(passwords.verify_password, password, known) and phc is not None
