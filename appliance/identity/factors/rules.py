"""Second factors: which code of an authenticator is right now, and what a printed code looks like. Pure.

A printed code: 10 of 30 letters and digits, 49 bits. It needs no clock. An authenticator's code: RFC 6238 with its
usual values (SHA-1, 6 digits, 30 seconds), since ordinary phones know no others.
"""

from __future__ import annotations

import hashlib
import hmac

import pyotp

from appliance.ids import ALPHABET

STEP_SECONDS = 30
WINDOW = 1  # steps before and after: a phone half a minute off, and the time that typing takes (RFC 6238 section 5.2)
SECRET_LENGTH = 32  # base32 letters: 160 bits, as RFC 4226 section 4 recommends
SHEET = 10  # printed codes of one sheet
CODE_LENGTH = 10
ISSUER_LENGTH = 40


def normal_digits(text: str) -> str:
    """Six digits as typed, with or without a space; digits of other scripts count as what they mean."""
    return "".join(str(int(char)) for char in text if char.isdecimal())[:7]


def is_authenticators(typed: str) -> bool:
    """Whether that is meant as an authenticator's code: six digits. Anything else is from the printed sheet."""
    return len(normal_digits(typed)) == 6 and not any(char.isalpha() for char in typed)


def matching_step(secret: str, typed: str, now: int, last_step: int) -> int | None:
    """The step whose code that is, or None. `now` in seconds since the epoch.

    A step is used once (RFC 6238 section 5.2). A `last_step` that lies ahead was written under a wrong clock and is no
    reason to keep its owner out until that time comes.
    """
    present, code = now // STEP_SECONDS, normal_digits(typed)
    used = last_step if last_step <= present + WINDOW else 0
    found = None
    totp = pyotp.TOTP(secret)
    for step in range(present - WINDOW, present + WINDOW + 1):
        if step >= 0 and hmac.compare_digest(totp.generate_otp(step), code) and step > used:
            found = step
    return found


def address_of(secret: str, issuer: str, username: str) -> str:
    """What the picture for the authenticator says (otpauth, Key Uri Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer[:ISSUER_LENGTH])


def shown_secret(secret: str) -> str:
    """In groups of four, to type."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def normal_code(text: str) -> str:
    """A printed code as typed (any case, dashes or spaces), as it is hashed."""
    return "".join(char for char in text.upper() if char in ALPHABET)[: CODE_LENGTH + 1]


def shown_code(code: str) -> str:
    """A code as it is printed, in two groups of five."""
    return f"{code[:5]}-{code[5:]}"


def code_digest(person: str, code: str) -> bytes:
    """What is kept of a printed code. Bound to its person, so that equal digests say nothing and fit nobody else."""
    return hashlib.sha256(f"hearth printed code\x00{person}\x00{normal_code(code)}".encode()).digest()
