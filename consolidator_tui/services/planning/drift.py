"""Tables of one name that may mean two things, and the plan lines that put them together."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.plan import OnDrift
from consolidator_tui.services.planning.draft import Draft, Planning, keep_apart
from consolidator_tui.services.planning.fixes import alternatives, toml_key


def unites(planning: Planning, draft: Draft) -> bool:
    """Whether the plan puts the table together as it is in every file."""
    wanted = planning.table_plan(draft).on_drift or planning.document.on_drift
    return wanted is OnDrift.UNITE


def unite_lines(draft: Draft) -> str:
    """Plan lines that put the table together; they may stand anywhere in the plan."""
    return f'[tables.{toml_key(draft.name)}]\non_drift = "unite"'


def ask_unrelated(planning: Planning, draft: Draft) -> None:
    """Same name, but hardly a column in common: two meanings of one name."""
    if unites(planning, draft):
        return
    first = min(draft.members)
    keys = {fold(name) for name in draft.members[first].primary_key}
    for index in list(draft.members):
        if index == first:
            continue
        own = {fold(c.name) for c in draft.columns if c.sources[index]} - keys
        base = {fold(c.name) for c in draft.columns if c.sources[first]} - keys
        smaller = min(len(own), len(base))
        if not smaller or len(own & base) * 2 >= smaller:
            continue
        path = planning.sources[index].path
        planning.ask(
            f"Table {draft.name} means something else in {path}: of its columns "
            f"{', '.join(sorted(own))} the target has {len(own & base)}.",
            table=draft.name,
            column=", ".join(sorted(own - base)),
            file=path,
            fix=alternatives(
                keep_apart(planning, draft, index),
                f'[mapping.{toml_key(path)}.tables]\n{toml_key(draft.members[index].name)} = ""',
                unite_lines(draft),
            ),
        )
