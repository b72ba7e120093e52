"""What set-up may do and what nobody may do with it: in order only, for ever over at the end, never into a clinic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import msgspec
import pytest

from appliance import settings as chosen
from appliance.assemble import Appliance
from appliance.control.client import ControlClient, ControlFault
from appliance.control.setup import ROUTES
from appliance.control.types import NetworkSettings, SetUpPerson
from appliance.founding import Founder, found
from appliance.home import Home
from appliance.portal.listener import ROUTES as PAGES
from appliance.setup import answers
from appliance.setup.answers import Answers
from appliance.store import birth
from tests.fakes import new_box
from tests.fakes.new_box import settings
from tests.fakes.stores import CHEAP
from tests.fakes.visitor import Visitor

PASSPHRASE = "four quiet lamps here"
RUTH = SetUpPerson(role="administrator", name="Ruth Stone", username="ruth", password="seven green boats")
LENA = SetUpPerson(role="clinical_lead", name="Lena Brandt", username="lena", password="seven blue boats")
PEOPLE = (RUTH, LENA)


class Running:
    """An appliance in this process that can be started again, and consoles before it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.make()
        self.box = Appliance(self.home, settings(), 0)
        self._consoles: list[ControlClient] = []

    def console(self) -> ControlClient:
        self._consoles.append(ControlClient(self.home.control_socket))
        return self._consoles[-1]

    async def again(self) -> None:
        await self.box.close()
        self.box = Appliance(self.home, chosen.parse(new_box.SETTINGS), 0)
        await self.box.start()

    async def end(self) -> None:
        for console in self._consoles:
            await console.close()
        await self.box.close()

    async def to_the_clinic(self) -> ControlClient:
        """As far as a clinic that is made, at one console."""
        console = self.console()
        await console.set_place("es", "")
        await console.set_clinic("Casa del Río", "555 0142")
        await console.set_step("passphrase")
        await console.found_clinic(PASSPHRASE, PEOPLE)
        return console

    async def to_the_end(self) -> ControlClient:
        console = await self.to_the_clinic()
        for role in ("administrator", "clinical_lead"):
            codes = await console.codes_in_set_up(role)
            await console.confirm_codes_in_set_up(role, codes[3])
        return console


@pytest.fixture
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A box fresh from its image."""
    monkeypatch.setattr(birth.give_birth, "__defaults__", birth.give_birth.__defaults__)
    monkeypatch.setattr("appliance.identity.passwords._MEMORY_KIB", 64)
    new_box.cheap()
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = Running(Path(folder))
        await made.box.start()
        try:
            yield made
        finally:
            await made.end()


async def refused(doing: object) -> str:
    """The code that it was refused with."""
    with pytest.raises(ControlFault) as caught:
        await doing  # type: ignore[misc]
    return caught.value.code


async def every_call(console: ControlClient) -> list[str]:
    """What each call of set-up is refused with."""
    return [
        await refused(console.set_place("en", "")),
        await refused(console.set_keyboard_in_set_up("us")),
        await refused(console.set_clinic("Mine", "")),
        await refused(console.scan_in_set_up()),
        await refused(console.network_in_set_up(NetworkSettings())),
        await refused(console.set_step("done")),
        await refused(console.found_clinic("another passphrase", PEOPLE)),
        await refused(console.backups_in_set_up()),
        await refused(console.restore_in_set_up("/media/BLUE/hearth-backup-1dc69106-000004-20310301", PASSPHRASE)),
        await refused(console.join_set_up(PASSPHRASE)),
        await refused(console.set_up_people()),
        await refused(console.change_founder(RUTH)),
        await refused(console.change_passphrase_in_set_up("another passphrase")),
        await refused(console.codes_in_set_up("administrator")),
        await refused(console.confirm_codes_in_set_up("administrator", "x")),
        await refused(console.finish_set_up()),
    ]


async def test_once_it_is_over_every_call_is_refused_also_after_a_restart(running: Running) -> None:
    console = await running.to_the_end()
    await console.finish_set_up()
    assert len(await every_call(console)) == len(ROUTES)
    assert set(await every_call(running.console())) == {"wrong_state"}
    await running.again()
    stranger = running.console()
    assert (await stranger.snapshot()).box.state == "locked"
    assert set(await every_call(stranger)) == {"wrong_state"}
    await stranger.unlock(PASSPHRASE)
    assert set(await every_call(stranger)) == {"wrong_state"}
    running.home.setup.unlink()
    await running.again()
    assert (await stranger.snapshot()).box.state == "locked"


async def test_the_clinic_that_was_set_up_is_one_that_its_people_can_sign_in_to(running: Running) -> None:
    console = await running.to_the_end()
    codes = await console.codes_in_set_up("administrator")  # a new sheet, which counts once it was typed back
    await console.confirm_codes_in_set_up("administrator", codes[0])
    sheet = await console.add_sheet("es")
    assert not (await console.set_up_people()).sheet
    await console.try_key(sheet.id, " ".join(sheet.words))
    assert (await console.set_up_people()).sheet
    await console.finish_set_up()
    assert (await console.sign_in("ruth", RUTH.password)).stage == "second"
    assert (await console.second_step(codes[1])).stage == "full"
    desk = running.console()
    assert (await desk.sign_in("lena", LENA.password)).stage == "second"
    now = chosen.load(running.home.settings).clinic
    assert (now.name, now.phone, now.language) == ("Casa del Río", "555 0142", "es")


async def test_a_clinic_that_somebody_signed_in_to_is_nobodys_to_set_up(running: Running) -> None:
    """Whoever puts the file of an unfinished set-up beside it gets nothing by that, with its passphrase either."""
    console = await running.to_the_end()
    codes = await console.codes_in_set_up("administrator")
    await console.confirm_codes_in_set_up("administrator", codes[0])
    await console.finish_set_up()
    await console.sign_in("ruth", RUTH.password)
    assert (await console.second_step(codes[1])).stage == "full"
    answers.save(running.home, Answers(step="done"))
    await running.again()
    assert (await console.snapshot()).box.state == "new"
    assert await refused(console.join_set_up(PASSPHRASE)) == "wrong_state"
    assert (await console.snapshot()).box.state != "new"
    await running.again()
    assert (await console.snapshot()).box.state == "locked"


async def test_from_the_clinic_on_only_the_passphrase_goes_on(running: Running) -> None:
    first, second = await running.to_the_clinic(), running.console()
    assert await refused(second.set_clinic("Mine", "")) == "not_signed_in"
    assert await refused(second.set_place("en", "")) == "not_signed_in"
    assert await refused(second.set_step("done")) == "not_signed_in"
    assert await refused(second.set_up_people()) == "not_signed_in"
    assert await refused(second.change_founder(RUTH)) == "not_signed_in"
    assert await refused(second.change_passphrase_in_set_up("another passphrase")) == "not_signed_in"
    assert await refused(second.codes_in_set_up("clinical_lead")) == "not_signed_in"
    assert await refused(second.finish_set_up()) == "not_signed_in"
    assert await refused(second.join_set_up("a guess at it here")) == "wrong_passphrase"
    assert await refused(second.keys()) == "not_signed_in"
    await second.join_set_up(PASSPHRASE)
    assert [one.username for one in (await second.set_up_people()).people] == ["ruth", "lena"]
    assert len((await second.keys()).slots) == 1
    assert await refused(second.backups()) == "not_signed_in"  # keys and headquarters, and nothing else
    assert await refused(second.network()) == "not_signed_in"
    assert (await first.set_up_people()).people[0].name == "Ruth Stone"
    await running.again()
    assert await refused(first.set_up_people()) == "not_signed_in"


async def test_headquarters_is_asked_with_the_same_standing_and_only_while_set_up_lasts(running: Running) -> None:
    console = await running.to_the_end()
    assert (await console.enrolment()).state == "not_enrolled"
    assert await refused(console.enrol("https://hq.example.org:8444", "nonsense")) == "code_mistyped"
    await console.set_step("done")
    token = console._set_up
    await console.finish_set_up()
    console._set_up = token
    assert await refused(console.enrolment()) == "not_signed_in"
    assert await refused(console.keys()) == "not_signed_in"


async def test_names_and_passphrase_are_changed_in_their_places_until_the_end(running: Running) -> None:
    console = await running.to_the_clinic()
    await console.change_founder(
        msgspec.structs.replace(LENA, name="Lena Q", username="lenaq", password="other blue boat")
    )
    assert await refused(console.change_founder(msgspec.structs.replace(LENA, username="Ruth"))) == "username_taken"
    assert await refused(console.change_founder(msgspec.structs.replace(LENA, password="short"))) == "password_short"
    assert [one.username for one in (await console.set_up_people()).people] == ["ruth", "lenaq"]
    assert await refused(console.change_passphrase_in_set_up("short")) == "weak_passphrase"
    running.box.keeper().cost = CHEAP
    await console.change_passphrase_in_set_up("nine grey stones here")
    await running.again()
    assert await refused(console.join_set_up(PASSPHRASE)) == "wrong_passphrase"
    await console.join_set_up("nine grey stones here")


async def test_guesses_at_the_passphrase_are_slowed_down(running: Running) -> None:
    await running.to_the_clinic()
    console = running.console()
    codes = [await refused(console.join_set_up(f"guess number {n} here")) for n in range(6)]
    assert (codes[0], codes[-1]) == ("wrong_passphrase", "too_many_tries")


async def test_two_consoles_that_make_the_clinic_at_once_make_one(running: Running) -> None:
    consoles = [running.console(), running.console()]
    made = await asyncio.gather(*(one.found_clinic(PASSPHRASE, PEOPLE) for one in consoles), return_exceptions=True)
    assert [getattr(one, "code", "") for one in made if one is not None] == ["wrong_state"]
    loser = consoles[0] if made[0] is not None else consoles[1]
    await loser.join_set_up(PASSPHRASE)
    assert len((await loser.set_up_people()).people) == 2


async def test_no_step_comes_before_the_ones_it_stands_on(running: Running) -> None:
    console = running.console()
    for step in ("codes", "sheet", "headquarters", "done"):
        assert await refused(console.set_step(step)) == "wrong_state"
    assert await refused(console.codes_in_set_up("administrator")) == "wrong_state"
    assert await refused(console.finish_set_up()) == "wrong_state"
    assert await refused(console.join_set_up(PASSPHRASE)) == "wrong_state"
    console = await running.to_the_clinic()
    assert await refused(console.set_step("sheet")) == "wrong_state"
    assert await refused(console.finish_set_up()) == "wrong_state"
    await console.codes_in_set_up("administrator")
    assert await refused(console.confirm_codes_in_set_up("administrator", "AAAAA-AAAAA")) == "wrong_code"
    assert await refused(console.finish_set_up()) == "wrong_state"


UNFIT = (
    ((RUTH,), "bad_request"),
    ((LENA, RUTH), "bad_request"),
    ((RUTH, msgspec.structs.replace(LENA, username="RUTH")), "username_taken"),
    ((RUTH, msgspec.structs.replace(LENA, username="two words")), "bad_request"),
    ((RUTH, msgspec.structs.replace(LENA, name=" \u202e ")), "bad_request"),
    ((msgspec.structs.replace(RUTH, password="short"), LENA), "password_short"),
    ((msgspec.structs.replace(RUTH, password="x" * 300), LENA), "password_long"),
    ((msgspec.structs.replace(RUTH, password="ruth stone ruth"), LENA), "password_name"),
    ((), "bad_request"),
)


async def test_people_that_will_not_do_make_no_clinic(running: Running) -> None:
    console = running.console()
    for people, code in UNFIT:
        assert await refused(console.found_clinic(PASSPHRASE, people)) == code
    assert await refused(console.found_clinic("short", PEOPLE)) == "weak_passphrase"
    assert await refused(console.found_clinic("x" * 5000, PEOPLE)) == "bad_request"
    assert not birth.present(running.home.store)


async def test_hostile_names_change_nothing_but_the_name(running: Running) -> None:
    console = running.console()
    name = 'A"]\\ # [portal]'
    await console.set_clinic(name + "\x00\n[sign_in]", "555\r0142")
    now = chosen.load(running.home.settings)
    assert (now.clinic.name, now.clinic.phone) == (name + " [sign_in]", "555 0142")
    assert msgspec.structs.replace(now, clinic=chosen.ClinicSection()) == chosen.Settings()
    for bad in ("", " \t", "x" * 61):
        assert await refused(console.set_clinic(bad, "")) == "bad_request"
    assert await refused(console.set_place("en", "../../etc/passwd")) == "bad_request"
    for body in (b"", b"{", b"[]", b'{"language":"xx"}', b'{"step":"nonsense"}', b"\xff" * 100):
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(running.home.control_socket))) as http:
            for route in ROUTES:
                if route.method == "POST" and not route.path.endswith("/finish") and not route.path.endswith("/scan"):
                    async with http.post(f"http://x{route.path}", data=body, headers={"Request-Id": "1"}) as told:
                        assert (await told.json())["code"] in ("bad_request", "not_signed_in", "wrong_state"), (
                            route.path
                        )


async def test_a_clinic_that_was_made_otherwise_has_no_set_up(running: Running) -> None:
    await running.box.close()
    running.home.setup.unlink(missing_ok=True)
    await found(running.home, PASSPHRASE, [Founder(p.name, p.username, p.role, p.password) for p in PEOPLE])
    await running.again()
    console = running.console()
    assert (await console.snapshot()).box.state == "locked"
    assert set(await every_call(console)) == {"wrong_state"}


async def test_a_store_that_is_gone_is_a_loss_and_no_new_box(running: Running) -> None:
    console = await running.to_the_end()
    await console.finish_set_up()
    await running.box.close()
    running.home.store.rename(running.home.root / "gone")
    running.home.setup.unlink()
    running.home.make()
    await running.again()
    assert (await running.console().snapshot()).box.state == "locked"
    assert await refused(running.console().unlock(PASSPHRASE)) == "slots_missing"


async def test_the_portal_says_that_the_box_is_being_set_up_on_every_page(running: Running) -> None:
    address = running.box.about().addresses[0]
    for language, sentence in (("en", "This box is being set up"), ("es", "Este equipo se está preparando")):
        visitor = Visitor(address, language)
        try:
            for path in sorted({route.path for route in PAGES if route.method == "GET" and "{" not in route.path}):
                if path.startswith(("/protected", "/guides", "/help", "/ca.", "/trust", "/look")):
                    continue
                told = await visitor.get(path)
                assert told.status == 200 and sentence in told.text, path
        finally:
            await visitor.close()


async def test_a_new_name_is_on_the_pages_at_once(running: Running) -> None:
    console = await running.to_the_end()
    await console.finish_set_up()
    visitor = Visitor(running.box.about().addresses[0], "en")
    try:
        assert "Casa del Río" in (await visitor.get("/")).text
    finally:
        await visitor.close()
