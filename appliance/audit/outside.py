"""Heads of the audit that are known from outside of the store, to hold the log against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from appliance.audit import note
from appliance.audit.checking import Seen
from appliance.faults import Fault
from appliance.store import witness as witnessing

MAX_NOTES = 16 * 1024 * 1024  # bytes of a file with checkpoints; one of every day for ten years takes 2 MB


def witness(folder: Path) -> Sequence[Seen]:
    """What the witness beside the store in `folder` says, if there is one that says anything."""
    known = witnessing.read(folder)
    if known is None or not known.seen.entries:
        return ()
    return (Seen(known.seen.entries, b"", "witness", bytes.fromhex(known.seen.last)),)


def notes(content: bytes, public: bytes, source: str) -> Sequence[Seen]:
    """Every checkpoint of this box in a text. Fault("bad_request") where there is none that the box signed."""
    found = []
    for text in texts(content):
        try:
            said = note.read(text, public)
        except ValueError:
            continue
        found.append(Seen(said.size, said.root, source))
    if not found:
        raise Fault("bad_request", "no checkpoint that this box signed")
    return found


def texts(content: bytes) -> list[str]:
    """What looks like a checkpoint in a text, whatever stands around it: an export, what HQ opened, a paper typed in.

    Checkpoints inside JSON (`hearth hq open --json`) are found too. Fault("too_large").
    """
    if len(content) > MAX_NOTES:
        raise Fault("too_large", "checkpoints")
    text = content.decode("utf-8", "replace").replace("\\n", "\n").replace("\\u2014", "—")
    return [_whole(text[at : at + note.MAX_NOTE]) for at in _beginnings(text)]


def _beginnings(text: str) -> Iterable[int]:
    label, at = note.LABEL.decode(), -1
    while (at := text.find(label, at + 1)) >= 0:
        if not text[max(0, at - 2) : at].endswith("— "):  # the signature's line begins with the name as well
            yield at


def _whole(text: str) -> str:
    """From the first line to the end of the signature's line, without what follows it."""
    head, mark, rest = text.partition("\n\n— ")
    name, _, stamp = rest.partition(" ")
    return f"{head}{mark}{name} {stamp[:92].rstrip()}\n"
