"""A column that one file lacks may be there under another name."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Column, Table, fold
from consolidator_tui.domain.merge import TargetColumn
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import alternatives, toml_key, toml_text


def lines_for_missing(planning: Planning, draft: Draft, column: TargetColumn, index: int) -> str:
    """Plan lines for rows of a source that lack a NOT NULL column: a value, or another column.

    The other column comes first only where its name is alike, too.
    """
    value = f'[tables.{toml_key(draft.name)}.defaults]\n{toml_key(column.name)} = "..."'
    likely = [c for c in draft.columns if _may_be_one(draft, column, c, index)]
    renamed = _one_name(planning, draft, column, likely[0]) if len(likely) == 1 else ""
    if not renamed:
        return value
    if _is_alike(column.name, likely[0].name):
        return alternatives(renamed, value)
    return alternatives(value, renamed)


def _is_alike(one: str, two: str) -> bool:
    shorter, longer = sorted(("".join(names.words(one)), "".join(names.words(two))), key=len)
    return len(shorter) > 2 and shorter in longer


def _one_name(planning: Planning, draft: Draft, column: TargetColumn, found: TargetColumn) -> str:
    """Plan lines that call two columns one, the same from both sides: the name is the base's."""
    first = min(draft.members)
    kept, other = (column, found) if column.sources[first] is not None else (found, column)
    if kept.sources[first] is None:
        return ""
    return "\n".join(
        f"[mapping.{toml_key(planning.sources[k].path)}.columns.{toml_key(table.name)}]\n"
        f"{toml_key(str(other.sources[k]))} = {toml_text(kept.name)}"
        for k, table in draft.members.items()
        if other.sources[k] is not None
    )


def _may_be_one(draft: Draft, column: TargetColumn, other: TargetColumn, index: int) -> bool:
    """Whether no file has both, and both are declared alike."""
    members = draft.members.items()
    if other.sources[index] is None or any(
        column.sources[k] is not None and other.sources[k] is not None for k in draft.members
    ):
        return False
    kinds = {
        (own.affinity, own.not_null, own.generated, _is_unique(table, own.name))
        for k, table in members
        for name in (column.sources[k], other.sources[k])
        if name is not None and (own := _declared(table, name)) is not None
    }
    return len(kinds) == 1


def _declared(table: Table, name: str) -> Column | None:
    return table.column(name) if table.has_column(name) else None


def _is_unique(table: Table, name: str) -> bool:
    return any([*map(fold, key.columns)] == [fold(name)] for key in table.unique_keys)
