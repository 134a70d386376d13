"""plan.toml: the plan document as a text that people read, review and keep.

Every key is optional. Values that TOML lacks are spelled as plan_values.py says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.plan import (
    GIT_PREFIX,
    Decision,
    Deletions,
    FileMapping,
    NotSame,
    OnDrift,
    PlanDocument,
    ReferencePlan,
    TablePlan,
)
from consolidator_tui.domain.rule import Rule
from consolidator_tui.domain.words import plural
from consolidator_tui.services.plan_document.check import validate
from consolidator_tui.services.plan_document.reader import Origin, Reader
from consolidator_tui.services.plan_document.tables import united_tables
from consolidator_tui.services.plan_document.values import spell_text
from consolidator_tui.services.plan_document.writer import Comments, dumps

IDENTITIES = ("key", "rows", "none", "lineage")
"""Names of identities that are no columns."""

__all__ = ["IDENTITIES", "Comments", "dumps", "loads", "validate"]


def loads(text: str, name: str = "plan.toml", *, open_decisions: bool = False) -> PlanDocument:
    """The document that a TOML text holds; `name` is the file's name for errors.

    A decision whose `keep` is empty is not made yet, and is left out unless `open_decisions`. A
    table may be continued
    further down (plan_tables.py has the rule), so that lines from a message can be pasted.
    Raises PlanError, naming line and reason, for what is no TOML, an unknown key, a wrong type
    or a contradiction.
    """
    try:
        data = united_tables(text, name)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at_line = re.search(r"\(at line (\d+)", str(error))
        line = at_line[1] if at_line else text.count("\n") + 1
        raise PlanError(f"{name}, line {line}: not valid TOML: {error}.") from error
    top = Reader(Origin(text, name), data, (), "the plan")
    top.only(
        *("target", "base", "sources", "on_conflict", "on_drift", "tables"),
        *("ancestor", "descendants", "deletions"),
        *("mapping", "references", "not_references", "decisions", "not_same"),
    )
    document = PlanDocument(
        target=top.file("target"),
        base=top.file("base"),
        sources=top.files("sources"),
        on_conflict=_rules(top),
        on_drift=_drift(top) or OnDrift.STOP,
        ancestor=_ancestor(top),
        descendants=top.files("descendants"),
        deletions=_deletions(top),
        tables=_tables(top),
        mapping=_mapping(top),
        references=tuple(_reference(part, followed=True) for part in top.array("references")),
        not_references=tuple(
            _reference(part, followed=False) for part in top.array("not_references")
        ),
        decisions=tuple(
            made
            for part in top.array("decisions")
            if (made := _decision(part)).keep or open_decisions
        ),
        not_same=tuple(_not_same(part) for part in top.array("not_same")),
    )
    _refuse_contradictions(document, top)
    return document


def _rules(top: Reader) -> tuple[Rule, ...]:
    rules = top.rules("on_conflict")
    return PlanDocument().on_conflict if rules is None else rules


def _drift(part: Reader) -> OnDrift | None:
    name = part.text("on_drift")
    if name is None:
        return None
    if name not in tuple(OnDrift):
        part.refuse(f"`on_drift` is `{name}`; it can be stop or unite.", "on_drift")
    return OnDrift(name)


def _ancestor(top: Reader) -> str | None:
    name = top.text("ancestor")
    if name is None or name.startswith(GIT_PREFIX):
        return name
    return top.clean_path(name, "ancestor")


def _deletions(top: Reader) -> Deletions:
    name = top.text("deletions")
    if name is None:
        return Deletions.KEEP
    if name not in tuple(Deletions):
        top.refuse(f"`deletions` is `{name}`; it can be keep or honour.", "deletions")
    if name == Deletions.HONOUR and not top.has("ancestor"):
        top.refuse("without an `ancestor`, nobody can tell what was deleted.", "deletions")
    return Deletions(name)


def _tables(top: Reader) -> dict[str, TablePlan]:
    tables: dict[str, TablePlan] = {}
    for name, part in top.tables("tables"):
        part.only("identity", "newest", "fill_nulls", "on_conflict", "on_drift", "defaults")
        if any(fold(name) == fold(other) for other in tables):
            part.refuse(f"the table `{name}` stands here twice; SQLite ignores case.")
        tables[name] = TablePlan(
            identity=_identity(part),
            newest=part.text("newest"),
            fill_nulls=part.flag("fill_nulls"),
            on_conflict=part.rules("on_conflict"),
            defaults=part.values("defaults"),
            on_drift=_drift(part),
        )
    return tables


def _identity(part: Reader) -> tuple[str, ...] | str | None:
    if not part.has("identity"):
        return None
    if isinstance(part.raw("identity"), list):
        return part.need_texts("identity")
    name = part.text("identity")
    if name not in IDENTITIES:
        part.refuse(
            f"`identity` is `{name}`; it can be an array of columns, {', '.join(IDENTITIES)}.",
            "identity",
        )
    return name


def _mapping(top: Reader) -> dict[str, FileMapping]:
    mapping: dict[str, FileMapping] = {}
    for written, part in top.tables("mapping"):
        path = part.clean_path(written)
        part.only("tables", "columns")
        if path in mapping:
            part.refuse(f"the file {path} stands here twice.")
        tables = part.names("tables")
        _refuse_same_target(part, tables, "tables")
        columns: dict[str, dict[str, str]] = {}
        outer = part.table("columns")
        for table, _ in part.tables("columns"):
            columns[table] = outer.names(spell_text(table))
            _refuse_same_target(part, columns[table], "columns", spell_text(table))
        mapping[path] = FileMapping(tables=tables, columns=columns)
    return mapping


def _refuse_same_target(part: Reader, names: Mapping[str, str], *below: str) -> None:
    seen: dict[str, str] = {}
    for name, wanted in names.items():
        if not wanted:
            # Left out; any number of them may be.
            continue
        other = seen.setdefault(fold(wanted), name)
        if other != name:
            part.refuse(f"`{other}` and `{name}` cannot both become `{wanted}`.", *below, name)


def _reference(part: Reader, *, followed: bool) -> ReferencePlan:
    part.only("table", "columns", "parent", "parent_columns", "where", "absent")
    columns = part.need_texts("columns")
    parent = part.need_text("parent") if followed else part.text("parent") or ""
    # Left out, they are the parent's primary key.
    parent_columns = part.texts("parent_columns")
    if parent_columns and len(columns) != len(parent_columns):
        part.refuse(
            f"{plural(len(columns), 'column')} cannot refer to {len(parent_columns)}.",
            "parent_columns",
        )
    return ReferencePlan(
        table=part.need_text("table"),
        columns=columns,
        parent=parent,
        parent_columns=parent_columns,
        where=part.conditions("where"),
        absent=part.value_list("absent"),
    )


def _decision(part: Reader) -> Decision:
    part.only("table", "entity", "keep", "values", "fields", "also")
    entity = part.values("entity")
    if not entity:
        part.refuse("a decision needs `entity`: the columns and values that name the row.")
    values = part.values("values")
    fields = {column: part.clean_path(file) for column, file in part.names("fields").items()}
    if both := sorted(set(values) & set(fields)):
        part.refuse(f"`{both[0]}` is decided in `values` and in `fields`.", "fields", both[0])
    keep = part.need_text("keep")
    keep = part.clean_path(keep) if keep else ""
    also = part.values_list("also")
    if also and keep == "both":
        part.refuse("rows in `also` are the same entity, and `keep` says both.", "also")
    return Decision(part.need_text("table"), entity, keep, values, fields, also)


def _not_same(part: Reader) -> NotSame:
    part.only("table", "entity", "other")
    return NotSame(
        part.need_text("table"),
        part.table("entity").all_values(),
        part.table("other").all_values(),
    )


def _refuse_contradictions(document: PlanDocument, top: Reader) -> None:
    named = {*document.sources, *filter(None, (document.target,))}
    if document.descendants and document.ancestor is None:
        top.refuse("`descendants` without an `ancestor`: of what?", "descendants")
    for path in document.descendants if document.sources else ():
        if path not in named:
            top.refuse(f"{path} is not among `sources`.", "descendants")
    if document.sources:
        if document.base is not None and document.base not in named:
            top.refuse(f"`base` is {document.base}, which is not among `sources`.", "base")
        for path in document.mapping:
            if path not in named:
                top.refuse(f"{path} is not among `sources`.", "mapping", spell_text(path))
    elsewhere = {_folded(part) for part in document.not_references}
    for place, reference in enumerate(document.references):
        if _folded(reference) in elsewhere:
            columns = ", ".join(reference.columns)
            top.refuse(
                f"{reference.table} ({columns}) is both a reference and none.", "references", place
            )
    seen: dict[tuple[object, ...], Decision] = {}
    for place, decision in enumerate(document.decisions):
        keepers = {*named, "both", "same", ""}
        if document.sources and decision.keep not in keepers:
            top.refuse(f"`keep` is {decision.keep}: no source.", "decisions", place, "keep")
        entity = frozenset((fold(c), repr(value)) for c, value in decision.entity.items())
        # Rows that were joined may disagree, and then a second decision says which one wins.
        mark = (fold(decision.table), entity, repr(decision.also) if decision.also else "")
        # One row may stand in two questions, and then the same is said twice.
        if seen.setdefault(mark, decision) != decision:
            top.refuse("this row is decided twice.", "decisions", place)


def _folded(part: ReferencePlan) -> tuple[str, tuple[str, ...], str, tuple[str, ...], str]:
    return (
        fold(part.table),
        tuple(map(fold, part.columns)),
        fold(part.parent),
        tuple(map(fold, part.parent_columns)),
        repr(sorted(part.where.items())),
    )
