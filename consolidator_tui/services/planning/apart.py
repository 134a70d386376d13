"""Plan lines that keep a table of one file apart from the table of its name in the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consolidator_tui.domain.catalog import SchemaObject, Source, Table, fold
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.services.planning.names_in_target import mapped_to


def apart(
    document: PlanDocument,
    sources: Sequence[Source],
    index: int,
    table: Table,
    taken: Iterable[str] = (),
) -> str:
    """A mapping that gives a source's table another name, and with it what belongs to it.

    A table whose references lead to it cannot be one with a table whose references lead
    elsewhere, so it needs a name of its own too; so do indexes and triggers. `taken`: names
    (folded) that the target has besides those of the sources.
    """
    source = sources[index]
    wanted = _with_children(sources, source, table)
    names = [*wanted.values(), *_objects(sources, source, wanted)]
    used = {*taken, *_names(sources)}
    lines = [f"[mapping.{toml_key(source.path)}.tables]"]
    for name in names:
        here = _free(mapped_to(document, source, name) or name, used)
        used.add(fold(here))
        lines.append(f"{toml_key(name)} = {toml_text(here)}")
    return "\n".join(lines)


def _with_children(sources: Sequence[Source], source: Source, table: Table) -> dict[str, str]:
    """The table and those that refer to it, as far as other files have them too."""
    wanted = {table.key: table.name}
    again = True
    while again:
        again = False
        for other in source.schema.tables.values():
            parents = {fold(key.parent) for key in other.foreign_keys}
            if other.key not in wanted and parents & set(wanted) and _shared(sources, other.key):
                wanted[other.key] = other.name
                again = True
    return wanted


def _shared(sources: Sequence[Source], table: str) -> bool:
    return sum(table in s.schema.tables for s in sources if s.same_as is None) > 1


def _objects(sources: Sequence[Source], source: Source, tables: dict[str, str]) -> list[str]:
    """The names of indexes and triggers on these tables that other files use too."""

    def clashes(item: SchemaObject) -> bool:
        return any(
            item.key in objects
            for other in sources
            if other.index != source.index and other.same_as is None
            for objects in (other.schema.indexes, other.schema.triggers)
        )

    items = (*source.schema.indexes.values(), *source.schema.triggers.values())
    return [item.name for item in items if fold(item.table) in tables and clashes(item)]


def _names(sources: Sequence[Source]) -> set[str]:
    found: set[str] = set()
    for source in sources:
        schema = source.schema
        found |= {*schema.tables, *schema.views, *schema.indexes, *schema.triggers}
    return found


def _free(name: str, taken: set[str]) -> str:
    """The name with the first number behind it that nobody has."""
    number = 2
    while fold(f"{name}_{number}") in taken:
        number += 1
    return f"{name}_{number}"
