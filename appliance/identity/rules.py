"""Rules of signing in: what a password must be, how it is kept, how long a login lasts, how often one may try. Pure.

Second factors come with the issue on keys and people; the seam is `identity.actions.sign_in`.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict, deque
from dataclasses import dataclass, field

LOGIN_SECONDS = 10 * 3600  # one working day; longer means that a forgotten browser stays open overnight
MIN_PASSWORD = 10  # characters; NIST SP 800-63B asks for 8, with no second factor yet we ask for more
MAX_PASSWORD = 256  # characters; bounds the work of the hash
MAX_USERNAME = 64


def normal(text: str) -> str:
    """One form for what looks the same (NFKC, RFC 8265): a phone's keyboard and a PC's write é in two ways."""
    return unicodedata.normalize("NFKC", text)


@dataclass(slots=True)
class Throttle:
    """At most `limit` tries in `window` seconds for a key, such as an address. Bounded: forgets the oldest of `keys`.

    In memory: a restart forgets. What must survive a restart (a ticket's failures) is in the store.
    """

    limit: int
    window: float
    keys: int = 4096
    _tries: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def take(self, key: str, now: float) -> bool:
        """Count a try at `now` (monotonic seconds); False if there were too many already.

        A try counts from its beginning: a crowd of tries at once would otherwise all begin before the first has failed.
        """
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
