"""Plan lines that keep a table of one file apart from the table of its name in the target."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Table, fold
from consolidator_tui.services.planning.draft import Planning
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.services.planning.names_in_target import mapped_to


def apart(planning: Planning, index: int, table: Table) -> str:
    """A mapping that gives the source's table another name, and those that refer to it.

    A table whose references lead to it cannot be one with a table whose references lead
    elsewhere, so it needs a name of its own too.
    """
    source = planning.sources[index]
    wanted = {table.key: table.name}
    again = True
    while again:
        again = False
        for other in source.schema.tables.values():
            parents = {fold(key.parent) for key in other.foreign_keys}
            if other.key not in wanted and parents & set(wanted) and _is_shared(planning, other):
                wanted[other.key] = other.name
                again = True
    lines = [f"[mapping.{toml_key(source.path)}.tables]"]
    for name in wanted.values():
        here = mapped_to(planning.document, source, name) or name
        lines.append(f"{toml_key(name)} = {toml_text(free_name(planning, here))}")
    return "\n".join(lines)


def _is_shared(planning: Planning, table: Table) -> bool:
    """Whether another file has a table of that name."""
    return sum(table.key in s.schema.tables for s in planning.sources if s.same_as is None) > 1


def free_name(planning: Planning, name: str) -> str:
    """The name with the first number behind it that no table, view or index of a source has."""
    taken = set(planning.drafts)
    for source in planning.sources:
        schema = source.schema
        taken |= {*schema.tables, *schema.views, *schema.indexes}
    number = 2
    while fold(f"{name}_{number}") in taken:
        number += 1
    return f"{name}_{number}"
