"""What staff do at the portal of a box that is fresh from its set-up, up to a session with invitations. By fields' ids
and forms' addresses, never by sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from playwright.async_api import Page

SLOW = 180_000  # ms for a page of a virtual machine
STEPS = 8  # pages of a first sign-in at most


@dataclass(frozen=True, slots=True)
class Invited:
    """One patient's way in."""

    name: str
    code: str
    pin: str


async def _submit(page: Page, form: str) -> None:
    async with page.expect_navigation(timeout=SLOW):
        await page.locator(f"{form} button").last.click()


async def sign_in(page: Page, portal: str, username: str, password: str, own: str, codes: list[str]) -> None:
    """A first sign-in, or a later one: whichever page comes is answered. `own`: the password chosen when one is asked
    for. A code that was used leaves `codes`; a sheet that is shown is put there."""
    page.set_default_timeout(SLOW)
    await page.goto(f"{portal}/staff/sign-in")
    await page.fill("#username", username)
    await page.fill("#password", password)
    await _submit(page, 'form[action="/staff/sign-in"]')
    for _ in range(STEPS):
        if await page.locator("#new").count():
            await page.fill("#new", own)
            await page.fill("#again", own)
            await _submit(page, 'form[action="/staff/sign-in/password"]')
        elif await page.locator("ol.codes").count():
            codes[:] = await page.locator("ol.codes code").all_text_contents()
            await page.fill("#code", codes.pop(0))
            await _submit(page, "form:has(#code)")
        elif await page.locator('form[action="/staff/sign-in/set-up/codes"]').count():
            await _submit(page, 'form[action="/staff/sign-in/set-up/codes"]')
        elif await page.locator('form[action="/staff/sign-in/second"]').count():
            await page.fill("#code", codes.pop(0))
            await _submit(page, 'form[action="/staff/sign-in/second"]')
        elif await page.locator(".stack a.button.big, p a.button.big").count() and "sign-in" in page.url:
            async with page.expect_navigation(timeout=SLOW):
                await page.locator("a.button.big").first.click()
        elif "/sign-in" not in page.url:
            return
    raise AssertionError(f"not signed in: {page.url}\n{await page.locator('main').inner_text()}")


async def appoint(page: Page, portal: str, name: str, username: str, role: str) -> str:
    """The first password."""
    await page.goto(f"{portal}/staff/people/new")
    await page.fill("#name", name)
    await page.fill("#username", username)
    await page.select_option("#role", role)
    await _submit(page, 'form[action="/staff/people/new"]')
    return (await page.locator("code.secret").nth(1).inner_text()).strip()


async def enrol(page: Page, portal: str, name: str) -> None:
    await page.goto(f"{portal}/staff/patients/new")
    await page.fill("#name", name)
    await _submit(page, 'form[action="/staff/patients/new"]')


async def plan(page: Page, portal: str, title: str, leader: str, shown: str, people: list[str]) -> str:
    """A session in some hours; its id."""
    await page.goto(f"{portal}/staff/planned/new")
    at = datetime.now() + timedelta(hours=3)  # noqa: DTZ005 - a day and an hour in the future, wherever the box is
    await page.fill("#title", title)
    await page.fill("#day", at.strftime("%Y-%m-%d"))
    await page.fill("#time", at.strftime("%H:%M"))
    row = page.locator(".leader", has_text=leader)
    await row.locator("input[type=checkbox]").check()
    await row.locator("input:not([type=checkbox])").fill(shown)
    for name in people:
        await page.locator("#people label", has_text=name).locator("input").check()
    async with page.expect_navigation(timeout=SLOW):
        await page.locator("button.big[value=plan]").click()
    found = re.search(r"/staff/planned/([^/?#]+)", page.url)
    assert found, f"{page.url}\n{await page.locator('main').inner_text()}"
    return found[1]


async def invite(page: Page, portal: str, session: str) -> list[Invited]:
    """Code and PIN of each."""
    await page.goto(f"{portal}/staff/planned/{session}")
    await _submit(page, f'form[action="/staff/planned/{session}/invitations"]')
    await page.locator("details summary").last.click()
    made = []
    for row in await page.locator("details .history li").all():
        code, pin = await row.locator("code.secret").all_text_contents()
        made.append(Invited(await row.locator("strong").inner_text(), code, pin))
    return made


async def note(page: Page, portal: str, session: str, text: str) -> None:
    """A note about the session, from its summary, by who led it."""
    await page.goto(f"{portal}/staff/sessions/{session}/summary")
    async with page.expect_navigation(timeout=SLOW):
        await page.locator('a[href*="/staff/notes/new"]').first.click()
    await page.fill("#text", text)
    await _submit(page, 'form[action="/staff/notes/new"]')
    await page.get_by_text(text).wait_for(timeout=SLOW)
