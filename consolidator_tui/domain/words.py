"""Numbers in sentences: the one place that knows singular from plural."""

from __future__ import annotations


def plural(number: int, word: str, words: str = "") -> str:
    """`1 file`, `2,000 files`; `words` where the plural is irregular."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def verb(number: int, one: str, many: str) -> str:
    """The word that agrees with a number of things: `is` or `are`, `has` or `have`."""
    return one if number == 1 else many
