"""The errand `clock`: set the machine's clock to what the box goes by, so that everything else on it goes by that too.

    what   {"at": Unix seconds}
    facts  {"rtc": whether a clock that runs without power was set along}

Bounds: not before the day on which this release was made (`/usr/lib/clock-epoch`), not after 2100. Who may set it is
decided before, in the appliance; here a process that was taken over can shift a clock within those bounds and no more.
"""

from __future__ import annotations

import fcntl
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.steward import errand
from appliance.steward.errand import Refused, Tell

EPOCH = Path("/usr/lib/clock-epoch")  # systemd starts no machine before its time of change
LEAST = 1767225600  # 2026-01-01, for an image without that file
MOST = 4102444800  # 2100-01-01
RTC = Path("/dev/rtc0")
_RTC_SET_TIME = 0x4024700A  # linux/rtc.h: _IOW('p', 0x0a, struct rtc_time)


def earliest(epoch: Path = EPOCH) -> float:
    """Before this no clock of this release can be right."""
    try:
        return max(LEAST, epoch.stat().st_mtime)
    except OSError:
        return LEAST


def wanted(what: dict[str, Any], least: float) -> float:
    """The moment that was asked for. Refused: bad_request, clock_wrong."""
    at = what.get("at")
    if set(what) != {"at"} or isinstance(at, bool) or not isinstance(at, int | float):
        raise Refused("bad_request")
    if not least <= at <= MOST:  # also for what is no number at all (NaN)
        raise Refused("clock_wrong")
    return float(at)


def to_rtc(at: float, device: Path = RTC) -> bool:
    """Set the clock that runs without power, if the machine has one; whether it took it. It runs in UTC."""
    when = time.gmtime(at)
    fields = struct.pack(
        "9i", when.tm_sec, when.tm_min, when.tm_hour, when.tm_mday, when.tm_mon - 1, when.tm_year - 1900, 0, 0, 0
    )
    try:
        with device.open("rb") as clock:
            fcntl.ioctl(clock, _RTC_SET_TIME, fields)
    except OSError:
        return False
    return True


def setting(
    least: float, put: Callable[[float], None], rtc: Callable[[float], bool]
) -> Callable[[dict[str, Any], Tell], dict[str, Any]]:
    """What the errand does. `put` sets the machine's clock, `rtc` the one beside it."""

    def do(what: dict[str, Any], _tell: Tell) -> dict[str, Any]:
        at, began = wanted(what, least), time.monotonic()
        put(at)
        return {"rtc": rtc(at + time.monotonic() - began)}

    return do


def _put(at: float) -> None:
    time.clock_settime(time.CLOCK_REALTIME, at)


def main(_arguments: list[str]) -> int:
    """The program. Exit code 0 or 1."""
    return errand.run("clock", setting(earliest(), _put, to_rtc))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
