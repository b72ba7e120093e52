"""SIGKILL at every step of a restoration: what is left is an empty home, which takes the copy again, or a whole one.

A step is a call by which the process changes files; the child counts them by an audit hook and ends itself at one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.stores import CHEAP, PASSPHRASE

EVERY = int(os.environ.get("HEARTH_RESTORE_EVERY", "3"))  # step; `make kill` takes each

# One process imports everything once; a child of it is forked for each step. Prints how each left the home.
KILLER = """
import asyncio, os, shutil, signal, sys
from pathlib import Path
from appliance.copies import restore
from appliance.home import Home
from appliance.store import birth, keyslots
from appliance.store.database import Database

copy, root, passphrase, every = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
CHANGING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chown", "shutil.copyfile", "sqlite3.connect",
            "os.truncate", "os.symlink", "sqlite3.connect/handle"}
unlock = lambda folder: keyslots.unlock(folder, passphrase)

def bring_back(home, fatal):
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in CHANGING and armed:
            seen += 1
            if seen == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
    armed = False
    sys.addaudithook(count)
    checked = restore.check(copy, unlock)
    armed = True
    asyncio.run(restore.restore(checked, home, "2031-03-05T09:00:00Z"))

async def people(home):
    db = await Database.open(home.store, unlock(home.store))
    try:
        return await db.read(lambda tx: tx.one("SELECT count(*) FROM people")[0]), await db.damaged_pages()
    finally:
        await db.close()

def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as problem:
            print(type(problem).__name__, problem, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def say(home, word):
    def tell():
        whole = birth.present(home.store)
        if not whole and step // every % 4:  # an empty home is an empty home: taking the copy again takes longest
            print(word, "empty 50 0", flush=True)
            return
        if not whole:
            bring_back(home, -1)
        count, damaged = asyncio.run(people(home))
        print(word, "whole" if whole else "empty", count, len(damaged), flush=True)
    assert forked(tell) == 0

step, ended = 1, -signal.SIGKILL
while ended == -signal.SIGKILL:
    home = Home(root / str(step))
    home.make()
    ended = forked(lambda: bring_back(home, step))
    say(home, "killed" if ended else "done")
    shutil.rmtree(home.root)
    step += every
assert ended == 0, ended
"""

MAKER = """
import asyncio, sys
from pathlib import Path
from appliance.copies import backup
from appliance.copies.backup import Source
from appliance.home import Home
from appliance.store import birth, keyslots
from appliance.store.slots import Cost

async def main():
    home, place = Home(Path(sys.argv[1])), Path(sys.argv[2])
    db = await birth.give_birth(home.store, sys.argv[3], Cost(64, 1, 1))
    for number in range(50):
        row = (str(number), "somebody", "")
        await db.write(lambda tx: tx.execute("INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", row))
    (home.root / "hearth.toml").write_text("# settings\\n")
    box = await backup.box_id(db)
    source = Source(home, db, keyslots.unlock(home.store, sys.argv[3]))
    made = await asyncio.to_thread(backup.build, source, place, box, 0, "2031-03-04T14:05:00Z", lambda step, done: None)
    await db.close()
    print(made.folder)

asyncio.run(main())
"""


def run(script: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_kill_at_any_step_leaves_an_empty_home_or_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "box").mkdir()
    (copy,) = run(MAKER, str(tmp_path / "box"), str(tmp_path / "stick"), PASSPHRASE)
    (tmp_path / "homes").mkdir()
    said = [line.split() for line in run(KILLER, copy, str(tmp_path / "homes"), PASSPHRASE, str(EVERY))]
    assert CHEAP.memory == 64  # as in MAKER: a key derivation of the box's own cost would take minutes here
    assert len(said) > 15 // EVERY, "the steps were not seen"
    assert {(people, damaged) for _, _, people, damaged in said} == {("50", "0")}
    left = [how for _, how, _, _ in said]
    assert left == sorted(left), "a home was whole, and an empty one after a later step"
    assert left[0] == "empty" and left[-1] == "whole"
    assert [word for word, _, _, _ in said].count("done") == 1
