"""Running one coroutine to its end: signals stop it cleanly, errors become a sentence."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from consolidator_tui.domain.errors import Cancelled, ConsolidatorError
from consolidator_tui.services.failure import translate

T = TypeVar("T")

STOPPING = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


def run(start: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
    """The result of the coroutine that `start` makes.

    SIGINT, SIGTERM and SIGHUP cancel it, once: it drops what is unfinished and ends.
    Raises ConsolidatorError only; `what` names the work in the sentence of a foreign error.
    """
    try:
        return asyncio.run(_supervised(start))
    except ConsolidatorError:
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise Cancelled(
            "Nothing was changed that is not whole.",
            todo="Run it again, or roll back with `consolidator-tui rollback`.",
        ) from None
    except Exception as error:
        raise translate(error, what) from error


async def _supervised(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(start())

    def stop() -> None:
        # Once: a second signal must not interrupt the putting away of what is unfinished.
        if not work.cancelling():
            work.cancel()

    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    try:
        return await work
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
