"""Replaces names in a statement word by word, where SQLite cannot rename them itself."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.services.inspect.ddl import tokens, unquote
from consolidator_tui.storage.sqlite import quote


def rename_words(sql: str, renamed: dict[str, str]) -> str:
    """Replace names in a statement wherever they stand as an identifier."""
    pieces = []
    place = 0
    for token in tokens(sql):
        if token.kind in ("word", "name") and fold(unquote(token)) in renamed:
            pieces += [sql[place : token.start], quote(renamed[fold(unquote(token))])]
            place = token.end
    return "".join(pieces) + sql[place:]
