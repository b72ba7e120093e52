"""The page of the network: where people find the box, and settings that are tried before they are kept."""

from __future__ import annotations

import pytest

from appliance.control.types import AccessPointSettings, WifiSettings
from tests.console.conftest import Desk, sitting_down


async def opens(desk: Desk, username: str = "dora") -> None:
    await desk.signs_in(username)
    await desk.presses("2")
    if username == "dora":
        await desk.comes_to("NetworkPage")
        await desk.sees("192.168.1.5")


async def picks(desk: Desk, number: int) -> None:
    await desk.presses("enter")
    await desk.comes_to("Pick")
    await desk.presses(*["down"] * number, "enter")


async def test_only_an_administrator_comes_to_the_page(desk: Desk) -> None:
    await opens(desk, "ana")
    await desk.sees("Your role")
    assert desk.page == "TodayPage"


async def test_the_page_says_where_people_find_the_box_and_what_to_compare(desk: Desk) -> None:
    await opens(desk)
    await desk.sees("https://192.168.1.5", "https://hearth.local", "Cable eth0: 192.168.1.5", "Europe/Madrid")
    await desk.sees("00 01 02 03 04 05 06 07", "18 19 1A 1B 1C 1D 1E 1F", "▀▀▀▀▀▀▀▀▀▀")


async def test_a_fixed_address_is_tried_and_kept_by_a_second_word(desk: Desk) -> None:
    await opens(desk)
    await picks(desk, 1)
    await desk.comes_to("FieldsForm")
    await desk.sees("192.168.1.5/24")
    await desk.presses("enter")
    await desk.types("192.168.1.1")
    await desk.presses("enter")
    await desk.types("192.168.1.1, 9.9.9.9")
    await desk.presses("enter")
    await desk.sees("On trial: 60 seconds")
    tried = desk.daemon.network.tried[0].wired
    assert (tried.address, tried.gateway, tried.dns) == ("192.168.1.5/24", "192.168.1.1", ("192.168.1.1", "9.9.9.9"))
    await picks(desk, 0)
    await desk.sees("The new settings are kept")
    assert desk.daemon.network.state.seconds_left == 0


@pytest.mark.again
async def test_settings_that_are_not_good_go_back_at_once(desk: Desk) -> None:
    await opens(desk)
    desk.daemon.network.tell(seconds_left=40)
    await desk.presses("escape", "2")
    await desk.sees("On trial: 40 seconds")
    await picks(desk, 1)
    await desk.sees("The old settings are in use again")


@pytest.mark.again
async def test_a_minute_without_a_word_is_told(desk: Desk) -> None:
    await opens(desk)
    desk.daemon.network.tell(seconds_left=1)
    await desk.presses("escape", "2")
    await desk.sees("On trial")
    desk.daemon.network.run_out()
    desk.app.screen._look()  # type: ignore[attr-defined]  # as it does every few seconds
    await desk.sees("Nobody kept the new settings")


async def test_a_wifi_is_chosen_from_those_nearby(desk: Desk) -> None:
    await opens(desk)
    await picks(desk, 2)
    await desk.sees("River House", "90 %, with a password", "40 %, open to all")
    await desk.presses("enter")
    await desk.comes_to("FieldsForm")
    await desk.presses("enter")
    await desk.types("quiet lamps")
    await desk.sees("Country")
    assert "quiet" not in desk.screen
    await desk.presses("enter", "enter")
    await desk.sees("In the Wi-Fi")
    assert desk.daemon.network.tried[0].wifi == WifiSettings(name="River House", password="quiet lamps", country="ES")


@pytest.mark.again
async def test_a_wifi_that_hides_is_typed_and_a_known_password_stays(desk: Desk) -> None:
    await opens(desk)
    settings = desk.daemon.network.state.settings
    desk.daemon.network.tell(settings=type(settings)(wifi=WifiSettings(name="Attic", country="PT")))
    await desk.presses("escape", "2")
    await picks(desk, 2)
    await desk.sees("another one")
    await desk.presses("up", "enter")
    await desk.comes_to("FieldsForm")
    await desk.types("Attic")
    await desk.presses("enter", "enter", "enter")
    await desk.sees("In the Wi-Fi")
    assert desk.daemon.network.tried[0].wifi == WifiSettings(name="Attic", password=None, country="PT")


@pytest.mark.again
async def test_a_network_of_its_own_tells_its_limits_first(desk: Desk) -> None:
    await opens(desk)
    await picks(desk, 3)
    await desk.sees("4 to 10 people", "no internet in it", "says nothing of you")
    await desk.presses("enter")
    await desk.types("quiet lamps")
    await desk.presses("enter", "enter", "enter")
    await desk.sees('The box offers its own Wi-Fi, "Hearth"')
    own = AccessPointSettings(name="Hearth", password="quiet lamps", country="ES", channel=6)
    assert desk.daemon.network.tried[0].access_point == own


@pytest.mark.again
async def test_a_refusal_is_said_and_the_page_stays_as_it_was(desk: Desk) -> None:
    await opens(desk)
    desk.daemon.fail_next("network", "network_gateway")
    await picks(desk, 1)
    await desk.comes_to("FieldsForm")
    await desk.presses("enter", "enter", "enter")
    await desk.sees("The router's address must lie in the same network", "https://192.168.1.5")


@pytest.mark.again
async def test_a_machine_that_is_not_the_boxs_own_is_not_to_be_changed(desk: Desk) -> None:
    desk.daemon.network.tell(possible=False)
    await opens(desk)
    await desk.sees("runs on a machine that is not", "its network is set there")
    assert "Enter change" not in desk.screen
    await desk.presses("enter")
    await desk.sees("so the machine it is on is not its to change")
    assert desk.page == "NetworkPage"


@pytest.mark.again
async def test_nothing_is_done_where_somebody_thought_better_of_it(desk: Desk) -> None:
    await opens(desk)
    await picks(desk, 4)
    await desk.comes_to("FieldsForm")
    await desk.presses("escape")
    await desk.comes_to("NetworkPage")
    assert not desk.daemon.network.tried and "zone" not in desk.daemon.asked


@pytest.mark.again
async def test_all_of_it_fits_a_small_screen_in_spanish(impatient: None) -> None:
    async with sitting_down(language="es") as desk:
        await opens(desk)
        await picks(desk, 3)
        await desk.comes_to("FieldsForm")
        await desk.sees("Canal, del 1 al 11", "Esc nada")
