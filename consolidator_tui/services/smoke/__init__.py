"""Smoke: run the application's own commands on a copy and see which databases it uses."""

from __future__ import annotations

from consolidator_tui.services.smoke.detect import detect, from_text, named
from consolidator_tui.services.smoke.run import Ground, clear_leftover, smoke
from consolidator_tui.services.smoke.watch import Knowledge

__all__ = ["Ground", "Knowledge", "clear_leftover", "detect", "from_text", "named", "smoke"]
