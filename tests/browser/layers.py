"""What browsers send and receive of a picture's layers, and whether what is shown meanwhile is whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.browser.people import COLOURS, Person

SENT = """
async () => {
  const sent = [];
  for (const peer of window.peers.filter((one) => one.connectionState !== "closed")) {
    (await peer.getStats()).forEach((one) => one.type === "outbound-rtp" && one.kind === "video" &&
      sent.push({rid: one.rid ?? "", frames: one.framesSent ?? 0, width: one.frameWidth ?? 0}));
  }
  return sent.sort((a, b) => a.rid < b.rid ? -1 : 1);
}
"""

# Looks at each frame that is shown of that member: the longest time without one (ms), and frames far from the colour.
WATCH = """
([name, wanted, far]) => {
  const seen = window.watched = {frames: 0, longest: 0, wrong: [], width: 0};
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [32, 24];
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const tile = [...document.querySelectorAll("#tiles > .tile")].find(
    (one) => one.querySelector(".tile-name").textContent === name);
  const video = tile.querySelector("video");
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    [seen.longest, last] = [Math.max(seen.longest, now - last), now];
    seen.frames++;
    seen.width = video.videoWidth;
    pen.drawImage(video, 0, 0, 32, 24);
    const pixels = pen.getImageData(0, 0, 32, 18).data;
    for (let at = 0; at < pixels.length; at += 4) {
      if (wanted.some((value, c) => Math.abs(pixels[at + c] - value) > far)) {
        seen.wrong.push([...pixels.slice(at, at + 3)]);
        break;
      }
    }
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
"""
# Newest audio and video of one member by the sender's clock: by how many ms they are apart where they are played.
APART = """
async () => {
  const played = {};
  for (const peer of window.peers.filter((one) => one.connectionState !== "closed")) {
    (await peer.getStats()).forEach((one) => {
      if (one.type === "inbound-rtp" && one.estimatedPlayoutTimestamp) played[one.kind] = one.estimatedPlayoutTimestamp;
    });
  }
  return "audio" in played && "video" in played ? Math.abs(played.audio - played.video) : null;
}
"""
CORRUPT = 90  # of 255, for any of the 32 by 18 pixels looked at: more than a colour's way through a coarse encoder


async def sent(who: Person) -> list[dict[str, Any]]:
    """The layers of the own picture, the lowest first: `rid`, `frames`, `width`."""
    return list(await who.page.evaluate(SENT))


async def watch(who: Person, other: Person) -> None:
    """From now on look at each frame of that other one which is shown on the page."""
    await who.page.evaluate(WATCH, [other.name, list(COLOURS[other.colour]), CORRUPT])


async def watched(who: Person) -> dict[str, Any]:
    """`frames`, `longest` without one (ms), `wrong` pixels, `width` of the newest."""
    return dict(await who.page.evaluate("() => window.watched"))


@contextmanager
def asleep(program: str) -> Iterator[None]:
    """All processes of that browser, started by this test, stand still."""
    found = [one for one in psutil.Process().children(recursive=True) if program in one.name()]
    assert found
    for one in found:
        os.kill(one.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in found:
            os.kill(one.pid, signal.SIGCONT)
