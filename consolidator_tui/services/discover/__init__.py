"""Discover: which SQLite files a project has, what each is for, and who uses it."""

from __future__ import annotations

from consolidator_tui.services.discover.reading import open_unchanged
from consolidator_tui.services.discover.service import discover
from consolidator_tui.services.discover.tables import count_rows

__all__ = ["count_rows", "discover", "open_unchanged"]
