"""Passkeys in a real Chromium with its virtual authenticator, at a real portal with an open box behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from appliance.identity import passwords
from appliance.portal import tls
from appliance.portal.listener import PortalListener, application
from tests.browser.people import launch
from tests.fakes.box import PASSWORD, open_box
from tests.fakes.portal import Behind

pytestmark = pytest.mark.browser

# A phone or laptop that knows its owner: it asks for nothing more than that somebody touches it.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Behind]:
    """A portal under a name: localhost, which Chromium trusts whatever certificate it shows."""
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    async with open_box(tmp_path, second_factor="required") as box:
        found = Behind(box.clinic)
        (tmp_path / "tls").mkdir()
        await tls.renew(box.clinic.db, tmp_path / "tls", "hearth", ())
        app = application(found, ("Riverbend House", "555 0142"), tmp_path / "tls" / tls.CA_FILE)
        listener = PortalListener(app)
        port = await listener.start("127.0.0.1", 0, tls.context(tmp_path / "tls"))
        found.origin = f"https://localhost:{port}"
        yield found
        await listener.close()


@pytest.fixture
async def page(playwright: Playwright, portal: Behind) -> AsyncIterator[Page]:
    browser = await launch(playwright, "chromium")
    context = await browser.new_context(ignore_https_errors=True, viewport={"width": 390, "height": 844})
    made = await context.new_page()
    await made.goto(f"{portal.origin}/staff/sign-in")
    yield made
    await browser.close()


async def give_password(page: Page) -> None:
    await page.fill("#username", "mara")
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def sign_out(page: Page, portal: Behind) -> None:
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{portal.origin}/")
    await page.goto(f"{portal.origin}/staff/sign-in")


async def test_a_passkey_is_made_signs_in_and_is_refused_once_it_was_removed(page: Page, portal: Behind) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await give_password(page)
    await page.get_by_role("button", name="Make a passkey").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your codes on paper")

    await page.goto(f"{portal.origin}/staff")
    await sign_out(page, portal)
    await give_password(page)
    await page.get_by_role("button", name="Use my passkey").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sessions today")

    await page.goto(f"{portal.origin}/staff/account")
    await page.get_by_role("button", name="Remove the passkey 1").click()
    await expect(page.get_by_role("status")).to_have_text("That second step is removed.")
    await sign_out(page, portal)
    await give_password(page)
    await expect(page.get_by_role("button", name="Use my passkey")).to_have_count(0)


async def test_a_browser_without_passkeys_offers_the_other_ways_and_says_so(page: Page, portal: Behind) -> None:
    await page.add_init_script("delete window.PublicKeyCredential")
    await give_password(page)
    await expect(page.get_by_role("button", name="Make a passkey")).to_be_hidden()
    await expect(page.get_by_text("This browser cannot make passkeys.")).to_be_visible()
    await expect(page.get_by_role("button", name="Show me ten codes")).to_be_visible()


async def test_a_person_who_breaks_it_off_reads_why_and_can_try_again(page: Page, portal: Behind) -> None:
    await page.add_init_script(
        "navigator.credentials.create = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    )
    await give_password(page)
    button = page.get_by_role("button", name="Make a passkey")
    await button.click()
    await expect(page.get_by_text("It was stopped, or took too long")).to_be_visible()
    await expect(button).to_be_focused()
