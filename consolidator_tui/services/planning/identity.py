"""What makes two rows of different files the same entity, table by table, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.catalog import UniqueKey, fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import Identity, IdentityKind
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import alternatives, toml_key, toml_text
from consolidator_tui.services.planning.history import Histories
from consolidator_tui.services.planning.keys import refers_by_key
from consolidator_tui.services.planning.measure import Measurements
from consolidator_tui.storage.sqlite import quote

_PREFERRED = (
    "email", "mail", "uuid", "guid", "isbn", "sku", "hash", "sha256", "checksum", "url", "slug",
    "code", "username", "login", "key", "path", "name", "title",
)  # fmt: skip
"""Names of natural keys, most telling first; only the order among UNIQUE keys depends on it."""


async def choose_identities(planning: Planning, measure: Measurements) -> None:
    """Set the identity of every draft. Raises PlanError where the plan names what is not there."""
    open_drafts = []
    for draft in planning.drafts.values():
        identity = await _identity(planning, draft)
        if identity is None:
            open_drafts.append(draft)
        else:
            draft.identity = identity
    histories = Histories(planning, measure)
    for draft in open_drafts:
        draft.identity = await _by_history(planning, histories, draft)


async def _identity(planning: Planning, draft: Draft) -> Identity | None:
    """The identity that the plan or a key gives; None where only history can tell."""
    wanted = planning.table_plan(draft).identity
    if isinstance(wanted, tuple):
        return _named(draft, wanted)
    if wanted == "none":
        return Identity(IdentityKind.NONE, reason="the plan says: append all rows")
    if wanted == "rows":
        return Identity(IdentityKind.ROWS, reason="the plan says: whole content")
    if wanted == "lineage":
        draft.lineage = (tuple(draft.members),)
        return Identity(IdentityKind.LINEAGE, reason="the plan says: same id, same row")
    if wanted == "key":
        return _named(draft, draft.table.primary_key)
    if wanted is not None:
        raise PlanError(
            f"identity of {draft.name} is {wanted!r}.",
            todo='Use columns, or "key", "rows", "lineage", "none".',
        )
    return await _automatic(planning, draft)


def _named(draft: Draft, names: Sequence[str]) -> Identity:
    columns = []
    for name in names:
        column = draft.column(name)
        if column is None:
            raise PlanError(
                f"The plan takes {draft.name}.{name} for the identity, and no source has it.",
                todo="Correct the name.",
            )
        columns.append(column.name)
    if not columns:
        raise PlanError(
            f"{draft.name} has no primary key for its identity.", todo='Name columns, or "rows".'
        )
    return Identity(
        IdentityKind.COLUMNS, tuple(columns), _collations(draft, columns), "the plan says so"
    )


def _collations(draft: Draft, columns: Sequence[str]) -> tuple[str, ...]:
    """The collation under which a declared key compares these columns, else BINARY."""
    wanted = sorted(fold(c) for c in columns)
    for table in draft.members.values():
        for key in table.unique_keys:
            if sorted(fold(c) for c in key.columns) == wanted:
                known = {fold(c): n for c, n in zip(key.columns, key.collations, strict=True)}
                return tuple(known[fold(c)] for c in columns)
    return tuple("BINARY" for _ in columns)


async def _automatic(planning: Planning, draft: Draft) -> Identity | None:
    primary = tuple(
        column.name for name in draft.table.primary_key if (column := draft.column(name))
    )
    if primary and draft.surrogate is None:
        what = "shares the key of its parent" if refers_by_key(draft) else "primary key"
        return Identity(
            IdentityKind.COLUMNS,
            primary,
            _collations(draft, primary),
            f"{what} ({', '.join(primary)})",
        )
    return await _natural_key(planning, draft) if len(draft.members) > 1 else None


def _ask_renamed(planning: Planning, draft: Draft) -> None:
    """Copies that each have a column which the other lacks: was it given another name?

    Then rows under one id agree in the other columns only, which is too little to call them one.
    """
    for family in draft.lineage:
        first = family[0]
        for index in family[1:]:
            ours = [c.name for c in draft.columns if c.sources[first] and not c.sources[index]]
            theirs = [c for c in draft.columns if c.sources[index] and not c.sources[first]]
            if not ours or not theirs:
                continue
            here, path = (planning.sources[k].path for k in (first, index))
            names = ", ".join(c.name for c in theirs)
            own = toml_key(str(theirs[0].sources[index]))
            planning.ask(
                f"{draft.name} has {', '.join(ours)} in {here} and {names} in {path}, and no "
                "natural key: if a column only got another name, rows under one id may be the "
                "same.",
                table=draft.name,
                column=names,
                file=path,
                fix=alternatives(
                    f"[mapping.{toml_key(path)}.columns."
                    f"{toml_key(draft.members[index].name)}]\n{own} = {toml_text(ours[0])}",
                    f'[tables.{toml_key(draft.name)}]\nidentity = "rows"',
                    f'[tables.{toml_key(draft.name)}]\nidentity = "lineage"',
                ),
            )


async def _by_history(planning: Planning, histories: Histories, draft: Draft) -> Identity:
    """Copies of one file share ids; independent files share whole rows at most."""
    without = f" without {draft.surrogate}" if draft.surrogate else ""
    if draft.surrogate is not None and len(draft.members) > 1:
        evidence = await histories.families(draft)
        if evidence:
            _ask_renamed(planning, draft)
            draft.notes.append(f"{draft.name}: {evidence}")
            return Identity(
                IdentityKind.LINEAGE,
                reason=f"no natural key, and the files are copies that diverged: {evidence}",
            )
    return Identity(IdentityKind.ROWS, reason=f"no natural key: whole content{without}")


async def _natural_key(planning: Planning, draft: Draft) -> Identity | None:
    """The most telling UNIQUE key, declared by any file and true in all."""
    keys: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for index, table in draft.members.items():
        for key in table.unique_keys:
            names = _target_names(draft, index, key)
            if names is None or draft.surrogate in names:
                continue
            if any(
                c.sources[i] is None for i in draft.members for n in names if (c := draft.column(n))
            ):
                continue
            keys.setdefault(tuple(sorted(map(fold, names))), (names, key.collations))
    ranked = []
    for order, (names, collations) in enumerate(keys.values()):
        if not await _unique_everywhere(planning, draft, names, collations):
            continue
        nulls = await _nulls(planning, draft, names)
        ranked.append((nulls > 0, _rank(names), order, names, collations))
    if not ranked:
        return None
    nulls_there, _, _, names, collations = min(ranked)
    also = "; rows without it by whole content" if nulls_there else ""
    return Identity(IdentityKind.COLUMNS, names, collations, f"UNIQUE ({', '.join(names)}){also}")


def _target_names(draft: Draft, index: int, key: UniqueKey) -> tuple[str, ...] | None:
    names = []
    for own in key.columns:
        column = next(
            (c for c in draft.columns if c.sources[index] and
             fold(str(c.sources[index])) == fold(own)), None
        )  # fmt: skip
        if column is None:
            return None
        names.append(column.name)
    return tuple(names)


def _rank(names: tuple[str, ...]) -> tuple[int, int]:
    places = [place for place, word in enumerate(_PREFERRED) if any(word in fold(n) for n in names)]
    return (min(places, default=len(_PREFERRED)), len(names))


async def _unique_everywhere(
    planning: Planning, draft: Draft, names: tuple[str, ...], collations: tuple[str, ...]
) -> bool:
    for index, table in draft.members.items():
        wanted = sorted(map(fold, names))
        declared = any(
            sorted(map(fold, own)) == wanted
            for key in table.unique_keys
            if (own := _target_names(draft, index, key)) is not None
        )
        if declared:
            continue
        there = [draft.there(index, name) for name in names]
        terms = ", ".join(
            f"s.{c} COLLATE {quote(k)}" for c, k in zip(there, collations, strict=True)
        )
        filled = " AND ".join(f"s.{c} IS NOT NULL" for c in there)
        twice = await planning.workspace.database.value(
            f"SELECT 1 FROM {planning.read(draft, index)} WHERE {filled} "
            f"GROUP BY {terms} HAVING count(*) > 1 LIMIT 1"
        )
        if twice:
            return False
    return True


async def _nulls(planning: Planning, draft: Draft, names: tuple[str, ...]) -> int:
    """Rows in all sources in which a part of the key is NULL."""
    total = 0
    for index, table in draft.members.items():
        open_columns = []
        for name in names:
            column = draft.column(name)
            own = column.sources[index] if column else None
            if own is not None and not table.column(own).not_null:
                open_columns.append(f"s.{quote(own)} IS NULL")
        if open_columns:
            total += await planning.workspace.database.value(
                f"SELECT count(*) FROM {planning.read(draft, index)} "
                f"WHERE {' OR '.join(open_columns)}"
            )
    return total
