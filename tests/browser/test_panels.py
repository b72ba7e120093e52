"""What people see of the keys: words, chat, silence, doubt. Real templates in real browsers, without a box."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Playwright, expect

from tests.browser.panels import CODE, PEOPLE, WORDS, Stage, built, plain, sentence, stage
from tests.browser.people import launch

pytestmark = pytest.mark.browser

OLD = "delete window.RTCRtpScriptTransform; delete RTCRtpSender.prototype.createEncodedStreams;"
MUTED = "() => [...document.querySelectorAll('#sounds audio')].map((one) => [one.dataset.member, one.muted])"
# Whether something else stands over the middle of what has the focus, and its name.
FOCUS = """() => {
  const one = document.activeElement;
  if (one === document.body) return [false, ""];
  const box = one.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return [!(at && (one.contains(at) || at.contains(one))), one.id || one.textContent.trim().slice(0, 30)];
}"""
# A box that says no to every admission that does not say how, and takes those that do.
FULL = """() => {
  window.fetch = async (_, {body}) => {
    room.calls.push(`posted ${body.get("beyond")}`.trim());
    return body.get("beyond") ? Response.json({}) : Response.json({code: "box_full"}, {status: 409});
  };
}"""
DOUBTS = ("altered", "notSealed", "wrongSender", "replayed", "noKey")
# Whether a tap may help.
SILENCES = {
    "keysAwaited": False,
    "leaderAway": False,
    "keysBroken": True,
    "workerDied": True,
    "leak": True,
    "tooOld": False,
}


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("probe"))


@pytest.fixture(params=["chromium", pytest.param("firefox", marks=pytest.mark.again)])
async def browser(request: pytest.FixtureRequest, playwright: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playwright, request.param)
    yield made
    await made.close()


@pytest.fixture
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    made = await launch(playwright, "chromium")
    yield made
    await made.close()


# -- the words of the room


async def test_the_words_open_by_themselves_to_be_read_and_fold_when_they_were(browser: Browser, script: Path) -> None:
    room = await stage(browser, script, facilitator=True, width=1280)
    fold = room.page.locator("#code-panel details")
    await room.code()
    await expect(fold).not_to_have_attribute("open", "")
    await room.code(prompt=True)
    await expect(fold).to_have_attribute("open", "")
    await expect(room.page.locator(".code-words li")).to_have_text(WORDS)
    await room.page.get_by_role("button", name="Everybody has the same words").click()
    assert await room.calls() == ["compared"]
    await room.code(comparedAt="2026-11-22T10:05:00Z")
    await expect(fold).not_to_have_attribute("open", "")
    await expect(room.page.locator("#code-panel summary")).to_be_focused()
    await expect(room.page.locator(".code-state:visible")).to_contain_text("compared at")


async def test_new_words_open_the_panel_again_and_a_folded_one_stays_folded(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    fold = room.page.locator("#code-panel details")
    await room.code(prompt=True)
    await room.page.locator("#code-panel summary").click()
    await room.code(prompt=True, comparedAt=None, strangers=[], holders=PEOPLE[:2])
    await expect(fold).not_to_have_attribute("open", "")
    await room.code(prompt=True, words=WORDS[::-1])
    await expect(fold).to_have_attribute("open", "")


async def test_a_tap_meant_for_other_words_does_not_count_for_the_new_ones(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script, facilitator=True, width=1280)
    same = room.page.get_by_role("button", name="Everybody has the same words")
    await room.code(prompt=True)
    await same.click()
    await room.code(prompt=True, words=WORDS[::-1])
    await same.click(force=True)
    assert await room.calls() == ["compared"]
    await expect(same).to_be_enabled()
    await same.click()
    assert await room.calls() == ["compared", "compared"]


async def test_a_patient_compares_and_says_so_aloud_but_marks_nothing(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.code(prompt=True)
    await expect(room.page.get_by_text("If you see other words, please say so.")).to_be_visible()
    assert await room.page.locator(".code-same").count() == 0


async def test_other_words_have_a_way_out_that_undoes_nothing(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script, facilitator=True, width=1280)
    await room.code(prompt=True)
    await room.page.get_by_role("button", name="Somebody has other words").click()
    alarm = room.page.locator(".code-stop")
    await expect(alarm).to_contain_text("End the session for everybody, and call us.")
    await expect(alarm.get_by_role("link")).to_have_attribute("href", "tel:+15550100199")
    assert await room.calls() == []
    await room.code(prompt=True, words=WORDS[::-1])
    await expect(alarm).to_be_hidden()


async def test_a_comparison_that_the_box_did_not_take_is_said(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script, facilitator=True, width=1280)
    await room.code(prompt=True)
    await room.run("() => { room.refuse = true; }")
    await room.page.get_by_role("button", name="Everybody has the same words").click()
    await expect(room.page.locator(".code-failed")).to_have_text("That did not work. Please try again.")


async def test_a_stranger_with_keys_is_seen_on_every_page_even_when_it_is_folded(
    chromium: Browser, script: Path
) -> None:
    for facilitator in (False, True):
        room = await stage(chromium, script, facilitator=facilitator)
        await room.code(strangers=["Ghost"])
        await expect(room.page.get_by_role("alert").filter(has_text="Ghost")).to_be_visible()


async def test_a_name_with_a_comma_does_not_pass_for_two_people(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.code(prompt=True, holders=[PEOPLE[0], {**PEOPLE[1], "name": "Mara, Rosa"}])
    await expect(room.page.locator(".code-names li")).to_have_text(["Ada", "Mara, Rosa"])
    await expect(room.page.locator(".code-count")).to_have_text("2 people hold the keys of this room:")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "not compared yet"),
        ({"comparedAt": "2026-11-22T10:05:00Z"}, "compared at"),
        ({"comparedAt": "2026-11-22T10:05:00Z", "changed": True}, "new since they were compared at"),
        ({"words": []}, "no words yet"),
    ],
)
async def test_each_state_of_the_words_is_told_on_the_folded_panel(
    chromium: Browser, script: Path, facts: dict[str, Any], said: str
) -> None:
    room = await stage(chromium, script)
    await room.code(**facts)
    await expect(room.page.locator(".code-state:visible")).to_contain_text(said)


# -- the chat


async def test_a_message_is_sent_with_enter_and_what_was_not_sent_stays_in_the_field(
    browser: Browser, script: Path
) -> None:
    room = await stage(browser, script)
    await room.run("() => room.chat.ready(true)")
    await room.page.locator("#chat summary").click()
    field = room.page.locator("#chat-text")
    await field.fill("Good morning")
    await field.press("Enter")
    await expect(field).to_have_value("")
    await room.run("() => { room.refuse = true; }")
    await field.fill("Is anybody there?")
    await room.page.get_by_role("button", name="Send").click()
    await expect(room.page.locator("#chat-failed")).to_contain_text("That was not sent.")
    await expect(field).to_have_value("Is anybody there?")
    await room.run("() => { room.refuse = 'wrong_state'; }")
    await field.press("Enter")
    await expect(room.page.locator("#chat-failed")).to_contain_text("Send them when it goes on.")
    await expect(field).to_have_value("Is anybody there?")
    assert await room.calls() == ["send Good morning"] + 2 * ["send Is anybody there?"]


async def test_without_keys_nothing_is_sent_and_what_was_begun_stays(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.page.locator("#chat summary").click()
    await expect(room.page.get_by_text("You can write as soon as you have the keys")).to_be_visible()
    await room.run("() => room.chat.ready(true)")
    field = room.page.locator("#chat-text")
    await field.fill("Good mor")
    await room.run("() => room.chat.ready(false)")
    await field.press("Enter")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("Good mor")
    await expect(room.page.get_by_role("button", name="Send")).to_be_disabled()
    assert await room.calls() == []


async def test_what_others_write_is_text_and_never_markup(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.run("() => room.chat.add('<b>Rosa</b>', '<img src=x onerror=room.calls.push(1)>', false)")
    await room.page.locator("#chat summary").click()
    await expect(room.page.locator(".chat-text")).to_have_text("<img src=x onerror=room.calls.push(1)>")
    assert await room.page.locator("#chat img, #chat b").count() == 0
    assert await room.calls() == []


async def test_the_chat_holds_the_newest_two_hundred_and_nothing_after_leaving(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.run(
        "() => { for (let n = 0; n < 250; n++) room.chat.add('Rosa', `line ${n}` + 'x'.repeat(n * 4), false); }"
    )
    lines = room.page.locator(".chat-text")
    assert await lines.count() == 200
    assert (await lines.first.text_content() or "").startswith("line 50x")
    assert len(await lines.last.text_content() or "") == 500
    await expect(room.page.locator(".chat-unread")).to_have_text("200 new")
    await room.run("() => room.chat.clear()")
    assert "line 1" not in await room.page.locator("#chat").inner_html()


async def test_what_was_not_seen_is_counted_until_the_chat_is_opened(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.run("() => { room.chat.add('Rosa', 'Hi', false); room.chat.add('Ada', 'Hello', true); }")
    await expect(room.page.locator(".chat-unread")).to_have_text("1 new")
    await room.page.locator("#chat summary").click()
    await expect(room.page.locator(".chat-unread")).to_be_hidden()
    await room.run("() => room.chat.add('Rosa', 'How are you?', false)")
    await expect(room.page.locator(".chat-unread")).to_be_hidden()


# -- doubt and silence


async def test_a_tile_in_doubt_is_black_and_silent_and_comes_back_by_itself(chromium: Browser, script: Path) -> None:
    """A doubt about the picture silences the voice too, and the other way round."""
    room = await stage(chromium, script)
    tile = room.page.locator('.tile[data-member="m2"]')
    for doubt, kind in itertools.product(DOUBTS, ("video", "audio")):
        await room.run("([track, state]) => room.tiles.seal(track, state)", [f"m2{kind}", doubt])
        await expect(tile.locator("video")).to_be_hidden()
        await expect(tile.locator(".tile-doubt")).to_have_text(sentence(doubt).replace("{name}", "Rosa"))
        assert await room.run(MUTED) == [["m1", False], ["m2", True]]
        await expect(room.page.locator('.tile[data-member="m1"] video')).to_be_visible()
        await room.run("([track, state]) => room.tiles.seal(track, state)", [f"m2{kind}", "open"])
        await expect(tile.locator("video")).to_be_visible()
        await expect(tile.locator(".tile-doubt")).to_be_hidden()
        assert await room.run(MUTED) == [["m1", False], ["m2", False]]


async def test_in_the_dark_nobody_is_seen_or_heard_but_oneself(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    await room.run("() => room.tiles.dark(true)")
    await expect(room.page.locator(".tile video:visible")).to_have_count(1)
    await expect(room.page.locator(".tile[data-you] video")).to_be_visible()
    assert await room.run("() => [...document.querySelectorAll('#sounds audio')].every((one) => one.muted)")
    await room.run("() => room.tiles.dark(false)")
    await expect(room.page.locator(".tile video:visible")).to_have_count(3)


async def test_each_silence_has_its_sentence_and_its_way_back(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script)
    place = room.page.locator("#silence")
    again = place.get_by_role("button", name="Try again")
    for key, way_back in SILENCES.items():
        await room.run("(key) => { room.calls.length = 0; room.silence.show(key); }", key)
        await expect(place).to_contain_text(sentence(key))
        await expect(again).to_be_visible(visible=way_back)
        await expect(place.locator(".silence-call")).to_be_visible(visible=key not in ("keysAwaited", "leaderAway"))
        if way_back:
            await again.press("Enter")
            await again.press("Enter")  # impatient: keys are on their way
            assert await room.calls() == ["again"]
            await expect(again).to_be_focused()
            await room.run("() => room.silence.show('keysAwaited')")
            await expect(place).to_be_focused()
        await room.run("() => room.silence.show(null)")
        await expect(place).to_be_hidden()


# -- who needs a key, and browsers that have none


async def test_who_needs_a_key_has_a_row_with_one_button_and_loses_it_at_once(browser: Browser, script: Path) -> None:
    room = await stage(browser, script, facilitator=True, width=1280)
    people = [{"member": "m7", "name": "Ines", "back": True}, {"member": "m8", "name": "Tom", "back": False}]
    await room.run("(people) => room.pending.show(people)", people)
    await expect(room.page.locator("#pending .person")).to_have_count(2)
    await expect(room.page.locator("#news")).to_contain_text("needs a key from you")
    await expect(room.page.locator('#pending [data-member="m7"]')).to_contain_text("has come back on a new page.")
    await expect(room.page.locator('#pending [data-member="m8"]')).to_contain_text("was let in at the desk.")
    await room.page.get_by_role("button", name="Let in Tom").click()
    assert await room.calls() == ["let in m8"]
    await room.run("() => room.pending.show([])")
    await expect(room.page.locator("#pending-panel")).to_be_hidden()


async def test_a_full_box_asks_by_keyboard_and_waiting_is_what_happens_by_default(
    browser: Browser, script: Path
) -> None:
    room = await stage(browser, script, facilitator=True, width=1280)
    await room.run(FULL)
    await room.run("() => { document.getElementById('room').dataset.locked = 'false' }")
    admit = room.page.locator("#waiting form[data-action=admit] button").first
    question = room.page.get_by_role("dialog")
    name = await room.page.locator("#waiting .p-name").first.inner_text()
    await admit.press("Enter")
    await expect(question).to_have_accessible_name(f"The box is at its limit. Let {name} in?")
    await expect(room.page.get_by_role("button", name="Keep them waiting")).to_be_focused()
    assert await room.complaints() == []
    await room.page.keyboard.press("Escape")
    await expect(question).to_be_hidden()
    await expect(admit).to_be_focused()
    assert await room.calls() == ["posted"]
    await admit.press("Enter")
    await room.page.get_by_role("button", name="Let in with fewer pictures").press("Enter")
    await expect(question).to_be_hidden()
    await room.page.wait_for_function("() => room.calls.length === 4")
    assert (await room.calls())[1:3] == ["posted", "posted fewer"]


async def test_who_gets_keys_in_a_moment_is_never_shown_as_in_need_of_them(chromium: Browser, script: Path) -> None:
    room = await stage(chromium, script, facilitator=True, width=1280)
    await room.page.clock.install()
    await room.run("() => room.pending.show([{member: 'm7', name: 'Ines', back: false}])")
    await room.page.clock.run_for(1000)
    await expect(room.page.locator("#pending-panel")).to_be_hidden()
    await room.run("() => room.pending.show([])")
    await room.page.clock.run_for(5000)
    await expect(room.page.locator("#pending-panel")).to_be_hidden()


async def test_a_browser_that_cannot_seal_is_told_before_the_waiting_room(chromium: Browser) -> None:
    page = await plain(chromium, "devices", before=OLD)
    await expect(page.get_by_text("This browser is too old for picture and sound")).to_be_visible()
    await expect(page.get_by_role("button", name="Test camera and microphone")).to_be_hidden()
    await expect(page.get_by_role("button", name="Go on", exact=True)).to_be_hidden()
    await expect(page.get_by_role("button", name="Go on without picture and sound")).to_be_visible()
    page = await plain(chromium, "join", before=OLD)
    await expect(page.locator("#too-old")).to_be_visible()


async def test_a_browser_that_can_seal_hears_nothing_of_it(browser: Browser) -> None:
    for name in ("devices", "join"):
        page = await plain(browser, name)
        await page.wait_for_load_state("networkidle")
        await expect(page.locator("#too-old")).to_be_hidden()


# -- for everybody


# As bodies of functions of `code`; each undoes what the one before has shown.
STATES: dict[str, str] = {
    "to be read": "room.panel.show({...code, prompt: true}); room.chat.ready(true)",
    "stranger": "room.panel.show({...code, prompt: true, strangers: ['Ghost']}); room.silence.show('keysAwaited')",
    "broken": "room.panel.show(null); room.chat.ready(false); room.silence.show('keysBroken'); room.tiles.dark(true)",
    "doubt and chat": "room.panel.show({...code, comparedAt: '2026-11-22T10:05:00Z'}); room.silence.show(null);"
    " room.chat.ready(true); room.chat.add('Rosa', 'Hi', false); room.chat.add('Ada', 'Hello', true);"
    " document.querySelector('#chat details').open = true;"
    " room.tiles.dark(false); room.tiles.seal('m2video', 'wrongSender')",
    "pending": "room.pending.show([{member: 'm7', name: 'Ines', back: true}])",
}
SHAPES: dict[str, dict[str, Any]] = {
    "phone": {"width": 360, "height": 740},
    "desk": {"width": 1280, "height": 800, "dark": True},
    "spanish": {"width": 360, "height": 740, "language": "es"},
    "400 percent": {"width": 320, "height": 256, "language": "es"},
    "right to left": {"width": 390, "height": 844, "rtl": True},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("facilitator", [False, True], ids=["patient", "facilitator"])
async def test_in_every_shape_the_room_is_for_everybody(
    chromium: Browser, script: Path, facilitator: bool, shape: str
) -> None:
    room = await stage(chromium, script, facilitator=facilitator, **SHAPES[shape])
    for state, made in STATES.items():
        await room.run(f"(code) => {{ {made} }}", CODE)
        if state == "pending" and facilitator:
            await expect(room.page.locator("#pending .person")).to_have_count(1)
        assert await room.too_wide() <= 0, state
        assert await room.complaints() == [], state


@pytest.mark.parametrize("page", ["protected", "devices", "join", "room, waiting"])
async def test_the_pages_before_the_room_are_for_everybody(chromium: Browser, page: str) -> None:
    for shape in SHAPES.values():
        made = Stage(await plain(chromium, page, before=OLD, **shape))
        assert await made.too_wide() <= 0
        assert await made.complaints() == []
        await made.page.context.close()


async def test_all_of_the_panels_is_reached_with_the_keyboard_and_nothing_hides_it(
    chromium: Browser, script: Path
) -> None:
    """What has the focus is never behind the controls at the page's end (WCAG 2.2, 2.4.11)."""
    room = await stage(chromium, script)
    await room.code(prompt=True)
    await room.run("() => { room.chat.ready(true); document.querySelector('#chat details').open = true; }")
    seen = []
    for _ in range(40):
        await room.page.keyboard.press("Tab")
        hidden, name = await room.run(FOCUS)
        if name == "":
            break  # past the last
        assert not hidden, name
        seen.append(name)
    assert {"chat-text", "microphone", "camera"} <= set(seen)
    assert any("The words of this room" in name for name in seen)
