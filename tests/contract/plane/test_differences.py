"""Every plane does what the twin does, over random scripts; and a plane that does not is found out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from media.plane.interface import Extensions, Out, Outcome, StreamFormat
from media.plane.twin import Twin
from tests.fakes.plane_scripts import difference, script
from tests.fakes.planes import IMPLEMENTATIONS, MS

STEPS = 1500


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_plane_does_what_the_twin_does(name: str, seed: int) -> None:
    assert difference(Twin(), IMPLEMENTATIONS[name](), script(seed, STEPS)) is None


def test_a_script_depends_on_its_seed_alone() -> None:
    assert [step.words for step in script(7, 300)] == [step.words for step in script(7, 300)]
    assert [step.words for step in script(7, 300)] != [step.words for step in script(8, 300)]


class DeafToClocks(Twin):
    def set_clock(self, stream: int, ntp: int, timestamp: int) -> None:
        super().set_clock(stream, 0, timestamp)


class PatientAtOnce(Twin):
    def aim(self, down: int, stream: int | None, *, at_once: bool = False) -> None:
        super().aim(down, stream)


class RepairsTwice(Twin):
    def repair(self, down: int, lost: Sequence[int], now: int) -> list[Out]:
        return super().repair(down, [*lost, *lost[:1]], now)


class AsksLate(Twin):
    def missing(self, now: int) -> list[tuple[int, tuple[int, ...]]]:
        return super().missing(now - 20 * MS)


class NeverSealed(Twin):
    def add_stream(self, stream: int, transport: int, format: StreamFormat) -> None:
        super().add_stream(stream, transport, format._replace(sealed=False))


class DeafToLevels(Twin):
    def set_extensions(self, transport: int, extensions: Extensions) -> None:
        super().set_extensions(transport, extensions._replace(level=0))


class ForgetsToForget(Twin):
    def remove_stream(self, stream: int) -> None:
        pass


class KeepsArrivalsToItself(Twin):
    def feedback(self, transport: int) -> list[bytes]:
        return super().feedback(transport)[:0]


class LosesNothing(Twin):
    def answered(self, transport: int, fci: bytes) -> Outcome:
        return super().answered(transport, fci)._replace(lost=0)


class SeesNoGroups(Twin):
    def answered(self, transport: int, fci: bytes) -> Outcome:
        return super().answered(transport, fci)._replace(variations=[])


BROKEN: list[type[Twin]] = [
    DeafToClocks,
    PatientAtOnce,
    RepairsTwice,
    AsksLate,
    NeverSealed,
    DeafToLevels,
    ForgetsToForget,
    KeepsArrivalsToItself,
    LosesNothing,
    SeesNoGroups,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_plane_that_breaks_a_promise_is_found_out(broken: type[Twin]) -> None:
    assert any(difference(Twin(), broken(), script(seed, STEPS)) for seed in range(25))
