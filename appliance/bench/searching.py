"""Searching over sealed notes through the product's own notebook: notes made up, sealed, indexed, searched, audited.

The words are made up of syllables and as unevenly frequent as words of a language are (Zipf); one note has 40 to 160 of
them. A query is one of: a word, two words, the beginning of a word, a phrase of two words that stands in some note; of
words that are rare and of words that are in every tenth note.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable

from appliance.audit.actions import Auditing
from appliance.bench.timing import p50_p99, since, timed
from appliance.care import actions as care
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.notebook import Notebook, Reader
from appliance.notes import actions, rules
from appliance.notes.actions import Place
from appliance.notes.ring import Ring
from appliance.notes.sealing import PrivateKey
from appliance.notes.search import EVERYTHING
from appliance.policy import BOX, Actor
from appliance.store.database import Database, Transaction

VOCABULARY, QUERIES, GROUP = 8_000, 200, 500
_LOGIN = b"the login of the bench"


class Words:
    """A made-up language, the same in every run."""

    def __init__(self) -> None:
        self._random = random.Random(1)  # noqa: S311 - words to measure with
        syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
        three = itertools.islice(itertools.product(syllables, repeat=3), 0, None, 42)
        self._words = ["".join(parts) for parts in itertools.islice(three, VOCABULARY)]
        self._random.shuffle(self._words)
        self._weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))

    def note(self) -> rules.Words:
        """Title and text of one note."""
        many = self._some(self._random.randint(40, 160))
        return rules.words(" ".join(many[:3]), " ".join(many))

    def query(self, number: int) -> str:
        """One of eight kinds, in turn."""
        common, rare = self._words[number % 40], self._words[-1 - number % 4000]
        return (
            rare,
            common,
            f"{common} {rare}",
            f"{common} {self._words[(number + 7) % 40]}",
            rare[:4],
            common[:4],
            f'"{" ".join(self._some(2))}"',
            f"{rare} {self._words[-1 - (number + 11) % 4000]}",
        )[number % 8]

    def _some(self, count: int) -> list[str]:
        return self._random.choices(self._words, cum_weights=self._weights, k=count)


async def measure(db: Database, count: int) -> dict[str, float]:
    """Makes `count` notes in the open store and searches them."""
    ring, words = Ring(db), Words()
    notebook = Notebook(db, ring, Auditing(db))
    who, group = await _clinician(db, ring)
    for start in range(0, count, GROUP):
        await db.write(_writing(who.actor, ring.key(_LOGIN), group, words, min(GROUP, count - start)))
    start_of_index = time.perf_counter()
    while (await notebook.search(who, "")).reach.building:
        pass
    indexing = since(start_of_index) / 1000
    queries = [words.query(number) for number in range(QUERIES)]
    whole = p50_p99(await timed(QUERIES, 1, lambda number: notebook.search(who, queries[number])))
    matches = [rules.match(rules.terms(query)) for query in queries]
    bare = p50_p99(
        await timed(QUERIES, 1, lambda n: notebook.indexes.find([group], matches[n], EVERYTHING, rules.PAGE + 1))
    )
    notebook.indexes.close()
    return {
        "notes": count,
        "search_100k_ms": whole[0],
        "search_100k_p99_ms": whole[1],
        "find_100k_ms": bare[0],
        "find_100k_p99_ms": bare[1],
        "index_100k_s": indexing,
    }


async def _clinician(db: Database, ring: Ring) -> tuple[Reader, str]:
    """One who may write in a care group of their own, signed in."""

    def work(tx: Transaction) -> tuple[str, str]:
        at = now_text()
        person = identity.appoint(tx, BOX, "Somebody", "bench", "facilitator", "no password", at)
        return person, care.found(tx, BOX, "Bench", [person], at)

    person, group = await db.write(work)
    await ring.unlock(_LOGIN, person, "a password for measuring")
    return Reader(Actor(person, "facilitator", "portal"), _LOGIN), group


def _writing(actor: Actor, key: PrivateKey, group: str, words: Words, count: int) -> Callable[[Transaction], None]:
    """Some notes in one transaction, by the action that one note is written by."""

    def work(tx: Transaction) -> None:
        at = now_text()
        for _ in range(count):
            actions.write(tx, actor, key, Place(group), words.note(), at)

    return work
