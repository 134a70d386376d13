"""Modules of later steps, imported when their step begins and without blocking the event loop."""

from __future__ import annotations

import asyncio
import importlib


async def load(*names: str) -> None:
    """Import modules of `consolidator_tui.services` in a thread; a later import is then instant."""
    for name in names:
        await asyncio.to_thread(importlib.import_module, f"consolidator_tui.services.{name}")
