"""Which columns tell who or what a row is about, and what they look like simplified, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.planning.names import words


class Kind(StrEnum):
    """What a column says about an entity."""

    EMAIL = "email"
    PHONE = "phone"
    CODE = "code"
    """A name that is unique by intention: a login, a number of a catalogue, a natural key."""
    NAME = "name"
    DATE = "date"
    """Of birth or the like; it supports, and never finds."""


@dataclass(frozen=True, slots=True)
class Form:
    """One telling column of a table."""

    column: str
    kind: Kind


_WORDS = {
    Kind.EMAIL: {"email", "mail"},
    Kind.PHONE: {"phone", "tel", "telephone", "mobile", "cell", "fax", "msisdn"},
    Kind.CODE: {
        "username", "login", "handle", "nick", "nickname", "isbn", "ean", "sku", "slug", "code",
        "url", "orcid", "vat", "iban", "ssn",
    },
    Kind.NAME: {
        "name", "fullname", "surname", "lastname", "firstname", "title", "label", "company",
    },
    Kind.DATE: {"birthday", "birthdate", "born", "dob", "birth"},
}  # fmt: skip
_NO_NAMES = {"file", "path", "table", "host", "class", "type", "column", "field", "job", "model"}
"""`file_name` and the like name something else than the row's own entity."""
MOST_FORMS = 8
SPACE = "char(32, 9, 10, 13, 160)"


def forms_of(work: Work) -> tuple[Form, ...]:
    """The telling columns of a table, those of its key first; empty where nothing tells."""
    if work.table.surrogate is None and len(work.table.references) > 1:
        # It only connects other tables.
        return ()
    key = {fold(c) for c in work.table.identity.columns}
    linked = {fold(c) for reference in work.table.references for c in reference.columns}
    found = []
    for column in work.table.columns:
        name = fold(column.name)
        if name in linked or column.name == work.table.surrogate:
            continue
        kind = _kind(column.name)
        if kind is None and name in key and column.affinity is Affinity.TEXT:
            kind = Kind.CODE
        readable = column.affinity in (Affinity.TEXT, Affinity.BLOB, Affinity.ANY)
        if kind is not None and (readable or kind in (Kind.PHONE, Kind.DATE, Kind.EMAIL)):
            found.append(Form(column.name, kind))
    found.sort(key=lambda form: fold(form.column) not in key)
    finding = [form for form in found if form.kind is not Kind.DATE]
    return tuple(found[:MOST_FORMS]) if finding else ()


def _kind(column: str) -> Kind | None:
    parts = words(column)
    joined = "".join(parts)
    if not parts or set(parts) & _NO_NAMES:
        return None
    for kind, known in _WORDS.items():
        if parts[-1] in known or joined in known or f"{parts[0]}{parts[-1]}" in known:
            return kind
    return None


@dataclass(frozen=True, slots=True)
class BlockKey:
    """A simplified value under which similar rows meet, in SQL."""

    sql: str
    sure: bool = False
    """Rows that share it are likely to be one entity."""
    shortened: bool = False
    """The SQL is over `k`, the form's first key: what that costs is paid once."""


def block_keys(form: Form, value: str) -> tuple[BlockKey, ...]:
    """The simplified values of a column, the most telling first."""
    text = f"lower(trim(CAST({value} AS TEXT), {SPACE}))"
    match form.kind:
        case Kind.EMAIL:
            whole = _without(text, " ")
            local = _without("substr(k, 1, instr(k, '@') - 1)", ".", "-", "_")
            return (
                BlockKey(f"CASE WHEN instr({value}, '@') > 1 THEN {whole} END", sure=True),
                BlockKey(f"CASE WHEN instr(k, '@') > 5 THEN {local} END", shortened=True),
            )
        case Kind.PHONE:
            digits = _without(text, " ", "-", "(", ")", "+", ".", "/", "\u00a0")
            last = f"substr({digits}, -8)"
            return (BlockKey(f"CASE WHEN length({value}) >= 7 THEN {last} END", sure=True),)
        case Kind.CODE:
            compact = _without(text, " ", ".", "-", "_", "'", ",")
            return (BlockKey(f"CASE WHEN length({value}) >= 2 THEN {compact} END", sure=True),)
        case Kind.NAME:
            # `Lee, Ann` is `Ann Lee`.
            turned = (
                f"CASE WHEN instr({value}, ',') > 1 THEN substr({text}, instr({text}, ',') + 1) || "
                f"substr({text}, 1, instr({text}, ',') - 1) ELSE {text} END"
            )
            compact = _without(turned, " ", ".", "-", "_", "'")
            return (
                BlockKey(f"CASE WHEN length({value}) >= 4 THEN {compact} END"),
                BlockKey("substr(k, 1, 5)", shortened=True),
                BlockKey("substr(k, -5)", shortened=True),
            )
        case _:
            return ()


def _without(text: str, *characters: str) -> str:
    for character in characters:
        quoted = character.replace("'", "''")
        text = f"replace({text}, '{quoted}', '')"
    return text
