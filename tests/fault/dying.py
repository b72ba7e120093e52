"""SIGKILL at a named place of a process: before or after a function, or when the store has committed what it did."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable
from typing import Any

from appliance.store.database import Database


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    real = getattr(owner, name)

    def killed(*arguments: Any, **named: Any) -> Any:
        if when(*arguments, **named):
            die()
        return real(*arguments, **named)

    setattr(owner, name, killed)


def after(owner: Any, name: str) -> None:
    """Also of a coroutine: when it has returned."""
    real = getattr(owner, name)

    def killed(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        die()
        return result

    async def killed_later(*arguments: Any, **named: Any) -> Any:
        result = await real(*arguments, **named)
        die()
        return result

    setattr(owner, name, killed_later if inspect.iscoroutinefunction(real) else killed)


def after_commit(owner: Any, name: str) -> None:
    """Die when the store has committed a work in which `owner.name` did something."""
    real, write = getattr(owner, name), Database.write
    done = []

    def noted(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        done.append(result is None or bool(result))
        return result

    async def killed(self: Database, work: Callable[..., Any]) -> Any:
        result = await write(self, work)
        if any(done):
            die()
        return result

    setattr(owner, name, noted)
    Database.write = killed  # type: ignore[method-assign]
