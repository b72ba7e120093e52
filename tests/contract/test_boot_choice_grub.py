"""A PC's choice of release: image/rauc/boot-choice-grub and image/grub/grub.cfg as they are, over a made-up partition.

The part of grub.cfg that chooses is written so that a shell understands it too; GRUB's own checker reads the whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from image import boot

IMAGE = Path(boot.__file__).parent
SCRIPT = IMAGE / "rauc/boot-choice-grub"
START = """
load_env() { [ ! -s "$FILE" ] || eval "$(sed -n 's/^\\(slot\\|try\\)=\\([a-z]*\\)$/\\1=\\2/p' "$FILE")"; }
save_env() { printf '# GRUB Environment Block\\nslot=%s\\ntry=%s\\n' "$slot" "$try" >"$FILE"; }
"""


class Pc:
    """A PC: what its boot loader notes, and what its kernel was told."""

    def __init__(self, folder: Path) -> None:
        self.esp, self.line = folder / "esp", folder / "cmdline"
        self.file = self.esp / "EFI/hearth/grubenv"
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(boot.GRUBENV.ljust(1024, b"#"))
        self.order: list[str] = []
        self.start()

    def start(self) -> str:
        """What GRUB starts first; what it falls to when that cannot be read is behind it in `order`."""
        text = (IMAGE / "grub/grub.cfg").read_text()
        chooser = text.split("# -- choosing\n")[1].split("# -- chosen")[0]
        said = self._shell(["sh", "-euc", START + chooser + "echo $chosen $other"], FILE=str(self.file))
        self.order = said.split()
        self.line.write_text(f"root=PARTLABEL=root-{self.order[0]} ro quiet\n")
        return self.order[0].upper()

    def call(self, *words: str, code: int = 0) -> str:
        return self._shell([str(SCRIPT), *words], code)

    def _shell(self, words: list[str], code: int = 0, **more: str) -> str:
        given = {"PATH": os.environ["PATH"], "HEARTH_ESP": str(self.esp), "HEARTH_COMMAND_LINE": str(self.line), **more}
        done = subprocess.run(words, check=False, capture_output=True, text=True, env=given)
        assert done.returncode == code, done.stderr
        return done.stdout.strip()


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path)


def test_grub_understands_its_script() -> None:
    if not shutil.which("grub-script-check") and not os.environ.get("CI"):
        pytest.skip("grub-common is not installed")
    text = boot.grub_cfg((IMAGE / "grub/grub.cfg").read_text(), (IMAGE / "grub/options.txt").read_text())
    assert "@" not in text
    subprocess.run(["grub-script-check"], input=text, text=True, check=True)


def test_a_release_is_tried_once_and_the_old_one_comes_back(pc: Pc) -> None:
    pc.call("set-primary", "B")
    assert pc.call("get-primary") == "B"
    assert [pc.start(), pc.start(), pc.start()] == ["B", "A", "A"]
    assert pc.call("get-state", "B") == "bad"


def test_a_release_that_proved_itself_stays(pc: Pc) -> None:
    pc.call("set-primary", "B")
    pc.start()
    assert pc.call("get-current") == "B"
    pc.call("set-state", "B", "good")
    assert [pc.start(), pc.start()] == ["B", "B"]
    assert (pc.call("get-state", "B"), pc.call("get-state", "A")) == ("good", "bad")


def test_a_release_on_trial_does_not_write_over_the_one_that_would_come_back(pc: Pc) -> None:
    pc.call("set-primary", "B")
    pc.start()
    pc.call("set-state", "A", "bad", code=1)
    assert pc.start() == "A"


def test_the_boxs_own_release_is_never_made_unbootable(pc: Pc) -> None:
    pc.call("set-state", "A", "bad")
    assert pc.start() == "A"


def test_an_installation_that_was_given_up_is_not_tried(pc: Pc) -> None:
    pc.call("set-primary", "B")
    pc.call("set-state", "B", "bad")
    assert pc.start() == "A"


def test_the_other_release_starts_only_when_the_boxs_own_cannot_be_read(pc: Pc) -> None:
    assert pc.order == ["a", "b"]
    pc.call("set-primary", "B")
    pc.start()
    assert pc.order == ["b"], "a trial that cannot be read is over, and the next start is the box's own"


@pytest.mark.parametrize("content", [b"", b"#" * 1024, b"# GRUB Environment Block\nslot=z\ntry=q\n", bytes(1024)])
def test_a_note_that_was_lost_starts_the_first_release(pc: Pc, content: bytes) -> None:
    pc.file.write_bytes(content)
    assert pc.start() == "A"
    assert pc.call("get-primary") == "A"


def test_an_ordinary_start_writes_nothing(pc: Pc) -> None:
    before = pc.file.stat().st_mtime_ns
    pc.start()
    pc.call("set-state", "A", "good")
    assert pc.file.stat().st_mtime_ns == before


def test_what_changes_lies_in_one_sector_and_the_block_is_grubs(pc: Pc) -> None:
    before, place = pc.file.read_bytes(), pc.file.stat().st_ino
    pc.call("set-primary", "B")
    after = pc.file.read_bytes()
    assert len(after) == 1024 and after[512:] == before[512:] == b"#" * 512
    assert after.startswith(b"# GRUB Environment Block\n") and pc.file.stat().st_ino == place


def test_other_words_are_refused(pc: Pc) -> None:
    pc.call("set-primary", "C", code=2)
    pc.call("delete", code=2)
