"""Indexes, views and triggers that come from other files than the first; clashes are asked."""

from __future__ import annotations

from consolidator_tui.domain.catalog import SchemaObject, Source, fold
from consolidator_tui.domain.merge import PlannedObject
from consolidator_tui.services.inspect.ddl import Token, tokens, unquote
from consolidator_tui.services.planning.draft import Planning
from consolidator_tui.services.planning.fixes import another_name
from consolidator_tui.services.planning.rename_words import rename_words
from consolidator_tui.services.planning.tables import mapped_column, mapped_name


def unite_objects(planning: Planning) -> tuple[PlannedObject, ...]:
    """The objects to create beside those of the base, in the order of the sources."""
    base = planning.sources[0]
    taken: dict[str, tuple[str, str]] = {}
    for item in _objects(base):
        made = _adapted(planning, base, item)
        if made is not None:
            taken[_slot(made.kind, fold(made.name))] = (plain_sql(made.sql), base.path)
    _ask_taken_names(planning, taken)
    for key in planning.drafts:
        taken.setdefault(_slot("table", key), ("", planning.sources[0].path))
    planned: list[PlannedObject] = []
    for source in planning.sources[1:]:
        if source.same_as is not None:
            continue
        for item in _objects(source):
            made = _adapted(planning, source, item)
            if made is None:
                continue
            slot = _slot(made.kind, fold(made.name))
            there = taken.get(slot)
            if there is None:
                taken[slot] = (plain_sql(made.sql), source.path)
                planned.append(made)
            elif there[0] != plain_sql(made.sql) and not (item.kind == "view" and not there[0]):
                _ask(planning, source, item, there[1])
    return tuple(planned)


def _objects(source: Source) -> list[SchemaObject]:
    schema = source.schema
    return [*schema.indexes.values(), *schema.views.values(), *schema.triggers.values()]


def _ask_taken_names(planning: Planning, taken: dict[str, tuple[str, str]]) -> None:
    """A table whose name an index of the base has."""
    for key, draft in planning.drafts.items():
        if _slot("table", key) not in taken or 0 in draft.members:
            continue
        if key in planning.sources[0].schema.views:
            continue
        source = planning.sources[min(draft.members)]
        planning.ask(
            f"The table {draft.name} of {source.path} has the name of an index of "
            f"{planning.sources[0].path}.",
            table=draft.name,
            file=source.path,
            fix=another_name(source.path, draft.name, f"{draft.name}_2"),
        )


def _slot(kind: str, key: str) -> str:
    """Tables, views and indexes share one name space, triggers have their own."""
    return f"trigger {key}" if kind == "trigger" else f"table {key}"


def _ask(planning: Planning, source: Source, item: SchemaObject, holder: str) -> None:
    planning.ask(
        f"The {item.kind} {item.name} of {source.path} is another one than that of {holder}.",
        table=item.table,
        column=item.name,
        file=source.path,
        fix=another_name(source.path, item.name, f"{item.name}_2"),
    )


def _adapted(planning: Planning, source: Source, item: SchemaObject) -> PlannedObject | None:
    """The object under the target's names; None where it is left out or has no table there."""
    name = mapped_name(planning, source, item.name)
    table = mapped_name(planning, source, item.table)
    if name is None or table is None:
        return None
    owner = planning.drafts.get(fold(table))
    if item.kind == "index" and owner is None:
        return None
    changed = planning.renamed[source.index].get((item.kind, item.key))
    words = {item.name: name}
    for other in source.schema.views.values():
        words[other.name] = mapped_name(planning, source, other.name) or other.name
    if changed is None:
        for there in source.schema.tables.values():
            here = mapped_name(planning, source, there.name) or there.name
            words[there.name] = here
            for column in there.columns:
                words.setdefault(
                    column.name, mapped_column(planning, source, there, column.name, here)
                )
    renamed = {fold(old): new for old, new in words.items() if fold(old) != fold(new)}
    sql = changed or item.sql
    sql = rename_words(sql, renamed) if renamed else sql
    return PlannedObject(item.kind, name, table, sql, source.index)


def plain_sql(sql: str) -> str:
    """A statement without the differences that mean nothing: space, comments, quotes, case."""
    words = list(tokens(sql))
    kept = [t for i, t in enumerate(words) if not _is_if_not_exists(words, i)]
    return " ".join(token.text if token.kind == "text" else fold(unquote(token)) for token in kept)


def _is_if_not_exists(words: list[Token], place: int) -> bool:
    texts = [token.word for token in words]
    return any(
        texts[start : start + 3] == ["IF", "NOT", "EXISTS"] and start <= place < start + 3
        for start in range(max(0, place - 2), place + 1)
    )
