"""The state from which diverged copies came: looked for, offered, and made readable."""

from __future__ import annotations

from consolidator_tui.services.ancestor.offer import find_ancestor
from consolidator_tui.services.ancestor.past_state import open_ancestor

__all__ = ["find_ancestor", "open_ancestor"]
