"""`hq fleet` at the terminal, and its page."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from sync.hq import fleet, fleet_page
from sync.hq import folder as hq_folder
from sync.spool import write_whole
from sync.terminal import DONE, tell


def run(chosen: argparse.Namespace) -> int:
    """Prints, or writes the page; always exit code 0, since a box that is silent is no failure of this command."""
    hq_folder.public(chosen.folder)
    if not 1 <= chosen.late <= 3650:
        raise ValueError("--late takes a number of days")
    now = datetime.now(UTC)
    lines = asyncio.run(fleet.look(chosen.folder, now, chosen.late))
    if chosen.html:
        write_whole(chosen.html, fleet_page.page(lines, now).encode())
        return tell(fleet_page.summary(lines))
    if not chosen.json:
        return tell(fleet_page.as_text(lines, now))
    for line in lines:
        tell(fleet_page.as_json(line, now))
    return DONE
