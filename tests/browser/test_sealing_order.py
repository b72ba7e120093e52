"""In the room itself no peer connection is described before each of its tracks has its transform."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright

from tests.browser.looks import until
from tests.browser.people import launch, person, sign_in
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

# Nothing can be sent before the own description is set: whoever has a track then must have its transform.
# (An offer alone is made by mediasoup-client too, to learn what the browser can do.)
SPY = """
(() => {
  const seen = window.order = {settings: [], bare: 0, senders: 0};
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(settings) { super(settings); this.settings = settings; }
    setLocalDescription(...given) {
      const ends = this.getSenders().filter(({track}) => track);
      if (ends.length > 0) seen.settings.push(this.settings.encodedInsertableStreams === true);
      seen.senders = Math.max(seen.senders, ends.length);
      seen.bare += ends.filter(({transform}) => !transform).length;
      return super.setLocalDescription(...given);
    }
  };
})();
"""


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_no_track_is_offered_before_it_has_its_transform(playwright: Playwright, box: Box, kind: str) -> None:
    mara = await person(await launch(playwright, kind), "Mara", "red")
    await mara.context.add_init_script(SPY)
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await mara.page.get_by_role("button", name="Open the session").click()

    async def offered() -> bool:
        return bool(await mara.page.evaluate("window.order.senders === 2"))

    await until(offered, "sound and picture are offered")
    seen = await mara.page.evaluate("window.order")
    assert seen["bare"] == 0
    assert set(seen["settings"]) == {True}
