"""Making a clinic, cut short at every write: the next start finishes it, and half a one is never taken for a whole."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from appliance import demo, init, settings
from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.founding import Founder, found
from appliance.home import Home
from appliance.identity import passwords
from appliance.identity import rows as accounts
from appliance.identity.factors import rows as factors
from appliance.identity.passwords import verify_password
from appliance.policy import BOX
from appliance.sessions import rows
from appliance.store import birth, files, keyslots
from appliance.store.database import Database, Transaction
from appliance.tickets import actions as tickets
from tests.fakes.stores import CHEAP

PASSPHRASE = "made up for the tests"
FOUNDERS = [
    Founder("Ruth Stone", "ruth", "administrator", "made-up-password"),
    Founder("Lena Brandt", "lena", "clinical_lead", "made-up-password", first=False),
]


class CutShortError(BaseException):
    """The power goes."""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home, where opening a slot and hashing a password cost nothing."""
    monkeypatch.setattr(birth.give_birth, "__defaults__", (CHEAP,))
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    with TemporaryDirectory(prefix="hearth-") as folder:
        found = Home(Path(folder))
        found.make()
        yield found


def cut_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """The power goes right after the `number`th thing that reached the disk, of those that the list will name."""
    done: list[str] = []

    def after(name: str) -> None:
        done.append(name)
        if len(done) == number:
            raise CutShortError

    write_file, write_store, be_born = files.write_atomically, Database.write, birth._build

    def file(path: Path, content: bytes, mode: int = 0o600) -> None:
        write_file(path, content, mode)
        after(path.name)

    async def store(db: Database, work: Any) -> Any:
        result = await write_store(db, work)
        after("store")
        return result

    def born(*arguments: Any) -> Any:
        key = be_born(*arguments)
        after("birth")
        return key

    monkeypatch.setattr(demo, "write_atomically", file)
    monkeypatch.setattr(Database, "write", store)
    monkeypatch.setattr(birth, "_build", born)
    return done


@pytest.mark.parametrize("number", range(1, 13))
def test_a_demo_that_was_cut_short_is_finished_by_the_next_start(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patch:
        done = cut_at(patch, number)
        with pytest.raises(CutShortError):
            demo.prepare(home)
    assert len(done) == number
    made = demo.prepare(home)
    assert settings.load(home.settings).clinic.name == demo.CLINIC
    assert demo.load(home) == made
    assert [ticket.name for ticket in made.tickets] == list(demo.PEOPLE)


def test_nothing_of_a_demos_making_was_left_out_above(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done = cut_at(monkeypatch, 0)
    demo.prepare(home)
    assert done == [
        "hearth.toml",
        "demo.json",
        "birth",
        "store",
        "store",
        "store",
        "store",
        "store",
        "store",
        "store",
        "demo.json",
        "box-public.json",
    ]


def test_a_demo_from_before_there_were_two_facilitators_gets_the_second(home: Home) -> None:
    made = demo.prepare(home)
    ines = {"cofacilitator_username", "cofacilitator_password", "coleader"}
    old = {name: value for name, value in json.loads(home.demo.read_text()).items() if name not in ines}
    home.demo.write_text(json.dumps(old))

    def take_away(tx: Transaction) -> None:
        tx.execute("DELETE FROM members WHERE person = ?", (made.coleader,))
        tx.execute("UPDATE accounts SET retired_at = 'now', username = 'gone' WHERE person = ?", (made.coleader,))

    asyncio.run(change(home, made, take_away))
    second = demo.prepare(home)
    assert (second.session, second.tickets, second.leader) == (made.session, made.tickets, made.leader)
    assert second.cofacilitator_username == "ines"
    assert second.cofacilitator_password not in ("", made.cofacilitator_password)
    assert demo.prepare(home) == second
    assert leaders(home, second) == [("Mara", made.leader), ("Ines", second.coleader)]


def leaders(home: Home, made: demo.Demo) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def look(tx: Transaction) -> None:
        found.extend((m.display_name, m.person) for m in rows.members(tx, made.session) if m.facilitator)

    asyncio.run(change(home, made, look))
    return found


def test_both_facilitators_lead_the_demos_session_and_can_sign_in(home: Home) -> None:
    made = demo.prepare(home)
    assert leaders(home, made) == [("Mara", made.leader), ("Ines", made.coleader)]
    seen: list[bool] = []

    def sign_in(tx: Transaction) -> None:
        for name, word in (
            (made.facilitator_username, made.facilitator_password),
            (made.cofacilitator_username, made.cofacilitator_password),
        ):
            account = accounts.account(tx, name)
            seen.append(account is not None and verify_password(word, account.password))

    asyncio.run(change(home, made, sign_in))
    assert seen == [True, True]


async def change(home: Home, made: demo.Demo, work: Any) -> None:
    db = await Database.open(home.store, keyslots.unlock(home.store, made.passphrase))
    try:
        await db.write(work)
    finally:
        await db.close()


def test_a_demos_tickets_that_open_nothing_any_more_are_new_at_the_next_start(home: Home) -> None:
    first = demo.prepare(home)

    def spoil(tx: Transaction) -> None:
        ada, _, wen = (m for m in rows.members(tx, first.session) if not m.facilitator)
        tx.execute("UPDATE tickets SET stopped = 1 WHERE member = ?", (ada.id,))
        tickets.reissue(tx, BOX, first.session, wen.id, now_text(), now_seconds())

    asyncio.run(change(home, first, spoil))
    second = demo.prepare(home)
    assert second.session == first.session
    assert [new == old for new, old in zip(second.tickets, first.tickets, strict=True)] == [False, True, False]

    asyncio.run(change(home, second, lambda tx: tx.execute("UPDATE tickets SET expires_at = 1")))
    assert not [one for one in demo.prepare(home).tickets if one in second.tickets]


def test_an_init_that_was_cut_short_can_be_done_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there is a store that opens with the passphrase and has nobody in it who could sign in."""
    for number in (1, 2):
        with monkeypatch.context() as patch, pytest.raises(CutShortError):
            cut_at(patch, number)
            asyncio.run(found(home, PASSPHRASE, FOUNDERS))
        assert not birth.present(home.store)
    asyncio.run(found(home, PASSPHRASE, FOUNDERS))

    assert asyncio.run(made_by_init(home)) == [
        ("Lena Brandt", "clinical_lead", True, 10),
        ("Ruth Stone", "administrator", False, 10),
    ]
    assert sorted(path.name for path in home.root.iterdir() if "store" in path.name) == ["store", "store.witness"]


async def made_by_init(home: Home) -> list[tuple[str, str, bool, int]]:
    """Name, role, whether the password has to be changed, and printed codes of each account."""
    db = await Database.open(home.store, keyslots.unlock(home.store, PASSPHRASE))

    def look(tx: Transaction) -> list[tuple[str, str, bool, int]]:
        found = accounts.accounts(tx)
        return [(one.name, one.role, one.must_change, factors.factors(tx, one.person).codes) for one in found]

    try:
        return await db.read(look)
    finally:
        await db.close()


def test_a_mistyped_answer_is_asked_for_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sets a box up types a dozen answers; one slip must not throw the others away."""
    typed = iter(
        [
            "short",
            PASSPHRASE,
            "another one",
            PASSPHRASE,
            PASSPHRASE,
            "short",
            *["made-up-password"] * 2,
            *["by hand it is"] * 2,
        ]
    )
    answers = ["", "Ruth Stone", "ruth", "Lena Brandt", "RUTH", "lena", "not a code"]

    def answer(words: str) -> str:
        return answers.pop(0) if answers else re.findall(r"    (\w{5}-\w{5})", capsys.readouterr().out)[-1]

    monkeypatch.setattr("getpass.getpass", lambda _words: next(typed))
    monkeypatch.setattr("builtins.input", answer)
    assert init.init(home.root, None) == 0
    assert list(typed) == answers == []
    assert [name for name, *_ in asyncio.run(made_by_init(home))] == ["Lena Brandt", "Ruth Stone"]


def test_the_first_accounts_meet_the_same_rules_as_all_others(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The administrator's password is asked for once more never again: a common one would stay."""
    good = "violet harbour tortoise"
    bad = ["qwertyuiop12"] * 2 + ["ruth stone ruth"] * 2
    typed = iter([PASSPHRASE, PASSPHRASE, *bad, good, good, good, good])
    answers = ["Ruth Stone", "two words", "ruth", "Lena Brandt", "x", "lena"]

    def answer(words: str) -> str:
        return answers.pop(0) if answers else re.findall(r"    (\w{5}-\w{5})", capsys.readouterr().out)[-1]

    monkeypatch.setattr("getpass.getpass", lambda _words: next(typed))
    monkeypatch.setattr("builtins.input", answer)
    assert init.init(home.root, None) == 0
    assert list(typed) == answers == []
    assert [name for name, *_ in asyncio.run(made_by_init(home))] == ["Lena Brandt", "Ruth Stone"]


def test_answers_that_end_too_early_make_no_clinic(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_words: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", end)
    with pytest.raises(Fault) as caught:
        init.init(home.root, None)
    assert caught.value.code == "bad_request"
    assert not birth.present(home.store)


def test_somebody_of_each_role_can_look_at_a_demo_by_password_alone_also_at_an_older_one(home: Home) -> None:
    home.settings.write_text('[clinic]\nname = "Kept"\n')
    made = demo.prepare(home)
    chosen = settings.load(home.settings)
    assert (chosen.sign_in.second_factor, chosen.clinic.name) == ("optional", "Kept")
    assert {one.role for one in made.others} == {"clinical_lead", "administrator", "billing", "auditor"}
    old = {name: value for name, value in json.loads(home.demo.read_text()).items() if name != "others"}
    home.demo.write_text(json.dumps(old))
    home.settings.write_text('[sign_in]\nsecond_factor = "required"\n')
    assert len(demo.prepare(home).others) == len(made.others)
    assert settings.load(home.settings).sign_in.second_factor == "required"
