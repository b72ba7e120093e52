"""When the box's certificates end, and who is told how long before. Pure but for `read`, which looks at the files.

own         portal.pem: renewed by itself with 30 days left, so a warning means that it could not be
authority   ca.pem: lives ten years; a new one must be installed on every device, so half a year ahead
named       headquarters' certificate for the box's name: comes by sync or stick; a box that hears nothing loses it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from aiohttp import web
from cryptography import x509

from appliance.portal.named import NAMED_FILE
from appliance.portal.tls import CA_FILE, PORTAL_FILE

SOON = timedelta(days=28)  # weeks ahead: the next one may have to come on a stick
AUTHORITY_SOON = timedelta(days=182)
YEAR = 31536000  # seconds

Kind = Literal["own", "authority", "named"]


@dataclass(frozen=True, slots=True)
class Ends:
    """When each ends; None where there is none. `names`: that the named one is for."""

    own: datetime | None = None
    authority: datetime | None = None
    named: datetime | None = None
    names: frozenset[str] = frozenset()

    def soon(self, now: datetime) -> tuple[tuple[Kind, datetime], ...]:
        """What somebody has to do something about, the first to end first."""
        rows: tuple[tuple[Kind, datetime | None, timedelta], ...] = (
            ("own", self.own, SOON),
            ("named", self.named, SOON),
            ("authority", self.authority, AUTHORITY_SOON),
        )
        found = [(kind, ends) for kind, ends, before in rows if ends is not None and ends - now < before]
        return tuple(sorted(found, key=lambda one: one[1]))

    def promise(self, host: str, now: datetime) -> int:
        """For how many seconds browsers may insist on a good certificate for that host (HSTS, RFC 6797).

        Under headquarters' name no longer than its certificate lasts: a box that hears nothing could not be opened
        under that name for a year afterwards, not even past a warning.
        """
        if self.named is None or host.lower() not in self.names:
            return YEAR
        return max(0, min(YEAR, int((self.named - now).total_seconds())))


ENDS: web.AppKey[Callable[[], Ends]] = web.AppKey("ends")


def read(folder: Path, names: frozenset[str] = frozenset()) -> Ends:
    """Of the files in `tls/`."""
    own, authority, named = (_end(folder / name) for name in (PORTAL_FILE, CA_FILE, NAMED_FILE))
    return Ends(own, authority, named, names)


def days(ends: datetime | None, now: datetime) -> int | None:
    """Whole days until then, 0 where it is over."""
    return None if ends is None else max(0, (ends - now).days)


def _end(path: Path) -> datetime | None:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError, IndexError):
        return None
