"""`hq open`: prints the records, or takes what is new into PostgreSQL, Parquet files or FHIR bundles.

What the targets need is no part of a box (`.ci/setup hq`), so it is loaded only here and only when asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sync.faults import SyncFault
from sync.hq import opening, roll
from sync.hq.opening import Opener, Tally, Target
from sync.hq.walking import Trouble
from sync.terminal import DONE, FAILED, counted, say, tell

_WAITS = "Another `hq open` works on this target. Waiting for it."


class Keeping(Target, Protocol):
    """A target as a command uses it."""

    def close(self) -> None: ...

    def again(self, record_class: str) -> int: ...


def run(chosen: argparse.Namespace) -> int:
    """Exit code 1 when anything is missing or wrong; what is right is printed or kept all the same."""
    if chosen.to:
        return asyncio.run(_keep(chosen))
    if chosen.again:
        raise ValueError("--again goes with --to")
    return asyncio.run(_print(chosen.folder, opening.as_json if chosen.json else opening.as_text))


async def _print(folder: Path, line: Callable[[opening.Finding], str]) -> int:
    code = DONE
    async for finding in Opener(folder).findings():
        if isinstance(finding, Trouble):
            code = FAILED
        tell(line(finding))
    return code


async def _keep(chosen: argparse.Namespace) -> int:
    opener = Opener(chosen.folder)
    begun = time.monotonic()
    target = await asyncio.to_thread(target_of, chosen.to, opener, await _names(opener))
    try:
        if chosen.again:
            count = await asyncio.to_thread(target.again, chosen.again)
            return tell(json.dumps({"typed": count}) if chosen.json else f"{count} records were typed anew.")
        tally = await opener.into(target)
        known = await asyncio.to_thread(target.troubles)
    finally:
        target.close()
    tell(_told(tally, known, time.monotonic() - begun, chosen.json))
    return FAILED if known or tally.troubles else DONE


def target_of(text: str, opener: Opener, names: dict[bytes, str]) -> Keeping:
    """By its address. ValueError for one that is none; `hq_packages` when its library is not installed."""
    kind, _, rest = text.partition(":")
    try:
        if kind in ("postgres", "postgresql"):
            from sync.hq.into.postgres import Postgres

            return Postgres(text, _waits)
        if kind == "parquet" and rest:
            from sync.hq.into.parquet import Parquet

            return Parquet(Path(rest), _waits)
        if kind == "fhir" and rest:
            from sync.hq.into.fhir import Fhir

            return Fhir(Path(rest), f"{opener.facts.url}/fhir", names, _waits)
    except ImportError:
        raise SyncFault("hq_packages") from None
    raise ValueError("--to takes postgres://…, parquet:FOLDER or fhir:FOLDER")


def _waits() -> None:
    say(_WAITS, DONE)


async def _names(opener: Opener) -> dict[bytes, str]:
    called = await roll.call(opener.objects, opener.folder)
    return {card.facts.box: card.name for card in called.cards if card.name}


def _told(tally: Tally, troubles: Sequence[Trouble], seconds: float, as_json: bool) -> str:
    if as_json:
        counts = {"boxes": tally.boxes, "envelopes": tally.envelopes, "records": tally.records}
        wrong = [json.loads(opening.as_json(one)) | ({"number": one.number} if one.number else {}) for one in troubles]
        return json.dumps({**counts, "seconds": round(seconds, 3), "troubles": wrong})
    lines = [opening.as_text(one) + (f" (record {one.number})" if one.number else "") for one in troubles]
    line = (
        f"{counted(tally.records, 'record')} of {counted(tally.envelopes, 'envelope')},"
        f" {counted(tally.boxes, 'box', 'boxes')}, {seconds:.1f} s."
    )
    return "\n".join([*lines, line])
