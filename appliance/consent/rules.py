"""Which agreement version counts, what a signature must be, and how a text is laid out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.faults import Fault

MAX_SIGNATURE = 80  # characters

# What is acknowledged apart from the main text: limits of confidentiality, risks of being online.
PartName = Literal["limits", "risks"]
PARTS: tuple[PartName, ...] = ("limits", "risks")
# Why somebody is asked to sign: never did, a newer version counts, the group begins a new round; "parts": the signature
# counts and only what is acknowledged apart is missing; "": nothing is asked.
Wanted = Literal["", "first", "version", "cycle", "parts"]


@dataclass(frozen=True, slots=True)
class Signing:
    """What came back from the page: its texts' word, the ticks, and the typed name."""

    shown: str
    typed: str
    agreed: bool
    limits: bool
    risks: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a text under its heading, "" for what stands before the first."""

    heading: str
    paragraphs: tuple[str, ...]


def digest(title: str, body: str) -> str:
    """SHA-256, hex, of the text as it was shown: what the signature stands for."""
    return hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()


def shown(digests: Sequence[str]) -> str:
    """One word for all texts of a page, so that what is signed is what was read."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def signature(text: str, agreed: bool) -> str:
    """The typed name, as kept. Fault("bad_request") without the tick or without a name."""
    name = " ".join(text.split())
    if not agreed or not 2 <= len(name) <= MAX_SIGNATURE or not name.isprintable():
        raise Fault("bad_request", "signature")
    return name


def sections(body: str) -> tuple[Section, ...]:
    """The text as it is laid out: paragraphs parted by empty lines; one that begins with "## " is a heading.

    A text without headings, as headquarters may send it, is one section.
    """
    found: list[tuple[str, list[str]]] = [("", [])]
    for block in (" ".join(part.split()) for part in body.replace("\r\n", "\n").split("\n\n")):
        if block.startswith("## "):
            found.append((block[3:].strip(), []))
        elif block:
            found[-1][1].append(block)
    return tuple(Section(heading, tuple(paragraphs)) for heading, paragraphs in found if heading or paragraphs)


def wanted(newest: int, signed: Collection[tuple[int, int]], cycle: int, *, parts_missing: bool) -> Wanted:
    """What a person is asked. `signed`: (version, cycle) of each signature that counts in this group; `newest`: the
    version that counts now, 0 where none is published, so that nobody can have signed it."""
    if newest and (newest, cycle) in signed:
        return "parts" if parts_missing else ""
    if not signed:
        return "first"
    return "version" if newest not in {version for version, _ in signed} else "cycle"
