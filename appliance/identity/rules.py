"""Rules of signing in: what a password must be, which step comes next, how long a login lasts, how long one who was
wrong waits. Pure. The arithmetic of guessing stands in README.md.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from appliance.identity.common import is_common
from appliance.policy import Surface

MIN_PASSWORD = 10  # characters; NIST SP 800-63B asks for 8 where there is a second factor
MAX_PASSWORD = 256  # characters; bounds the work of the hash
MAX_USERNAME = 64

# -- the way in --------------------------------------------------------------------------------------------------------

# second: show an authenticator's code, a passkey or a printed code. new_password: somebody else made the one given.
# set_up: there is no second factor yet. full: signed in.
Stage = Literal["second", "new_password", "set_up", "full"]
Demand = Literal["required", "optional"]  # settings: sign_in.second_factor

HALF_SECONDS = 15 * 60  # from the password to the end of the last step; long enough to install an authenticator


def stage_after(*, has_factor: bool, proven: bool, must_change: bool, demand: Demand) -> Stage:
    """What is still missing after the right password. The factor first: a stolen password must not set a new one."""
    if has_factor and not proven:
        return "second"
    if must_change:
        return "new_password"
    if not has_factor and demand == "required":
        return "set_up"
    return "full"


# -- how long ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds until a login ends: without a sign of its person, and at all."""

    idle: int
    absolute: int


OWN_DEVICE = Limits(30 * 60, 10 * 3600)  # half an hour covers a talk between two pages; ten hours a working day
SHARED_DEVICE = Limits(5 * 60, 3600)  # the next person may sit down as soon as this one gets up
CONSOLE = Limits(3600, 10 * 3600)  # it locks its screen by itself, and shows the waiting room to one who only looks
IN_ROOM_SECONDS = 10 * 60  # an open page of a running session keeps its login at least that much longer
LONGEST = 16 * 3600  # no room page keeps a login longer than that
TOUCH_SECONDS = 30  # how exactly idle time is kept: at most one write a login in that time
PROVED_SECONDS = 5 * 60  # after that the password is asked for again before a sensitive change
KEPT_SECONDS = 24 * 3600  # an ended login stays that long, to tell its page why it ended
MAX_LOGINS = 20  # of one person; the oldest ends: nobody works at so many devices, a runaway script does
DEVICE_SECONDS = 180 * 24 * 3600  # how long a device is known after a full sign-in
MAX_DEVICES = 10  # of one person


def limits(surface: Surface, *, shared: bool) -> Limits:
    """The limits of a login there."""
    if surface == "console":
        return CONSOLE
    return SHARED_DEVICE if shared else OWN_DEVICE


# -- passwords ---------------------------------------------------------------------------------------------------------

Unfit = Literal["", "short", "long", "common", "name"]


def normal(text: str) -> str:
    """One form for what looks the same (NFKC, RFC 8265): a phone's keyboard and a PC's write é in two ways."""
    return unicodedata.normalize("NFKC", text)


def unfit(password: str, names: tuple[str, ...]) -> Unfit:
    """Why that new password will not do, or "". `names`: the user name and the parts of the person's own."""
    word = normal(password)
    if len(word) < MIN_PASSWORD:
        return "short"
    if len(word) > MAX_PASSWORD:
        return "long"
    folded = word.casefold()
    if is_common(folded):
        return "common"
    if any(len(name) >= 3 and normal(name).casefold() in folded for name in names):
        return "name"
    return ""


# -- waits -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How tries of one kind are slowed down. Seconds: none for `free` wrong tries, then `first`, doubled up to `cap`.

    One wrong try is forgotten after each `forget` seconds without any. `forget` >= `cap`: waiting must not pay.
    """

    free: int
    first: float
    cap: float
    forget: float

    @property
    def most(self) -> int:
        """Wrong tries beyond this change nothing: the wait has reached the cap. So what is remembered is bounded."""
        tries, wait = self.free, self.first
        while wait < self.cap:
            tries, wait = tries + 1, wait * 2
        return tries


@dataclass(frozen=True, slots=True)
class Bucket:
    """Wrong tries of one key, the newest at `at`, in seconds that the box has run."""

    tries: int = 0
    at: float = 0.0


Kind = Literal[
    "account",
    "account_everywhere",
    "address",
    "device",
    "code",
    "code_device",
    "sheet",
    "again",
    "ticket",
    "ticket_address",
]

# Guesses a year that each leaves to an attacker: README.md.
PACES: Mapping[Kind, Pace] = {
    "account": Pace(5, 2, 5 * 60, 10 * 60),  # passwords from one address, from devices that are not known
    "account_everywhere": Pace(20, 1, 60, 120),  # the same from all addresses together
    "address": Pace(20, 1, 30, 60),  # passwords for whatever account: a whole clinic may share one address
    "device": Pace(5, 2, 5 * 60, 10 * 60),  # passwords, from a device that is known
    "code": Pace(5, 5, 60 * 60, 60 * 60),  # authenticator codes have six digits, so this is the longest wait
    "code_device": Pace(5, 5, 15 * 60, 30 * 60),
    "sheet": Pace(5, 2, 60, 120),  # printed codes cannot be guessed: the way in that nobody can block for long
    "again": Pace(5, 2, 5 * 60, 10 * 60),  # the password asked again of one who is signed in
    "ticket": Pace(4, 2, 60, 600),  # coming back with what is right: each time is in the audit, which must fill no disk
    "ticket_address": Pace(20, 1, 30, 60),
}


def level(pace: Pace, bucket: Bucket, now: float) -> int:
    """Wrong tries still remembered at `now`."""
    forgotten = int(max(0.0, now - bucket.at) / pace.forget)
    return max(0, min(bucket.tries, pace.most) - forgotten)


def wait(pace: Pace, bucket: Bucket, now: float) -> float:
    """Seconds until the next try may begin; 0: now. Never more than the cap, whatever `now` is."""
    tries = level(pace, bucket, now)
    if tries < pace.free:
        return 0.0
    whole = min(pace.cap, pace.first * 2.0 ** (tries - pace.free))
    return max(0.0, min(whole, bucket.at + whole - now))


def taken(pace: Pace, bucket: Bucket, now: float) -> Bucket:
    """After a try began at `now`. It counts from its beginning: else a crowd begins before the first fails."""
    return Bucket(min(level(pace, bucket, now) + 1, pace.most), now)


def given_back(pace: Pace, bucket: Bucket, now: float) -> Bucket:
    """The newest try was a good one, which counts for nothing."""
    return Bucket(max(0, level(pace, bucket, now) - 1), now)


@dataclass(slots=True)
class Throttle:
    """At most `limit` tries in `window` seconds for a key. Bounded: forgets the oldest of `keys`.

    In memory: for a door whose store is not open yet. All others have a Pace and the store.
    """

    limit: int
    window: float
    keys: int = 4096
    _tries: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def take(self, key: str, now: float) -> bool:
        """Count a try at `now` (monotonic seconds), from its beginning; False if there were too many already."""
        tries = self._tries.setdefault(key, deque(maxlen=self.limit))
        while tries and tries[0] <= now - self.window:
            tries.popleft()
        allowed = len(tries) < self.limit
        if allowed:
            tries.append(now)
        self._tries.move_to_end(key)
        while len(self._tries) > self.keys:
            self._tries.popitem(last=False)
        return allowed

    def give_back(self, key: str) -> None:
        """The newest try was a good one, which counts for nothing."""
        tries = self._tries.get(key)
        if tries:
            tries.pop()
