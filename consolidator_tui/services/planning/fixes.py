"""Plan lines that would settle a question, spelled as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def toml_text(text: str) -> str:
    """A basic TOML string, also valid as a key (https://toml.io/en/v1.0.0#keys)."""
    safe = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return json.dumps(safe, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(text: str) -> str:
    """A key, bare where TOML allows it."""
    return text if _BARE.match(text) else toml_text(text)


def toml_list(texts: Sequence[str]) -> str:
    """A list of strings."""
    return "[" + ", ".join(toml_text(text) for text in texts) + "]"
