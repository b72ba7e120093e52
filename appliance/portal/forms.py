"""The form of a request. What cannot be read as one is the asker's mistake, not a failure of the box."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from appliance.faults import Fault


async def read(request: web.Request, limit: int = 0) -> Mapping[str, object]:
    """The fields of a urlencoded form in UTF-8, as all of ours are; nothing for another kind of body.

    `limit`: bytes, where a form may be longer than the portal's usual.

    Faults: bad_request; too_large by way of `web.HTTPRequestEntityTooLarge`.
    """
    # aiohttp writes the files of a multipart form to the disk, in clear.
    if request.content_type == "multipart/form-data" or (request.charset or "utf-8").lower() != "utf-8":
        raise Fault("bad_request", "kind of form")
    try:
        return await (request.clone(client_max_size=limit) if limit else request).post()
    except (ValueError, web.RequestPayloadError):
        raise Fault("bad_request", "form") from None
