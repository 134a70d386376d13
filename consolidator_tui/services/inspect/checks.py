"""The CHECK constraints of a table as expressions that can be asked of rows."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Table, fold
from consolidator_tui.services.inspect.ddl import (
    column_texts,
    constraint_word,
    table_constraints,
    tokens,
    unquote,
)


def check_texts(sql: str) -> list[str]:
    """The CHECK constraints of a CREATE TABLE statement as written, of columns and table."""
    texts = [text for column in column_texts(sql) for text in column.constraints]
    texts += table_constraints(sql)
    return [text for text in texts if constraint_word(text) == "CHECK"]


def check_expressions(sql: str) -> list[str]:
    """The same as expressions in parentheses; a row breaks one where it is 0, not where NULL
    (https://sqlite.org/lang_createtable.html#check_constraints)."""
    return [text[text.index("(") : text.rindex(")") + 1] for text in check_texts(sql)]


def columns_named(expression: str, table: Table) -> set[str]:
    """The columns of the table, as SQLite compares names, that an expression may speak of.

    Text in double quotes counts as a name, which it is where there is such a column.
    """
    names = {fold(unquote(token)) for token in tokens(expression) if token.kind in ("word", "name")}
    return names & {column.key for column in table.columns}
