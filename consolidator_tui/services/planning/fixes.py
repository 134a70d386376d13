"""Plan lines that would settle a question, spelled as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


OR = "# or"
"""The line between two answers; those after the first are comments, so that all can be pasted."""


def alternatives(*answers: str) -> str:
    """Plan lines of which one group has to be chosen; the first is what pasting them chooses."""
    others = ("".join(f"\n# {line}" for line in lines.splitlines()) for lines in answers[1:])
    return answers[0] + "".join(f"\n{OR}{other}" for other in others)


def split_alternatives(fix: str) -> list[str]:
    """The answers that `alternatives` put together, each as plan lines."""
    first, *others = fix.split(f"\n{OR}\n")
    stripped = (
        "\n".join(line.removeprefix("# ") for line in lines.splitlines()) for lines in others
    )
    return [first, *stripped]


def another_name(path: str, name: str, proposed: str) -> str:
    """Plan lines that give an object of a file another name, or leave it out."""
    head = f"[mapping.{toml_key(path)}.tables]\n{toml_key(name)} = "
    return alternatives(head + toml_text(proposed), head + '""')


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
