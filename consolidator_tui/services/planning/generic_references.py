"""References to a table that a row of another table names: Django's generic foreign keys.

`content_type_id` refers to a row that says `app_label` and `model`, and `object_id` is a number of
that model's table. The same model has another content type in every file, so what is remembered
is the row, and each source says by which number it goes there.
"""

from __future__ import annotations

from collections.abc import Mapping

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import NOWHERE, Reference
from consolidator_tui.domain.plan import Condition, RowNamed, Value
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.sqltext import sql_value

_SAYING = ("app_label", "model")
_OWN_NAMES = {
    ("admin", "logentry"): "django_admin_log",
    ("contenttypes", "contenttype"): "django_content_type",
    ("flatpages", "flatpage"): "django_flatpage",
    ("redirects", "redirect"): "django_redirect",
    ("sites", "site"): "django_site",
}
"""Models of Django itself whose tables are not called by app and model."""


async def kinds_of(
    planning: Planning, draft: Draft, where: Mapping[str, Condition]
) -> dict[str, tuple[Value, ...]]:
    """For each condition that names a row: what refers to that row, by source index.

    Raises PlanError where the column refers to nothing, or the row is described wrongly.
    """
    return {
        column: await _numbers(planning, draft, column, wanted)
        for column, wanted in where.items()
        if isinstance(wanted, RowNamed)
    }


async def _numbers(
    planning: Planning, draft: Draft, column: str, wanted: RowNamed
) -> tuple[Value, ...]:
    reference = next(
        (r for r in draft.references if not r.where and [*map(fold, r.columns)] == [fold(column)]),
        None,
    )
    parent = planning.drafts.get(fold(reference.parent)) if reference is not None else None
    if parent is None or reference is None:
        raise PlanError(
            f"A condition of the plan names a row for {draft.name}.{column}, which refers to "
            "nothing.",
            todo="Say by [[references]] to which table it refers.",
        )
    for name, _ in wanted.values:
        if parent.column(name) is None:
            raise PlanError(
                f"The plan speaks of a column {parent.name}.{name}, and no source has it.",
                todo="Correct the name.",
            )
    found: list[Value] = []
    for index in range(len(planning.sources)):
        key = parent.there(index, reference.parent_columns[0]) if index in parent.members else None
        number = None
        if key is not None:
            terms = " AND ".join(
                f"s.{parent.there(index, name)} IS {sql_value(value)}"
                if parent.there(index, name) is not None
                else "0"
                for name, value in wanted.values
            )
            number = await planning.workspace.database.value(
                f"SELECT s.{key} FROM {planning.read(parent, index)} WHERE {terms} LIMIT 1"
            )
        found.append(NOWHERE if number is None else number)
    return tuple(found)


async def generic_references(planning: Planning, draft: Draft, taken: set[str]) -> None:
    """Follow the numbers of rows that have a content type, each to its model's table.

    `taken` are folded names of columns about which everything is known.
    """
    for reference in list(draft.references):
        types = planning.drafts.get(fold(reference.parent))
        if reference.where or len(reference.columns) != 1 or types is None:
            continue
        if any(types.column(name) is None for name in _SAYING):
            continue
        kind = reference.columns[0]
        number = _number_beside(draft, kind)
        if number is None or fold(number) in taken:
            continue
        for said in await _models(planning, draft, types, reference, number):
            await _follow(planning, draft, number, kind, said)


def _number_beside(draft: Draft, kind: str) -> str | None:
    """`object_id` for `content_type_id`, `target_object_id` for `target_content_type_id`."""
    parts = names.words(kind)
    for ending in (["id"], ["type"], ["content"]):
        if parts[-1:] == ending:
            parts = parts[:-1]
    wanted = [[*parts, "object", ending] for ending in ("id", "pk", "key")]
    return next((c.name for c in draft.columns if names.words(c.name) in wanted), None)


async def _models(
    planning: Planning, draft: Draft, types: Draft, reference: Reference, number: str
) -> list[tuple[str, str]]:
    """The models of which rows have numbers, over all sources."""
    found: set[tuple[str, str]] = set()
    for index in draft.members:
        own = [draft.there(index, name) for name in (*reference.columns, number)]
        theirs = [types.there(index, name) for name in (*reference.parent_columns, *_SAYING)]
        if index not in types.members or None in own or None in theirs:
            continue
        (kind, value), (key, label, model) = own, theirs
        there = planning.workspace.rows(index, types.members[index].name).sql
        rows = await planning.workspace.database.rows(
            f"SELECT t.{label}, t.{model} FROM {there} AS t WHERE typeof(t.{label}) = 'text' "
            f"AND typeof(t.{model}) = 'text' AND t.{key} IN (SELECT s.{kind} "
            f"FROM {planning.read(draft, index)} WHERE s.{value} IS NOT NULL)"
        )
        found |= {(str(label), str(model)) for label, model in rows}
    return sorted(found)


async def _follow(
    planning: Planning, draft: Draft, number: str, kind: str, said: tuple[str, str]
) -> None:
    row = RowNamed(tuple(zip(_SAYING, said, strict=True)))
    where: dict[str, Condition] = {kind: row}
    if _is_settled(planning, draft, number, row):
        return
    model = ".".join(said)
    parent = _table_of(planning, said)
    if parent is None:
        planning.note(
            f"{draft.name}.{number}: no table is known for the content type {model}; the numbers "
            "of its rows stay as they are",
            table=draft.name,
            column=number,
        )
        return
    key = (parent.surrogate,) if parent.surrogate is not None else parent.table.primary_key
    if len(key) != 1:
        return
    evidence = f"{kind} says {model}"
    draft.references.append(
        Reference(
            draft.name,
            (number,),
            parent.name,
            tuple(key),
            declared=False,
            evidence=evidence,
            where=where,
            kinds=await kinds_of(planning, draft, where),
        )
    )
    planning.note(
        f"{draft.name}.{number} is followed as a reference to {parent.name} where {evidence}",
        table=draft.name,
        column=number,
    )


def _is_settled(planning: Planning, draft: Draft, number: str, row: RowNamed) -> bool:
    """Whether the plan speaks of these rows itself."""
    wanted = {(fold(name), value) for name, value in row.values}
    return any(
        isinstance(value, RowNamed) and {(fold(n), v) for n, v in value.values} == wanted
        for plan in (*planning.document.references, *planning.document.not_references)
        if fold(plan.table) == draft.key and fold(number) in map(fold, plan.columns)
        for value in plan.where.values()
    )


def _table_of(planning: Planning, said: tuple[str, str]) -> Draft | None:
    """The table of a model: by Django's rule, or the only one that is called like it."""
    exact = planning.drafts.get(fold(_OWN_NAMES.get(said, "_".join(said))))
    if exact is not None:
        return exact
    alike = [d for d in planning.drafts.values() if names.says(said[1], d.name)]
    return alike[0] if len(alike) == 1 else None
