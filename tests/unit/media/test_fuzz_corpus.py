from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import make_corpus
from tests.fuzz.targets import CORPUS, TARGETS, corpus

INPUTS = [(target, path) for target in TARGETS for path in corpus(target)]


@pytest.mark.parametrize(("target", "path"), INPUTS, ids=[f"{target}-{path.name}" for target, path in INPUTS])
def test_what_was_ever_fuzzed_with_ends_in_a_value_or_in_the_parsers_own_fault(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_a_bent_or_cut_input_ends_in_a_value_or_in_the_parsers_own_fault(target: str) -> None:
    chance = random.Random(4)  # noqa: S311
    for path in corpus(target):
        for _ in range(20):
            data = bytearray(path.read_bytes()[: chance.randrange(1, 1500)])
            for _ in range(min(len(data), 3)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            TARGETS[target](bytes(data))


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert all(corpus(target) for target in TARGETS)


def test_the_made_part_of_the_corpus_is_what_its_maker_makes(tmp_path: Path) -> None:
    make_corpus.main(tmp_path)
    for folder in tmp_path.iterdir():
        made = {path.name: path.read_bytes() for path in folder.iterdir()}
        kept = {path.name: path.read_bytes() for path in corpus(folder.name) if path.name.startswith("made-")}
        assert made == kept
