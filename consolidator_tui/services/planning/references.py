"""Which columns refer to which tables without saying so: confirmed in the plan, or evident."""

from __future__ import annotations

from collections.abc import Mapping

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import Pending, Question, Reference, ReferenceProposal
from consolidator_tui.domain.plan import Condition, ReferencePlan, RowNamed, Value
from consolidator_tui.domain.words import plural
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.declared import target_column
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.far_keys import has_far_keys, is_far
from consolidator_tui.services.planning.fixes import alternatives, toml_list, toml_text
from consolidator_tui.services.planning.generic_references import generic_references, kinds_of
from consolidator_tui.services.planning.measure import Containment, Measurements


async def confirmed_references(planning: Planning) -> None:
    """Add the references of the plan. Raises PlanError for names that do not exist."""
    # What a condition's row is found by comes first.
    for wanted in sorted(planning.document.references, key=_names_rows):
        draft = _draft(planning, wanted.table)
        parent = _draft(planning, wanted.parent)
        for column in (*wanted.columns, *wanted.where):
            _known(draft, column)
        columns = wanted.parent_columns or parent.table.primary_key
        for column in columns:
            _known(parent, column)
        if len(columns) != len(wanted.columns):
            raise PlanError(
                f"The reference of {draft.name} to {parent.name} names "
                f"{plural(len(wanted.columns), 'column')} for {len(columns)}.",
                todo="Name as many columns as parent_columns.",
            )
        draft.references.append(
            Reference(
                draft.name,
                tuple(target_column(draft, c) for c in wanted.columns),
                parent.name,
                tuple(target_column(parent, c) for c in columns),
                declared=False,
                evidence="confirmed in the plan",
                where=dict(wanted.where),
                absent=wanted.absent,
                kinds=await kinds_of(planning, draft, wanted.where),
            )
        )


def _names_rows(wanted: ReferencePlan) -> bool:
    return any(isinstance(value, RowNamed) for value in wanted.where.values())


def _draft(planning: Planning, name: str) -> Draft:
    draft = planning.drafts.get(fold(name))
    if draft is None:
        raise PlanError(
            f"The plan speaks of a table {name}, and no source has it.", todo="Correct the name."
        )
    return draft


def _known(draft: Draft, column: str) -> None:
    if draft.column(column) is None:
        raise PlanError(
            f"The plan speaks of a column {draft.name}.{column}, and no source has it.",
            todo="Correct the name.",
        )


async def undeclared_references(planning: Planning, measure: Measurements) -> None:
    """Follow columns with strong evidence, ask about weak evidence that matters."""
    await _shared_keys(planning, measure)
    parents = [d for d in planning.drafts.values() if d.surrogate is not None]
    by_table = {parent.name: parent for parent in parents}
    directory = names.TableNames(by_table)
    pointed_at = {
        (fold(reference.parent), fold(column))
        for draft in planning.drafts.values()
        for reference in draft.references
        for column in reference.parent_columns
    }
    far = [parent for parent in parents if await has_far_keys(measure, parent)]
    for draft in planning.drafts.values():
        await _polymorphic(planning, measure, draft, parents)
        await generic_references(planning, draft, _taken(planning, draft, whole=True))
        taken = _taken(planning, draft)
        for column in draft.columns:
            if fold(column.name) in taken or _is_own_key(draft, column.name):
                continue
            named_by = directory.named_by(column.name)
            if (draft.key, fold(column.name)) in pointed_at and not named_by:
                continue  # Part of this table's own key, and only its values may look like ids.
            near = parents
            if not (names.is_id_like(column.name) or names.is_role(column.name) or named_by):
                near = [p for p in parents if names.may_be_short(column.name, p.name)]
                if not near and far and await is_far(measure, draft, column.name):
                    # Not the table itself: a time may be the key and stand in a column, too.
                    near = [parent for parent in far if parent is not draft]
                if not near:
                    continue
            named = [by_table[name] for name in named_by]
            await _judge(planning, measure, draft, column.name, named, near)


async def _shared_keys(planning: Planning, measure: Measurements) -> None:
    """Primary keys that are another table's key (`profiles.user_id`) are no surrogates."""
    numbered = {d.name: d for d in planning.drafts.values() if d.surrogate is not None}
    directory = names.TableNames(numbered)
    for draft in list(numbered.values()):
        column = str(draft.surrogate)
        if names.says(column, draft.name) or fold(column) in _taken(planning, draft):
            continue
        named = [numbered[name] for name in directory.named_by(column)]
        named = [parent for parent in named if parent.surrogate is not None]
        before = len(draft.references)
        if named:
            await _judge(planning, measure, draft, column, named, named)
        if len(draft.references) > before:
            draft.surrogate = None


def _is_own_key(draft: Draft, column: str) -> bool:
    return draft.surrogate is not None and fold(draft.surrogate) == fold(column)


def _taken(planning: Planning, draft: Draft, *, whole: bool = False) -> set[str]:
    """Columns that are known to refer, or known not to; `whole`: for all of their rows."""
    taken = {
        fold(c)
        for reference in draft.references
        if not (whole and reference.where)
        for c in reference.columns
    }
    for refused in planning.document.not_references:
        if fold(refused.table) == draft.key and not (whole and refused.where):
            taken |= {fold(c) for c in refused.columns}
    return taken


def _settled(planning: Planning, draft: Draft, column: str, kind: str) -> set[Condition]:
    """The types of a polymorphic reference that the plan speaks of."""
    plans = (*planning.document.references, *planning.document.not_references)
    return {
        value
        for wanted in plans
        if fold(wanted.table) == draft.key and fold(column) in map(fold, wanted.columns)
        for name, value in wanted.where.items()
        if fold(name) == fold(kind)
    }


def _could_hold_ids(draft: Draft, column: str) -> bool:
    for index, table in draft.members.items():
        target = draft.column(column)
        own = target.sources[index] if target else None
        if own is not None and table.column(own).affinity is Affinity.REAL:
            return False
    return True


async def _contained(
    measure: Measurements,
    draft: Draft,
    column: str,
    parent: Draft,
    where: Mapping[str, Value] | None = None,
) -> dict[int, Containment]:
    """Per source that has values in the column, how they lie in the parent."""
    found = {}
    for index in draft.members:
        if draft.there(index, column) is None:
            continue
        there = await measure.containment(draft, index, column, parent, where)
        if there.values:
            found[index] = there
    return found


def _is_complete(found: dict[int, Containment]) -> bool:
    return bool(found) and all(
        c.missing == c.none_marks < c.values or not c.missing for c in found.values()
    )


async def _judge(
    planning: Planning,
    measure: Measurements,
    draft: Draft,
    column: str,
    named: list[Draft],
    parents: list[Draft],
) -> None:
    if not _could_hold_ids(draft, column):
        return
    by_name = list(named)
    if draft.surrogate is not None and names.says_self(column):
        by_name.insert(0, draft)
    by_value = []
    for parent in by_name or parents:
        found = await _contained(measure, draft, column, parent)
        if not found:
            continue
        is_id = names.is_id_like(column) or names.runs_together(column)
        if by_name and is_id and _is_complete(found):
            _follow(planning, draft, column, parent, found)
            return
        if any(c.missing < c.values for c in found.values()):
            by_value.append((parent, found))
    if not by_name:
        by_value = [(p, found) for p, found in by_value if _is_complete(found)]
    affected = [(p, found) for p, found in by_value if _matters(p, found)]
    if affected:
        _ask(planning, draft, column, affected)


def _matters(parent: Draft, found: dict[int, Containment]) -> bool:
    """Only where ids of the parent may change: in a source that is not the parent's first."""
    first = min(parent.members)
    return any(index != first and index in parent.members for index in found)


def _evidence(planning: Planning, found: dict[int, Containment]) -> str:
    return ", ".join(
        f"{c.values - c.missing:,} of {plural(c.values, 'value')} found in "
        f"{planning.sources[i].path}"
        for i, c in found.items()
    )


def _follow(
    planning: Planning, draft: Draft, column: str, parent: Draft, found: dict[int, Containment]
) -> None:
    evidence = f"the name says it, {_evidence(planning, found)}"
    marks = any(c.none_marks for c in found.values())
    draft.references.append(
        Reference(
            draft.name,
            (column,),
            parent.name,
            (str(parent.surrogate),),
            declared=False,
            evidence=evidence,
            absent=(0, -1, "") if marks else (),
        )
    )
    planning.note(
        f"{draft.name}.{column} is followed as a reference to {parent.name}: {evidence}",
        table=draft.name,
        column=column,
    )


def _ask(
    planning: Planning,
    draft: Draft,
    column: str,
    candidates: list[tuple[Draft, dict[int, Containment]]],
) -> None:
    parent, found = max(
        candidates, key=lambda item: sum(c.values - c.missing for c in item[1].values())
    )
    named = f"table = {toml_text(draft.name)}\ncolumns = {toml_list([column])}"
    ranked = [parent, *(p for p, _ in candidates if p is not parent)]
    yes = [
        f"[[references]]\n{named}\nparent = {toml_text(p.name)}\n"
        f"parent_columns = {toml_list([str(p.surrogate)])}"
        for p in ranked
    ]
    no = f"[[not_references]]\n{named}"
    others = [p.name for p, _ in candidates if p is not parent]
    also = f" (or to {', '.join(others)})" if others else ""
    question = Question(
        f"{draft.name}.{column} may refer to {parent.name}{also}: "
        f"{_evidence(planning, found)}. Ids of {parent.name} change, so it must be known.",
        table=draft.name,
        column=column,
        file=planning.sources[min(found)].path,
        fix=alternatives(*yes, no),
    )
    parents = tuple((p.key, tuple(contained)) for p, contained in candidates)
    planning.pending.append(Pending(question, parents))
    planning.proposals.append(
        ReferenceProposal(
            draft.name,
            (column,),
            tuple(
                Reference(
                    draft.name,
                    (column,),
                    p.name,
                    (str(p.surrogate),),
                    declared=False,
                    evidence=_evidence(planning, contained),
                )
                for p, contained in sorted(candidates, key=lambda item: item[0] is not parent)
            ),
        )
    )


async def _polymorphic(
    planning: Planning, measure: Measurements, draft: Draft, parents: list[Draft]
) -> None:
    """`owner_type` and `owner_id`: the type names the table that the id belongs to."""
    taken = _taken(planning, draft, whole=True)
    for column in draft.columns:
        parts = names.words(column.name)
        if len(parts) < 2 or parts[-1] != "id" or fold(column.name) in taken:
            continue
        kind = next(
            (c for c in draft.columns
             if names.words(c.name)[:-1] == parts[:-1]
             and names.words(c.name)[-1:] in (["type"], ["kind"], ["table"], ["class"])),
            None,
        )  # fmt: skip
        if kind is None:
            continue
        types = await _types(planning, draft, kind.name)
        settled = _settled(planning, draft, column.name, kind.name)
        links: list[Reference] = []
        for value in types:
            if value in settled:
                continue
            parent = next((p for p in parents if names.says(value, p.name)), None)
            if parent is None:
                continue
            where: dict[str, Value] = {kind.name: value}
            found = await _contained(measure, draft, column.name, parent, where)
            if found and not _is_complete(found) and _matters(parent, found):
                _ask(planning, draft, column.name, [(parent, found)])
            elif found:
                links.append(
                    Reference(
                        draft.name,
                        (column.name,),
                        parent.name,
                        (str(parent.surrogate),),
                        declared=False,
                        where=where,
                        evidence=f"{kind.name} says it, {_evidence(planning, found)}",
                    )
                )
        draft.references.extend(links)
        for link in links:
            planning.note(
                f"{link.table}.{column.name} is followed as a reference to {link.parent}: "
                f"{link.evidence}",
                table=link.table,
                column=column.name,
            )


async def _types(planning: Planning, draft: Draft, column: str) -> list[str]:
    """The different texts of a type column, if they are few."""
    found: set[str] = set()
    for index in draft.members:
        own = draft.there(index, column)
        if own is None:
            continue
        rows = await planning.workspace.database.rows(
            f"SELECT DISTINCT {own} FROM {planning.read(draft, index)} "
            f"WHERE typeof({own}) = 'text' LIMIT 50"
        )
        found |= {row[0] for row in rows}
    return sorted(found)


def reference_plans(references: list[Reference]) -> tuple[ReferencePlan, ...]:
    """Undeclared references as the plan document keeps them."""
    return tuple(
        ReferencePlan(r.table, r.columns, r.parent, r.parent_columns, r.where, r.absent)
        for r in references
        if not r.declared
    )
