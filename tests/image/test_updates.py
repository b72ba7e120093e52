"""Releases on a stick, at the serial console of a box that was set up: the next one starts, a broken one is given up by
the box itself; foreign, tampered, damaged and older ones are refused.

Goes on with the disk that test_box.py leaves in tests/out/image. Needs image/out/hearth-*.raucb of a later version
(`make bundle VERSION=...`), and for the broken one a still later one (`BREAK=portal`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from image import signing
from tests.image.keeper import Keeper, damaged, small, stick, tampered
from tests.image.machine import Machine, overlay
from tests.image.test_box import OUT, ROOT, step
from tests.image.wizard import Typed
from tui.words import Words

pytestmark = [pytest.mark.image, pytest.mark.slow]


def bundles(broken: bool = False) -> list[tuple[str, Path]]:
    """Versions with their files, the oldest first."""
    files = [path for path in (ROOT / "image/out").glob("hearth-*amd64*.raucb") if ("broken" in path.name) is broken]
    found = [(match[1], path) for path in files if (match := re.match(r"hearth-([0-9.]+[0-9])", path.name))]
    return sorted(found, key=lambda one: [int(part) for part in one[0].split(".")])


@pytest.fixture
def folder() -> Iterator[Path]:
    made = OUT / "updates"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    yield made


async def test_a_stick_updates_the_box_and_a_broken_release_is_given_up_by_itself(folder: Path) -> None:
    if not (OUT / "set-up.qcow2").exists():
        pytest.skip("no box that was set up: run test_box.py first")
    known = dict(bundles())
    if len(known) < 2:
        pytest.skip("no later release: `make bundle VERSION=0.7.1`")
    old, *_, new = known  # in their order
    broken = bundles(broken=True)[-1:] if not os.environ.get("HEARTH_NO_BROKEN") else []
    words, typed = Words("en"), Typed(**json.loads((OUT / "typed.json").read_text()))
    disk = overlay(OUT / "set-up.qcow2", folder / "disk.qcow2")
    signing.make(folder / "strangers", "strangers")
    unfit = [
        tampered(known[new], folder / "tampered.raucb"),
        small("0.6.0", folder / "older", signing.folder()),
        small("0.9.0", folder / "foreign", folder / "strangers"),
    ]
    first = stick(folder / "first.img", [known[old], known[new], *unfit])
    second = stick(folder / "second.img", [damaged(known[new], folder / f"damaged-{new}.raucb")])
    async with Machine(folder / "machine", disk) as machine:
        keeper = Keeper(machine, typed)
        with step("a start, and the keeper in front of the box"):
            await machine.answers()
            await keeper.in_front()
        with step("one whose content is damaged is begun, and given up"):
            await machine.plug(second)
            await keeper.install(new, ends=words.fault("update_damaged"))
            await machine.unplug(second)
        with step("what runs already, is older, a stranger's, or tampered with is refused at the look"):
            await machine.plug(first)
            # Before that the page may still tell of the stick that was there.
            await keeper.releases(words.fault("update_same")[:24])
            print("\n".join(machine.screen.lines()))
            for code, times in (("update_same", 1), ("update_older", 1), ("update_unsigned", 2)):
                assert machine.screen.text().count(words.fault(code)[:24]) == times, code
        with step(f"{new} is installed"):
            await keeper.install(new)
        with step(f"the restart into {new}"):
            await keeper.restart(new)
            await keeper.in_front()
            await keeper.releases(new)
            print("\n".join(machine.screen.lines()))
        for version, bundle in broken:
            await machine.unplug(first)
            await machine.plug(stick(folder / "third.img", [bundle]))
            with step(f"{version}, which is broken, is installed and tried"):
                await keeper.install(version)
                await keeper.restart(version)
                await keeper.in_front()
            with step("the box has gone back by itself, and says so"):
                await keeper.releases(words("updates.fell_back", version=version, present=new)[:40])
                print("\n".join(machine.screen.lines()))
