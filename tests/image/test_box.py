"""The image as a clinic meets it: set up at the serial console, a session in real browsers, the record at headquarters,
the plug pulled and the disk searched. One machine for all of it: a start takes minutes.

What each step took is printed. The disk as it is at the end is kept in tests/out/image, with what was typed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from appliance.store import keyslots
from image.layout import DATA
from tests.browser.looks import admit, end, flowing, sees
from tests.browser.people import launch, person, to_the_waiting_room
from tests.image import office, search
from tests.image.headquarters import Headquarters, headquarters
from tests.image.keeper import Keeper
from tests.image.machine import Machine, overlay, raw
from tests.image.wizard import Typed, Wizard
from tui.words import Words

pytestmark = [pytest.mark.image, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests" / "out" / "image"
PATIENT, FACILITATOR, TITLE = "Adelheid Brookhollow", "Paulus Winterhalter", "Thursday circle"
NOTE = "Sundays frighten the lighthouse keeper's granddaughter"
OWN = {"lead": "nine-planted-new-heron-boats", "facilitator": "ten-planted-old-heron-boats"}
CONTROL = "name of the clinic"
LONG = 300.0  # seconds until something must hold that a virtual machine takes part in


def image() -> Path:
    """The newest for this kind of machine; HEARTH_IMAGE names another."""
    if named := os.environ.get("HEARTH_IMAGE"):
        return Path(named)
    whole = [path for path in (ROOT / "image/out").glob("hearth-*-amd64.img") if "broken" not in path.name]
    made = sorted(whole, key=lambda path: path.stat().st_mtime)
    if not made:
        pytest.skip("no image: `make image`")
    return made[-1]


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"  {name} ...", flush=True)
    yield
    print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)


async def until(holds: Callable[[], Awaitable[object]], what: str, seconds: float = LONG) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.25)


async def session(playwright: Playwright, machine: Machine, typed: Typed) -> None:
    """From the first sign-in of the clinical lead to the end of the first session."""
    portal, browser = machine.portal, await launch(playwright, "chromium")
    lead, paul, ada = [
        await person(browser, name, colour) for name, colour in (("Lena", "red"), ("Paul", "blue"), ("Heidi", "green"))
    ]
    for who in (lead, paul, ada):
        who.page.set_default_timeout(office.SLOW)
    with step("staff sign in for the first time, somebody is enrolled and invited"):
        codes = typed.codes["clinical_lead"][1:]
        await office.sign_in(lead.page, portal, typed.lead[1], typed.lead[2], OWN["lead"], codes)
        first = await office.appoint(lead.page, portal, FACILITATOR, "paulw", "facilitator")
        await office.sign_in(paul.page, portal, "paulw", first, OWN["facilitator"], [])
        await office.enrol(lead.page, portal, PATIENT)
        planned = await office.plan(lead.page, portal, TITLE, FACILITATOR, paul.name, [PATIENT])
        (invited,) = await office.invite(lead.page, portal, planned)
    with step("the patient reads, signs, tests and waits"):
        await paul.page.goto(f"{portal}/staff/sessions/{planned}")
        await paul.page.get_by_role("button", name="Open the session").click()
        await to_the_waiting_room(ada, f"{portal}/join#{invited.code}", invited.pin, PATIENT)
    with step("both see and hear each other"):
        await admit(paul, ada, PATIENT)
        await until(lambda: sees(paul, ada), "the facilitator sees the patient")
        await until(lambda: sees(ada, paul), "the patient sees the facilitator")
        for who in (paul, ada):
            await until(await flowing(who, 1), f"picture and sound go on at {who.name}'s")
    with step("the session ends"):
        await end(paul)
        await ada.page.get_by_role("heading", name="The session has ended").wait_for(timeout=office.SLOW)
    with step("the facilitator writes a note"):
        await office.note(paul.page, portal, planned, NOTE)
    await browser.close()


async def at_headquarters(hq: Headquarters) -> None:
    async def there() -> bool:
        return len(await hq.sessions()) == 1

    await until(there, "the record of the session is at headquarters", 2 * LONG)
    (record,) = await hq.sessions()
    assert not [word for word in (*PATIENT.split(), *FACILITATOR.split(), TITLE) if word in json.dumps(record)]


def planted(typed: Typed) -> dict[str, bytes | str]:
    """What may be found nowhere on a disk, and in memory only as README.md's table says."""
    words: dict[str, bytes | str] = {
        "patient": PATIENT,
        "facilitator": FACILITATOR,
        "administrator": typed.administrator[0],
        "clinical lead": typed.lead[0],
        "title": TITLE,
        "note": NOTE,
        "passphrase": typed.passphrase,
        "password of the administrator": typed.administrator[2],
        "first password of the lead": typed.lead[2],
        "password of the lead": OWN["lead"],
        "password of the facilitator": OWN["facilitator"],
        "words of the sheet": " ".join(typed.sheet[number] for number in sorted(typed.sheet)),
    }
    return words | {f"code {number}": code for number, code in enumerate(typed.codes["administrator"])}


def data_of(disk: Path, folder: Path) -> Path:
    """The data partition's files, taken from the whole disk as plain file."""
    told = json.loads(subprocess.run(["sfdisk", "--json", disk], capture_output=True, check=True).stdout)
    (part,) = [one for one in told["partitiontable"]["partitions"] if one.get("name") == DATA.name]
    alone, sector = folder / "data.img", 512
    place = [f"skip={part['start'] * sector}", f"count={part['size'] * sector}", "iflag=skip_bytes,count_bytes"]
    command = ["dd", f"if={disk}", f"of={alone}", "bs=1M", "conv=sparse", "status=none", *place]
    subprocess.run(command, check=True)
    subprocess.run(["e2fsck", "-p", alone], capture_output=True, check=False)
    (folder / "data").mkdir()
    subprocess.run(["debugfs", "-R", f"rdump / {folder / 'data'}", alone], capture_output=True, check=True)
    return folder / "data"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = OUT / "run"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    yield made


async def test_a_box_is_set_up_a_session_held_its_record_sent_and_nothing_said_is_left_on_its_disk(
    folder: Path,
) -> None:
    disk, typed = overlay(image(), folder / "disk.qcow2"), Typed()
    async with async_playwright() as playwright, headquarters(folder / "hq") as hq:
        typed.headquarters = (hq.address, hq.code)
        async with Machine(folder / "machine", disk, relay_port=8443) as machine:
            with step("from the power button to the portal's answer"):
                await machine.answers()
            with step("the set-up at the serial console"):
                await Wizard(machine.screen, "en", typed).walk()
                await machine.screen.expect(Words("en")("sign_in.title"), seconds=LONG)
            (folder / "typed.json").write_text(json.dumps(asdict(typed)))
            used, total = await machine.used()
            print(f"  in use with a new clinic, nobody there: {used >> 20} of {total >> 20} MiB")
            await session(playwright, machine, typed)
            with step("the record reaches headquarters"):
                await at_headquarters(hq)
            await machine.memory_to(folder / "memory")
    in_memory = search.found_in(folder / "memory", planted(typed))
    print("  in the memory of the open box:", *sorted(in_memory), sep="\n    ")
    with step("the search of the disk, after the plug was pulled"):
        whole = raw(disk, folder / "disk.raw")
        key = keyslots.unlock(data_of(whole, folder) / "hearth/store", typed.passphrase)
        on_disk = search.found_in(whole, planted(typed) | {"key of the store": key.raw(), CONTROL: typed.clinic})
    shutil.copy(disk, OUT / "set-up.qcow2")
    (OUT / "typed.json").write_text(json.dumps(asdict(typed)))
    assert list(on_disk) == [CONTROL], "the clinic's name is in the settings: it shows that the search finds"


async def test_a_box_that_was_restarted_in_order_has_forgotten_and_one_switched_off_leaves_nothing_readable(
    folder: Path,
) -> None:
    if not (OUT / "set-up.qcow2").exists():
        pytest.skip("no box that was set up: run the test above first")
    disk = overlay(OUT / "set-up.qcow2", folder / "disk.qcow2")
    typed = Typed(**json.loads((OUT / "typed.json").read_text()))
    (folder / "before").mkdir()
    key = keyslots.unlock(
        data_of(raw(disk, folder / "before.raw"), folder / "before") / "hearth/store", typed.passphrase
    )
    secrets = planted(typed) | {"key of the store": key.raw()}
    async with Machine(folder / "machine", disk) as machine:
        await machine.answers()
        keeper = Keeper(machine, typed)
        with step("the keeper opens the box"):
            await keeper.in_front()
        await machine.memory_to(folder / "open")
        with step("a restart in order"):
            await keeper.restart_box()
            await machine.screen.expect(keeper.words("unlock.title"), seconds=LONG)
        await machine.memory_to(folder / "locked")
        with step("switched off by its own button"):
            await machine.off()
    open_box = search.found_in(folder / "open", secrets)
    print("  in the memory of the open box:", *sorted(open_box), sep="\n    ")
    assert "key of the store" in open_box, "so the search finds"
    locked = search.found_in(folder / "locked", secrets)
    print("  in the memory of the box that was restarted:", *sorted(locked), sep="\n    ")
    on_disk = search.found_in(raw(disk, folder / "disk.raw"), secrets | {CONTROL: typed.clinic})
    assert list(on_disk) == [CONTROL]
    assert not locked
