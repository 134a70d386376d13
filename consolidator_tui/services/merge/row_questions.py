"""One decision to fill in for each open conflict, with what its versions differ in."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.conflict import Version
from consolidator_tui.domain.decided import entity_of
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.words import plural
from consolidator_tui.services.merge.sharing import shared_keys
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.plan_document.values import spell_text
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.storage.sqlite import Database, Row

SHOWN = 1_000
"""Conflicts per table and kind that are spelled out; the rest is counted."""
WIDTH = 60
"""Characters of a value that are shown."""
_READ = 1_000
"""Characters of a value that are looked at for where it differs."""
_COLUMNS = 8
"""Differing columns of a version that are shown."""
_READ_COLUMNS = 64
"""Differing columns of all conflicts of a table that are read."""


async def decision_lines(database: Database, work: Work, kind: str) -> list[str]:
    """The open conflicts of a kind as `[[decisions]]` without an answer, at most SHOWN.

    They hold values of rows: only a private file may show them.
    """
    open_ = (
        "SELECT id, canon, kind, columns, entity, sources, differs FROM pv.conflict "
        f"WHERE number = {work.table.number} AND kind = '{kind}' AND winner IS NULL "
        f"ORDER BY id LIMIT {SHOWN}"
    )
    conflicts = await database.rows(open_)
    differing = {id_: _names(work, differs) for id_, *_, differs in conflicts}
    others = [c.name for c in work.table.columns if c.name != work.table.surrogate]
    told = others if kind == "unique" else dict.fromkeys(n for v in differing.values() for n in v)
    versions = await _versions(database, work, open_, list(told)[:_READ_COLUMNS])
    lines = []
    for id_, _, _, columns, entity, sources, _ in conflicts:
        shown = versions.get(id_, [])
        names = differing[id_]
        shared = _shared(work, kind, names, shown)
        if kind == "unique":
            # They agree on the key, so the rest is what tells them apart.
            names = [name for name in others if name not in shared] or names
        paths = [work.plan.sources[int(source)].path for source in sources.split(",") if source]
        choices = [*map(_text, dict.fromkeys(paths)), *([] if shared else ['"both"'])]
        lines += [
            "[[decisions]]",
            f"table = {_text(work.table.name)}",
            f"entity = {_entity(columns, entity)}",
            *(f"# {line}" for line in _compared(names, shown)),
            f'keep = ""  # {" | ".join(choices)}',
        ]
        if shared:
            given = ", ".join(f'{toml_key(spell_text(name))} = "another value"' for name in shared)
            lines += [
                f"# Both rows can only stay when one gets another key ({', '.join(shared)}):",
                f'# keep = "both" and the line: values = {{ {given} }}',
            ]
    return lines


def _names(work: Work, differs: str) -> list[str]:
    return [work.table.columns[int(place)].name for place in differs.split(",") if place]


async def _versions(
    database: Database, work: Work, open_: str, told: Sequence[str]
) -> dict[int, list[Version]]:
    """Conflict -> its rows, with the columns of keys and the first that differ."""
    keys = {name: None for key in target_keys(work) for name in key.columns}
    found: dict[int, list[Version]] = {}
    for source in work.members:
        path = work.plan.sources[source].path
        names = [n for n in dict.fromkeys([*keys, *told]) if work.own(source, n) is not None]
        chosen = "".join(
            f", {own}"
            if name in keys
            else f", CASE WHEN typeof({own}) IN ('text', 'blob') THEN substr({own}, 1, {_READ}) "
            f"ELSE {own} END"
            for name in names
            for own in [work.own(source, name)]
        )
        rows: list[Row] = await database.rows(
            f"SELECT c.id{chosen} FROM ({open_}) c CROSS JOIN pv.version v "
            f"ON v.number = {work.table.number} AND v.canon = c.canon AND v.kind = c.kind "
            f"AND v.src = {source} CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'v.g')} ORDER BY c.id, v.g"
        )
        for id_, *values in rows:
            version = Version(path, dict(zip(names, values, strict=True)))
            found.setdefault(id_, []).append(version)
    return found


def _shared(
    work: Work, kind: str, differing: Sequence[str], versions: Sequence[Version]
) -> list[str]:
    """The columns of the keys that forbid both rows as they are."""
    if kind == "unique":
        return list(differing)
    keys = shared_keys(target_keys(work), versions)
    return list(dict.fromkeys(name for key in keys for name in key.columns))


def _compared(names: Sequence[str], versions: Sequence[Version]) -> list[str]:
    """One line for each version with its values where they differ."""
    known = {name for version in versions for name in version.values}
    shown = [name for name in names if name in known][:_COLUMNS]
    starts = {name: _start([version.values.get(name) for version in versions]) for name in shown}
    left = len(names) - len(shown)
    more = f" and {plural(left, 'more column')}" if left else ""
    lines = []
    for version in versions:
        parts = [
            f"{toml_key(spell_text(name))} = {_short(version.values[name], starts[name])}"
            for name in shown
            if name in version.values
        ]
        lines.append(f"{_text(version.source)}: {', '.join(parts)}{more}")
    return lines


def _start(values: Sequence[Value]) -> int:
    """Where to begin to show long texts, so that what differs is seen."""
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < 2 or max(map(len, texts)) <= WIDTH:
        return 0
    low, high = min(texts), max(texts)
    equal = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return equal - WIDTH // 3 if equal > WIDTH * 2 // 3 else 0


def _short(value: Value, start: int) -> str:
    if isinstance(value, str):
        end = start + WIDTH
        dots = ("..." if start else "", "..." if len(value) > end else "")
        return _text(f"{dots[0]}{value[start:end]}{dots[1]}")
    if isinstance(value, bytes):
        return f"blob {value[: WIDTH // 2].hex()}{'...' if len(value) > WIDTH // 2 else ''}"
    return "NULL" if value is None else repr(value)


def _entity(columns: str, entity: str) -> str:
    """The columns and values that name a conflict's entity, as a TOML inline table."""
    parts = ", ".join(
        f"{toml_key(spell_text(name))} = {_spelled(value)}"
        for name, value in entity_of(columns, entity).items()
    )
    return f"{{ {parts} }}"


def _text(text: str) -> str:
    """A text with all its bytes, also those that are not UTF-8."""
    return toml_text(spell_text(text))


def _spelled(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return f'{{ blob = "{value.hex()}" }}'
    return "{ null = true }" if value is None else str(value)
