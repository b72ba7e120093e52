"""Which paper, and into which folder: the PDF is the box's, the console writes it where its user may write.

The file's name says nothing of anybody, nobody else may read it, and nothing is written over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.words import Words

Kind = Literal["invitation", "pin"]
Language = Literal["en", "es"]
CHOICES = ("none", "invitation_en", "invitation_es", "pin_en", "pin_es")
STICKS = ("/media", "/run/media")  # where a desktop or udisks shows removable disks, some one folder deeper
MANY = 1000  # files of one name in one folder: more than anybody prints


def meant(choice: str) -> tuple[Kind, Language]:
    """The kind and the language of one of CHOICES, "none" excepted."""
    kind, _, language = choice.partition("_")
    return cast(Kind, kind), cast(Language, language)


def likely_folder(roots: tuple[str, ...] = STICKS) -> str:
    """The folder of a stick that this user may write to, else the user's own."""
    for root in roots:
        for folder in (*sorted(Path(root).glob("*/*")), *sorted(Path(root).glob("*"))):
            if os.path.ismount(folder) and os.access(folder, os.W_OK):
                return str(folder)
    return str(Path.home())


def save(folder: str, kind: Kind, pdf: bytes) -> Path:
    """Write it as a new file, whole and on the disk. OSError where that can't be done."""
    for number in range(1, MANY):
        path = Path(folder).expanduser() / (f"{kind}.pdf" if number == 1 else f"{kind}-{number}.pdf")
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pdf)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            continue
        return path
    raise FileExistsError


class Folder(ModalScreen[str]):
    """Asks for a folder; "" for none."""

    CSS_PATH = "paper.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "none", "")]

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._words("paper.folder"), markup=False)
            yield Input(likely_folder(), id="folder", max_length=400, compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())

    def action_none(self) -> None:
        self.dismiss("")
