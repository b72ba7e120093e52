"""A ticket is a code (in the link) and a PIN that travels separately, for one person, one session, one device. Pure.

How hopeless guessing is (tests/unit/appliance/test_tickets_rules.py does the sums again):

- A code is one of 30^8 = 6.6e11. With 100 tickets out, one guess in 6.6e9 names a ticket. An address has 20 wrong
  guesses and then 2 a minute (`identity.rules.PACES`, kept in the store): 6,000 years to name one. 1,000 addresses at
  once: 6 years, for a code without its PIN.
- Who has the link and not the PIN has 5 tries of 1,000,000, then the ticket stops: 1 in 200,000 for each time that the
  person it belongs to has shown it, since a right PIN sets the count back to 0.
- An address that has used up its guesses still gets in with a right code and PIN, so a guesser in the waiting area
  keeps nobody else out who shares that address. The guesser learns nothing of it: every other answer is the same
  `too_many_tries`, so a guess must be right in both at once, 1 in 6.6e15. 1,000 of those a second: 200,000 years.
- Even one who told known codes from unknown ones by the time that an answer takes, 1,000 a second, names a ticket every
  76 days and then has 5 tries at its PIN: 40,000 years.
- A device's token is 256 random bits: nobody guesses it. Who has code and PIN but comes second is told so, and so are
  the staff.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from appliance.ids import ALPHABET

CODE_LENGTH = 8
PIN_LENGTH = 6
MAX_FAILURES = 5  # wrong PINs; the fifth stops the ticket until staff re-issue it
VALID_SECONDS = 24 * 3600  # after the planned start, or after the issue if that is later; the session's end stops it
REJOIN_SECONDS = 30 * 60  # for a ticket that is told on the phone right now: until it is first shown
VISIT_SECONDS = 12 * 3600  # how long a browser that showed code and PIN is known
SHARED_VISIT_SECONDS = 3 * 3600  # the same on a device that others use: one session and some waiting before it
MAX_VISITS = 4  # of one ticket's device: so many windows; the oldest ends
AFTER_END_SECONDS = 2 * 3600  # a visit after its session: only to read the page that says goodbye
SHARED_AFTER_END_SECONDS = 15 * 60

# What a guess gets. An address that has used up its tries hears `too_many_tries` in place of each of them.
GUESSED = frozenset({"wrong_ticket", "ticket_stopped"})


def normal_code(text: str) -> str:
    """A code as typed (any case, with dashes or spaces), as it is kept."""
    return "".join(char for char in text.upper() if char in ALPHABET)[: CODE_LENGTH + 1]


def shown_code(code: str) -> str:
    """A code as it is printed, in two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def normal_pin(text: str) -> str:
    """A PIN as typed, digits only; digits of other scripts count as what they mean."""
    return "".join(str(int(char)) for char in text if char.isdecimal())[: PIN_LENGTH + 1]


def code_hash(code: str) -> bytes:
    return hashlib.sha256(f"hearth ticket\x00{code}".encode()).digest()


def pin_hash(code: str, pin: str) -> bytes:
    """Bound to the code, which the store does not hold, so that the hash alone gives no PIN away."""
    return hmac.new(code.encode(), pin.encode(), hashlib.sha256).digest()


def device_hash(code: str, device: str) -> bytes:
    """Bound to the code, so that the store does not tell which tickets were shown on the same device."""
    token = device.encode(errors="surrogateescape")  # a header may hold any bytes
    return hmac.new(code.encode(), b"hearth device\x00" + token, hashlib.sha256).digest()


def ticket_ends(starts: int, now: int) -> int:
    """When a ticket issued at `now` for a session planned at `starts` opens nothing any more (seconds since 1970)."""
    return max(starts, now) + VALID_SECONDS


def visit_ends(now: int, *, shared: bool) -> int:
    """When a visit that begins at `now` is over if nothing ends it earlier."""
    return now + (SHARED_VISIT_SECONDS if shared else VISIT_SECONDS)


def near(address: str) -> str:
    """What counts as one address for guesses: of IPv6 the /64, since one device has all of it (RFC 8981)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(found), 64), strict=False))
