"""A ticket is a code (in the link) and a PIN that travels separately. Pure.

Guessing: 30^8 codes are 6.6e11; with 100 tickets out, one code in 6.6e9 guesses is a hit, and 10 guesses a minute and
address make that 1,200 years. Who has the link still needs the PIN: 5 tries of 1,000,000, then the ticket stops.
"""

from __future__ import annotations

import hashlib
import hmac

from appliance.ids import ALPHABET

CODE_LENGTH = 8
PIN_LENGTH = 6
MAX_FAILURES = 5  # wrong PINs; the fifth stops the ticket until staff re-issue it
VALID_SECONDS = 7 * 24 * 3600  # from the issue; the session's end stops it earlier
VISIT_SECONDS = 12 * 3600  # how long a browser that showed code and PIN is known
WRONG_CODES_PER_MINUTE = 10  # per address


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
