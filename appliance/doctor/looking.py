"""Takes the figures: of a box that runs what it tells everybody, of the machine what can be seen without a right.

Nothing is measured and nothing is written; the longest part is a router that does not answer. Works on a locked box, on
one that is not set up, and beside one that does not run.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cryptography import x509

from appliance import clock
from appliance.control.health import Probe
from appliance.control.types import Box, Copies, Health, Sync
from appliance.doctor import card, network, rules
from appliance.doctor.figures import FAULTS, OTHER_FAULT, Figures
from appliance.doctor.told import EPOCH
from appliance.errands import Errands
from appliance.home import Home
from appliance.steward import pi
from sync.faults import SyncFault
from sync.spool import CourierStatus, Spool

RELEASE = Path("/usr/lib/clock-epoch")  # its time of change is the release's day

_RUNNING = {"new": 1, "locked": 2, "unlocked": 3}
_LINES = {"wire": 1, "access_point": 2, "wifi": 3}
_STORE = ("", "disk_full", "home_read_only", "store_failed", "store_damaged")
_CLOCK = ("", "behind", "ahead", "jumped", "unsure", "locked", "contradicted")
_FROM = ("machine", "staff", "headquarters", "server", "battery")
_CARDS = ("other", "sd", "emmc", "nvme", "disk")
_CAPACITY = ("assumed", "measured", "set")
_BACKUP = ("unknown", "none", "fine", "old")


def look(
    home: Home,
    box: Box | None,
    health: Health | None,
    sync: Sync | None,
    copies: Copies | None,
    *,
    errands: Errands | None = None,
    release: Path = RELEASE,
    tree: Path = pi.TREE,
) -> Figures:
    """All of it. The four parts are as a running box tells them, None beside one that does not run. Blocking."""
    now = clock.now()
    fields: dict[str, int | None] = {}
    fields |= _release(errands or Errands(), release, now)
    fields |= _network()
    fields |= _certificates(home, now)
    fields |= _card(home)
    fields |= _health(health or Probe(home.root).health())
    fields |= _headquarters(home, box, sync, now)
    fields |= _clock(home, box, now)
    if box is not None:
        fields |= {"running": _RUNNING[box.state], "relay": int(box.relay_connected)}
        fields["update"] = int(sync is not None and sync.update not in ("", box.version))
    else:
        fields["running"] = 0
    if pi.refusal(pi.read(tree)):
        fields["update"] = 2
    if copies is not None:
        fields["backup"] = _BACKUP.index(copies.state)
        fields["backup_days"] = _days_since(copies.last_at, now)
    return Figures(**{name: value for name, value in fields.items() if value is not None})


def _release(errands: Errands, release: Path, now: float) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    with suppress(PackageNotFoundError, ValueError):
        for name, part in zip(("major", "minor", "patch"), version("hearth").split("."), strict=False):
            found[name] = int(part)
    with suppress(OSError):
        found["release_days"] = max(0, int((now - release.stat().st_mtime) // 86400))
    told = errands.told("slots")
    if told is not None:
        slot = str(told.facts.get("slot", "")).lower()
        found["slot"] = "ab".index(slot) if slot in ("a", "b") else None
        found["trial"] = int(told.facts.get("trial") is True)
        found["fell_back"] = int(told.facts.get("fell_back") is True)
    return found


def _network() -> dict[str, int | None]:
    found = rules.line(network.interfaces())
    if found is None:
        return {"line": 0, "address_kind": 0}
    address, gateway = network.address(found.name), network.gateway()
    kind = 0 if address is None else 2 if address.startswith("169.254.") else 1
    return {
        "line": _LINES[found.kind],
        "mbps": None if found.mbps is None else int(found.mbps),
        "address": None if address is None else int(address.rpartition(".")[2]),
        "address_kind": kind,
        "gateway": 2 if gateway is None else int(network.answers(gateway)),
    }


def _certificates(home: Home, now: float) -> dict[str, int | None]:
    return {
        "portal_days": days_left(home.tls / "portal.pem", now),
        "name_days": days_left(home.tls / "named.pem", now),
        "courier_days": days_left(home.spool / "tls" / "courier.pem", now),
    }


def days_left(path: Path, now: float) -> int | None:
    """Whole days until the first certificate of that file ends, 0 where it has; None where there is none."""
    try:
        ends = x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError, IndexError):
        return None
    return max(0, int((ends.timestamp() - now) // 86400))


def _card(home: Home) -> dict[str, int | None]:
    found = card.look(home.root)
    return {
        "card": _CARDS.index(found.kind),
        "card_used": found.used,
        "card_errors": found.errors,
        "card_written": None if found.written is None else found.written >> 20,
    }


def _health(health: Health) -> dict[str, int | None]:
    free = health.disk_total - health.disk_used if health.disk_free is None else health.disk_free
    store = _STORE.index(health.store) if health.store in _STORE else len(_STORE)
    return {
        "up_hours": health.uptime_seconds // 3600,
        "disk_percent": None if health.disk_total <= 0 else max(0, min(100, 100 * free // health.disk_total)),
        "disk_mib": None if health.disk_total <= 0 else max(0, free) >> 20,
        "store": store,
        "degrees": None if health.temperature is None else max(0, round(health.temperature)),
        "throttled": None if health.throttled is None else ("never", "before", "now").index(health.throttled),
        "memory_mib": max(0, health.memory_total - health.memory_used) >> 20,
        "memory_total": health.memory_total >> 20,
        "people": health.people,
        "carried": None if health.carried is None else round(100 * health.carried),
        "capacity": _CAPACITY.index(health.capacity),
    }


def _headquarters(home: Home, box: Box | None, sync: Sync | None, now: float) -> dict[str, int | None]:
    """Of an open box what it tells; of another one what its spool shows, which the courier goes on with."""
    spool = Spool(home.spool)
    told = _status(spool)
    with suppress(OSError):
        known = spool.hq_stamp() != 0
        if box is not None and box.state == "unlocked" and sync is not None:
            known = sync.state != "not_enrolled"
        if not known:
            return {"hq": 0}
        fault = told.fault if spool.courier_runs() else "courier_away"
        heard = max(told.last_success_at, sync.heard_at if sync is not None else "")
        found: dict[str, int | None] = {
            "hq": 1 if fault else 2,
            "hq_fault": FAULTS.get(fault, OTHER_FAULT) if fault else 0,
            "hq_hours": _hours_since(heard, now),
        }
        if sync is not None and box is not None and box.state == "unlocked":
            found["queued"], found["receipt_days"] = sync.queued, _days_since(sync.last_receipt_at, now)
        return found
    return {}


def _status(spool: Spool) -> CourierStatus:
    with suppress(OSError, SyncFault):
        return spool.status()
    return CourierStatus()


def _clock(home: Home, box: Box | None, now: float) -> dict[str, int | None]:
    opened = box if box is not None and box.state == "unlocked" else None
    hq = _status(Spool(home.spool)).hq_time(clock.elapsed())
    return {
        "clock": _CLOCK.index("locked" if opened is None else opened.clock),
        "clock_from": 0 if opened is None else _FROM.index(opened.clock_source),
        "clock_minutes": max(0, int(now - EPOCH.timestamp()) // 60),
        "clock_off": None if hq is None else round(now - hq),
    }


def _hours_since(at: str, now: float) -> int | None:
    seconds = _seconds_since(at, now)
    return None if seconds is None else int(seconds // 3600)


def _days_since(at: str, now: float) -> int | None:
    seconds = _seconds_since(at, now)
    return None if seconds is None else int(seconds // 86400)


def _seconds_since(at: str, now: float) -> float | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return max(0.0, now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
