"""Short guides for everybody: a private place, a card for the door, questions, small lessons (C72, C78, C80, C82).

No sign-in, and nothing of the store: they are there on a locked box too. Their words are in the templates, so they are
translated and tested like every other page.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from appliance.faults import Fault
from appliance.portal import pages
from appliance.portal.route import Route

HOME = "/guides"

# What a guide is called in its language: address -> title. Each has a template guide_ADDRESS.html.
Words = Callable[[str], str]


def guides(_: Words) -> dict[str, str]:
    """All of them."""
    return {
        "place": _("A good place for the hour"),
        "door-card": _("A card for your door"),
        "questions": _("Questions that many people ask"),
        **lessons(_),
    }


def lessons(_: Words) -> dict[str, str]:
    """The small lessons about safety, in the order in which they stand on the list."""
    return {
        "pins": _("PINs and passwords"),
        "shared": _("A device that others use too"),
        "updates": _("Updates"),
        "screen": _("Your screen and who is near it"),
        "links": _("Messages and calls that pretend"),
        "headphones": _("Headphones"),
    }


def _words(request: web.Request) -> Words:
    return pages.catalogue(pages.language(request)).gettext


async def page(request: web.Request) -> web.StreamResponse:
    return pages.render(request, "guides.html", {"lessons": list(lessons(_words(request)).items())})


async def one(request: web.Request) -> web.StreamResponse:
    """One guide. Fault("not_found")."""
    which = request.match_info["guide"]
    title = guides(_words(request)).get(which)
    if title is None:
        raise Fault("not_found", "guide")
    return pages.render(request, f"guide_{which.replace('-', '_')}.html", {"title": title})


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, "anyone"),
    Route("GET", HOME + "/{guide}", one, "anyone"),
)
