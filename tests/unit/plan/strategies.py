"""Hypothesis strategies for plan documents with hostile names."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.plan import (
    Decision,
    FileMapping,
    NotSame,
    OnDrift,
    PlanDocument,
    ReferencePlan,
    RowNamed,
    TablePlan,
)
from consolidator_tui.domain.rule import Rule

# Text as the tool has it: any character, and bytes that were not UTF-8 as surrogates.
names = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.binary(max_size=6).map(os.fsdecode),
    st.sampled_from(["", ".", "a.b", "a b", '"', "'", "\x1a", "\x1aff", "[x]", "#", "=", "true"]),
)
paths = names.filter(lambda text: text and "\0" not in text).map(os.path.normpath)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    names,
    st.binary(max_size=6),
)
some_values = st.dictionaries(names, values, max_size=3)
rows = st.dictionaries(names, values, min_size=1, max_size=2).map(
    lambda row: RowNamed(tuple(row.items()))
)
conditions = st.dictionaries(names, values | rows, max_size=3)
some_names = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
rules = st.lists(
    st.sampled_from([rule for rule in Rule if rule is not Rule.STOP]), max_size=4, unique=True
).map(tuple)


def _unique_folded(names: dict[str, object]) -> bool:
    return len({fold(name) for name in names}) == len(names)


def _unique_values(names: dict[str, str]) -> bool:
    return len({fold(name) for name in names.values()}) == len(names)


tables = st.builds(
    TablePlan,
    identity=st.one_of(st.none(), st.sampled_from(["key", "rows", "none", "lineage"]), some_names),
    newest=st.none() | names,
    fill_nulls=st.booleans(),
    on_conflict=st.none() | rules,
    defaults=some_values,
    on_drift=st.none() | st.sampled_from(list(OnDrift)),
)
renames = st.dictionaries(names, names, max_size=3).filter(_unique_values)
mappings = st.builds(
    FileMapping, tables=renames, columns=st.dictionaries(names, renames, max_size=2)
)


@st.composite
def references(draw: st.DrawFn) -> ReferencePlan:
    columns = draw(some_names)
    parents = draw(
        st.lists(names, min_size=len(columns), max_size=len(columns), unique=True).map(tuple)
    )
    absent = tuple(draw(st.lists(values, max_size=2)))
    return ReferencePlan(draw(names), columns, draw(names), parents, draw(conditions), absent)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    changed = draw(some_values)
    fields = draw(
        st.dictionaries(names.filter(lambda name: name not in changed), paths, max_size=2)
    )
    entity = draw(st.dictionaries(names, values, min_size=1, max_size=3))
    keep = draw(st.sampled_from(["both", "same"]) | paths)
    row = st.dictionaries(names, values, min_size=1, max_size=2)
    also = () if keep == "both" else tuple(draw(st.lists(row, max_size=2)))
    return Decision(draw(names), entity, keep, changed, fields, also)


@st.composite
def pairs(draw: st.DrawFn) -> NotSame:
    row = st.dictionaries(names, values, min_size=1, max_size=3)
    return NotSame(draw(names), draw(row), draw(row))


def _key(decision: Decision) -> str:
    entity = sorted((fold(name), repr(value)) for name, value in decision.entity.items())
    return fold(decision.table) + repr(entity)


@st.composite
def documents(draw: st.DrawFn) -> PlanDocument:
    return PlanDocument(
        target=draw(st.none() | paths),
        base=draw(st.none() | paths),
        on_conflict=draw(rules),
        on_drift=draw(st.sampled_from(list(OnDrift))),
        tables=draw(st.dictionaries(names, tables, max_size=3).filter(_unique_folded)),
        mapping=draw(st.dictionaries(paths, mappings, max_size=2)),
        references=tuple(draw(st.lists(references(), max_size=2))),
        decisions=tuple(draw(st.lists(decisions(), max_size=3, unique_by=_key))),
        not_same=tuple(draw(st.lists(pairs(), max_size=2))),
    )
