"""The way in at the console and for commands at the terminal: the same steps at the same door as in the portal.

Each step's token comes with the answer to the one before, in `Authorization`; only the last one's is a login. Passkeys
need a browser, so whoever has nothing else is told to go there.
"""

from __future__ import annotations

from aiohttp import web

from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, login_of, token_of
from appliance.door import Caller, Door
from appliance.identity.actions import Step
from appliance.identity.factors.rules import is_authenticators

HERE = Caller("console", "console")


async def _password(request: web.Request) -> web.Response:
    given = await body(request, types.SignIn)
    return await _way_in(request, await _door(request).password(HERE, given.username, given.password))


async def _code(request: web.Request) -> web.Response:
    typed, door = (await body(request, types.Code)).code, _door(request)
    step = await (door.code if is_authenticators(typed) else door.printed_code)(HERE, token_of(request), typed)
    return await _way_in(request, step)


async def _new_password(request: web.Request) -> web.Response:
    given = await body(request, types.NewPassword)
    step = await _door(request).new_password(HERE, token_of(request), given.password, given.again)
    return await _way_in(request, step)


async def _codes(request: web.Request) -> web.Response:
    """A sheet for one who has no second factor yet; it counts once one of its codes came back."""
    return answer(types.Codes(codes=tuple(await _door(request).begin_codes(HERE, token_of(request)))))


async def _confirm_codes(request: web.Request) -> web.Response:
    typed = (await body(request, types.Code)).code
    return await _way_in(request, await _door(request).confirm_codes(HERE, token_of(request), typed))


def _door(request: web.Request) -> Door:
    return request.app[BOX].clinic().door


async def _way_in(request: web.Request, step: Step) -> web.Response:
    if step.stage == "full":
        login = login_of(step.person, step.name, step.role)
        return answer(types.WayIn(stage="full", token=step.token, login=login))
    way = await _door(request).on_the_way(step.token, "console")
    found = way.factors
    return answer(
        types.WayIn(
            stage=step.stage,
            token=step.token,
            authenticator=found.authenticator,
            codes=found.codes,
            passkeys=found.passkeys,
        )
    )


ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/sign-in", _password, ("sign_in",)),
    Route("POST", "/v1/sign-in/code", _code, ("sign_in",)),
    Route("POST", "/v1/sign-in/new-password", _new_password, ("change_password", "sign_in")),
    Route("POST", "/v1/sign-in/codes", _codes, ("set_second_factor",)),
    Route("POST", "/v1/sign-in/codes/confirm", _confirm_codes, ("set_second_factor", "sign_in")),
)
