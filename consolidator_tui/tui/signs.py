"""The signs of the screens, each in both fonts that the pictures are drawn with."""

from __future__ import annotations

GOOD = "✓"
BAD = "×"  # noqa: RUF001 - the sign is meant
WARN = "!"
ASK = "?"
WORK = "◐"
TODO = "○"
NONE = "–"  # noqa: RUF001 - the dash is meant
CHOSEN = "☑"
NOT_CHOSEN = "☐"
