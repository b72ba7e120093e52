"""People with real browsers: how a facilitator and a patient go through the portal, and what their pages show.

Each person's camera is the browser's fake device with its picture replaced by one plain colour, so that a test can tell
whose picture is in which tile; the sound is the fake device's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Playwright, ViewportSize

# Chromium as root needs no-sandbox; the loopback flags let ICE use 127.0.0.1, the only network of a test machine.
YES_TO_DEVICES = "--use-fake-ui-for-media-stream"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",
    YES_TO_DEVICES,
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
FIREFOX_PREFERENCES: dict[str, str | float | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}

# Keeps every RTCPeerConnection for getStats, and whose each received track is; paints the camera's picture in the
# person's colour.
INSTRUMENT = """
(() => {
  const Real = window.RTCPeerConnection;
  window.peers = [];
  window.senders = new Map();
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args);
      window.peers.push(this);
      this.addEventListener("track", ({track, streams}) => window.senders.set(track.id, streams[0]?.id ?? ""));
    }
  };
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const stream = await real(constraints);
    const camera = stream.getVideoTracks()[0];
    if (!camera) return stream;
    const canvas = document.createElement("canvas");
    const [width, height] = [canvas.width, canvas.height] = [WIDTH, HEIGHT];
    const pen = canvas.getContext("2d");
    let step = 0;
    const paint = () => {
      pen.fillStyle = "COLOUR"; pen.fillRect(0, 0, width, height);
      pen.fillStyle = "white"; pen.fillRect((step++ * 7) % (width - 20), height * 5 / 6, 20, 20);
    };
    paint(); setInterval(paint, 50);
    const painted = canvas.captureStream(20).getVideoTracks()[0];
    painted.getSettings = () => ({width, height}); // Firefox tells no size of a canvas
    stream.removeTrack(camera); stream.addTrack(painted);
    return stream;
  };
})();
"""
COLOURS = {"red": (200, 30, 30), "green": (30, 160, 30), "blue": (30, 30, 200)}

# For each tile: whose it is and, with a picture, its mean colour.
TILES = """
() => [...document.querySelectorAll("#tiles > .tile")].map((tile) => {
  const video = tile.querySelector("video");
  const name = tile.querySelector(".tile-name").textContent;
  const seen = {member: tile.dataset.member, kind: tile.dataset.kind, name, colour: null};
  if (!video || video.hidden || !video.videoWidth) return seen;
  const canvas = document.createElement("canvas");
  canvas.width = 32; canvas.height = 24;
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0, 32, 24);
  const pixels = pen.getImageData(0, 0, 32, 18).data;
  const sum = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += pixels[i + c];
  seen.colour = sum.map((value) => value / (pixels.length / 4));
  return seen;
})
"""

# All that came in, over both kinds: {video: {framesDecoded, bytesReceived}, audio: {packetsReceived, ...}}
INBOUND = """
async () => {
  const tracks = [];
  for (const peer of window.peers) {
    if (peer.connectionState === "closed") continue;
    for (const entry of (await peer.getStats()).values()) {
      if (entry.type !== "inbound-rtp") continue;
      tracks.push({kind: entry.kind, ssrc: entry.ssrc, packets: entry.packetsReceived ?? 0,
        frames: entry.framesDecoded ?? 0, level: entry.audioLevel ?? null});
    }
  }
  return tracks;
}
"""


@dataclass
class Person:
    """One person with a browser window."""

    name: str
    colour: str
    context: BrowserContext
    page: Page

    async def tiles(self) -> dict[str, dict[str, Any]]:
        """The tiles on the page by the shown name."""
        return {tile["name"]: tile for tile in await self.page.evaluate(TILES)}

    async def inbound(self) -> list[dict[str, Any]]:
        """The inbound RTP streams, from getStats."""
        return list(await self.page.evaluate(INBOUND))


async def launch(playwright: Playwright, kind: str, *, refuse_devices: bool = False) -> Browser:
    """Debian's Chromium or Firefox. `refuse_devices` (Chromium): whoever is asked for camera and microphone says no."""
    if kind == "chromium":
        arguments = [one for one in CHROMIUM_ARGUMENTS if not (refuse_devices and one == YES_TO_DEVICES)]
        return await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
    return await playwright.firefox.launch(
        channel="moz-firefox", executable_path="/usr/bin/firefox-esr", firefox_user_prefs=FIREFOX_PREFERENCES
    )


async def person(
    browser: Browser,
    name: str,
    colour: str,
    *,
    phone: bool = False,
    language: str = "en-US",
    camera: tuple[int, int] = (320, 240),
) -> Person:
    """A window of its own for that person, phone-sized or desktop-sized. `camera`: width and height of its picture."""
    size = ViewportSize(width=390, height=844) if phone else ViewportSize(width=1280, height=800)
    context = await browser.new_context(ignore_https_errors=True, viewport=size, locale=language)
    paint = "rgb({},{},{})".format(*COLOURS[colour])
    width, height = (str(side) for side in camera)
    script = INSTRUMENT.replace("COLOUR", paint).replace("WIDTH", width).replace("HEIGHT", height)
    await context.add_init_script(script)
    return Person(name, colour, context, await context.new_page())


async def sign_in(who: Person, portal: str, username: str, password: str) -> None:
    """A facilitator signs in and opens the only session of the day."""
    page = who.page
    await page.goto(portal + "/")
    await page.get_by_role("link", name="I work here").click()
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".card a").first.click()
    await page.wait_for_url("**/staff/sessions/*")


async def to_the_waiting_room(who: Person, link: str, pin: str, full_name: str, *, devices: str = "Very good.") -> None:
    """A patient goes from the link to the waiting room, reading every page. `devices`: what the test of them says."""
    page = who.page
    await page.goto(link)
    await page.get_by_label("PIN").fill(pin)
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("Your name in the group").fill(who.name)
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("I have understood when the staff").check()
    await page.get_by_label("I have understood what can go wrong").check()
    await page.get_by_label("I have read this text").check()
    await page.get_by_label("Your full name").fill(full_name)
    await page.get_by_role("button", name="Sign and go on").click()
    await page.get_by_role("button", name="I have read this. Go on").click()
    await page.get_by_role("button", name="Test camera and microphone").click()
    await page.get_by_text(devices).wait_for()
    await page.get_by_role("button", name="Go on", exact=True).click()
    await page.get_by_role("button", name="I am alone. Go on to the waiting room").click()
    await page.get_by_role("heading", name="You are in the waiting room").wait_for()
