"""Totals and counts that triggers keep in another table: rows are added without firing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consolidator_tui.domain.catalog import SchemaObject, fold
from consolidator_tui.domain.merge import Note
from consolidator_tui.services.inspect.ddl import Token, tokens, unquote
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.planning.names_in_target import name_in_target


def note_kept_totals(works: Sequence[Work]) -> list[Note]:
    """One note for each two tables of several files where a trigger on the one changes the other,
    and rows of the other became one with rows of another file."""
    known = {work.key: work for work in works if len(work.members) > 1}
    found: dict[tuple[str, str], Note] = {}
    for source in works[0].plan.sources if works else ():
        for trigger in source.schema.triggers.values() if source.same_as is None else ():
            here = known.get(fold(name_in_target(works[0].plan, source, trigger.table) or ""))
            for name in _changed(trigger):
                there = known.get(fold(name_in_target(works[0].plan, source, name) or ""))
                if here is None or there is None or here is there or not there.mapped:
                    continue
                text = (
                    f"The trigger {trigger.name} of {source.path} changes {there.table.name} when "
                    f"a row is added to {here.table.name}. Rows of other files are added without "
                    f"it, so a total or count that it keeps in {there.table.name} is that of one "
                    "file: look at it."
                )
                note = Note(text, table=there.table.name, file=source.path)
                found.setdefault((here.key, there.key), note)
    return list(found.values())


def _changed(trigger: SchemaObject) -> Iterator[str]:
    """The tables whose rows the trigger updates when a row is inserted."""
    found = list(tokens(trigger.sql))
    words = [token.word for token in found]
    body = words.index("BEGIN") if "BEGIN" in words else len(words)
    if "INSERT" not in words[:body]:
        return
    into = ""
    for place in range(body + 1, len(found)):
        if words[place] == "INTO":
            into = _named(found, place + 1)
        elif words[place] == "UPDATE" and words[place - 1] == "DO":
            yield into
        elif words[place] == "UPDATE":
            yield _named(found, place + (3 if words[place + 1 : place + 2] == ["OR"] else 1))


def _named(found: list[Token], place: int) -> str:
    """The name that stands there, without its schema's."""
    if place + 2 < len(found) and found[place + 1].text == ".":
        place += 2
    return unquote(found[place]) if place < len(found) else ""
