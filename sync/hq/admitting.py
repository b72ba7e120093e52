"""`hq enroll`, `revoke`, `rotate`, `upgrade`: what a person at HQ does about boxes and keys."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sync import enrolment, keys
from sync.faults import SyncFault
from sync.hq import chain, codes, rollover
from sync.hq import folder as hq_folder
from sync.hq.cards import MAX_REASON, Card
from sync.hq.enrolment import Enroller
from sync.hq.objects import open_objects
from sync.spool import read_bounded, write_whole
from sync.terminal import tell

_RESTART = "Copy hq-public.json and what is new in keys/ to every server, and restart\n`hearth hq serve` there."


def enroll(chosen: argparse.Namespace) -> int:
    """By a code (--name), by a box's file from the factory, or a request that came on a stick."""
    ways = [chosen.box is not None, bool(chosen.name), chosen.request is not None]
    if sum(ways) != 1:
        raise ValueError('give --name "NAME OF THE BOX" for a code, or BOX.json, or --request FILE')
    upgrade_now(chosen.folder)
    if chosen.name:
        return _by_code(chosen)
    return _by_request(chosen) if chosen.request else _by_file(chosen)


def _by_code(chosen: argparse.Namespace) -> int:
    name, now = codes.clean_name(chosen.name), datetime.now(UTC)
    replaces = _card(chosen.folder, chosen.replaces).facts.box if chosen.replaces else b""
    objects, key = open_objects(chosen.folder), hq_folder.codes_key(chosen.folder)
    typed, ends_at = hq_folder.waited_for(codes.make(objects, key, name, replaces, now))
    address, shown = hq_folder.public(chosen.folder).url, enrolment.shown(typed)
    if chosen.json:
        return tell(json.dumps({"address": address, "code": shown, "name": name, "ends_at": ends_at.isoformat()}))
    tell(f"\n    Address   {address}\n    Code      {shown}\n")
    tell(f"For one box, which will be called {name!r} here. Counts until {ends_at:%Y-%m-%d %H:%M} UTC.")
    return tell("On the box, an administrator types both: console, `G`; or `hearth enroll --code --url ADDRESS`.")


def _by_file(chosen: argparse.Namespace) -> int:
    facts = keys.box_from_json(_read(chosen.box, keys.MAX_FACTS, "there is no file with the box's public facts"))
    hq_folder.enroll(chosen.folder, facts)
    return tell(f"Box {facts.box.hex()[:8]} is enrolled. It fetches its certificate by itself.")


def _by_request(chosen: argparse.Namespace) -> int:
    raw = _read(chosen.request, enrolment.MAX_REQUEST, "there is no request under that name")
    answered = hq_folder.waited_for(Enroller(chosen.folder, open_objects(chosen.folder)).answer(raw))
    to = chosen.answer or chosen.request.with_suffix(".answer")
    write_whole(to, answered)
    return tell(f"The answer is in {to}. Only the box that asked can use it.")


def revoke(chosen: argparse.Namespace) -> int:
    """Shut a box out: from its next request on. What it has sent stays readable."""
    reason = " ".join(chosen.reason.split())[:MAX_REASON]
    if not reason:
        raise ValueError("give a reason: it stays with the box's card")
    box = _card(chosen.folder, chosen.box).facts.box
    by = _card(chosen.folder, chosen.replaced_by).facts.box if chosen.replaced_by else b""
    if by == box:
        raise ValueError("a box cannot take its own place")
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def to(card: Card | None) -> Card:
        if card is None:
            raise SyncFault("unknown_box")
        return replace(card, revoked=card.revoked or at, reason=reason, replaced_by=by or card.replaced_by)

    card = hq_folder.waited_for(hq_folder.cards(chosen.folder).change(box, to))
    return tell(f"Box {box.hex()[:8]} {card.name!r} is shut out since {card.revoked}. Its records stay readable here.")


def rotate(chosen: argparse.Namespace) -> int:
    """One act of a rollover; what to do next is said."""
    facts = rollover.rotate(chosen.folder, chosen.kind, datetime.now(UTC), finish=chosen.finish)
    tell(f"HQ's public facts have number {facts.serial} now. {_RESTART}")
    if chosen.finish:
        return tell("The new key is in use. The old one stays listed: what it signed or opened still counts.")
    tell("The new key is listed and not in use. Send it to the boxes with their next pack (`hearth hq publish`), wait")
    return tell(f"until `hearth hq fleet` shows that they have it, then: hearth hq rotate DIR {chosen.kind} --finish")


def upgrade(chosen: argparse.Namespace) -> int:
    """What `serve` and `enroll` do by themselves too."""
    changed = upgrade_now(chosen.folder)
    return tell("This HQ has what it lacked now." if changed else "This HQ lacks nothing.")


def upgrade_now(folder: Path) -> bool:
    """Give an HQ of an older version what it lacks; True if there was anything."""
    changed = hq_folder.upgrade(folder, datetime.now(UTC))
    if changed:
        hq_folder.waited_for(chain.keep(folder, open_objects(folder)))
    return changed


def _card(folder: Path, which: str) -> Card:
    """By its id, the beginning of it, or its whole name, where only one fits. `unknown_box`; ValueError for several."""

    async def fitting() -> list[Card]:
        found = [card async for card in hq_folder.cards(folder).all()]
        return [card for card in found if which and (card.facts.box.hex().startswith(which) or card.name == which)]

    found = hq_folder.waited_for(fitting())
    if len(found) > 1:
        raise ValueError("more than one box fits: give more of its id")
    if not found:
        raise SyncFault("unknown_box")
    return found[0]


def _read(path: Path, limit: int, otherwise: str) -> bytes:
    raw = read_bounded(path, limit)
    if raw is None:
        raise ValueError(otherwise)
    return raw
