"""Edits of configuration values: only the value's bytes, in its own style of quoting."""

from __future__ import annotations

import configparser
import io
import os
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

from dotenv import dotenv_values
from ruamel.yaml import YAML

from consolidator_tui.domain.reference import Edit, Form, Piece, PieceKind, Pieces, Reference
from consolidator_tui.services.references.paths import locate
from consolidator_tui.services.references.pieces import anchor_of, location, normal
from consolidator_tui.services.references.python_anchor import CannotEdit, relative_text

_ODD = set("'\"$`\\\n\t")
"""What one format or another reads as something else, quoted or not."""


def config_edit(
    project: Path, data: bytes, reference: Reference, goal: Path, reason: str
) -> list[Edit]:
    """The edit that makes a configuration value mean the goal.

    .env: the absolute path (the file belongs to this machine). alembic.ini: `%(here)s`. Others:
    relative to the folder that it was relative to. Raises CannotEdit.
    """
    old = data[reference.start : reference.end]
    raw = old.decode("utf-8")
    quote = raw[0] if len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0] else ""
    inner = raw[len(quote) : len(raw) - len(quote)]
    if reference.form is Form.DOTENV:
        new = _dotenv(project, reference, goal, inner)
    elif reference.form is Form.ALEMBIC_INI:
        new = _alembic(project, reference, goal, inner)
    else:
        where = locate(inner)
        new = where.prefix + _same_folder(project, reference, goal) + where.suffix
        if _ODD & set(new):
            raise CannotEdit("the target's name has a character that would need an escape")
        if reference.form is Form.INI:
            new = new.replace("%", "%%")
    quote = quote or _quote(reference.form, new)
    code = (quote + new + quote).encode("utf-8")
    if code == old:
        return []
    return [Edit(reference.file, reference.start, reference.end, old, code, reason, reference.line)]


def _quote(form: Form, text: str) -> str:
    """The quotes that a value without them needs now. Raises CannotEdit where there are none."""
    if form is Form.INI and any(mark in text for mark in (" #", " ;", "\t#", "\t;")):
        raise CannotEdit("the target's name has what begins a comment there")
    wanted = {Form.DOTENV: " #", Form.YAML: " #,:[]{}&*!|>%@"}.get(form, "")
    path = locate(text).path
    return '"' if any(mark in path for mark in wanted) else ""


def _dotenv(project: Path, reference: Reference, goal: Path, inner: str) -> str:
    where = locate(inner)
    if where.is_file_uri:
        raise CannotEdit("a file: value is resolved by the program that reads it (Prisma, libsql)")
    path = _absolute(goal)
    values = [use.pieces for use in reference.uses]
    if "?" in path and where.is_url:
        raise CannotEdit("the target's name has a question mark")
    if _ODD & set(path):
        raise CannotEdit("the target's name has a character that would need an escape")
    choices = [where.prefix + path + where.suffix]
    folders = {folder for value in values if (folder := _folder(value, reference, project))}
    if len(folders) == 1 and not where.prefix:
        choices.append(relative_text(goal, folders.pop()))
    for new in choices:
        if all(_means(value, reference, new, goal, project) for value in values):
            return new
    raise CannotEdit("the code that reads it puts something before it")


def _folder(value: Pieces, reference: Reference, project: Path) -> Path | None:
    """The anchored folder that a use puts before the value."""
    at = next((i for i, p in enumerate(value)
               if p.file == reference.file and p.start == reference.start), 0)  # fmt: skip
    before = value[:at]
    if not before or str(anchor_of(value)) != "folder of the file":
        return None
    return normal(location(before, project).path)


def _means(value: Pieces, reference: Reference, new: str, goal: Path, project: Path) -> bool:
    """Whether a use of the value gives the goal once the value is `new`."""
    if any(p.kind in (PieceKind.UNKNOWN, PieceKind.ENVIRONMENT) for p in value):
        return True
    replaced = tuple(
        Piece(PieceKind.TEXT, new, p.file, p.start, p.end)
        if p.file == reference.file and p.start == reference.start
        else p
        for p in value
    )
    at = next((i for i, p in enumerate(replaced) if p.text == new), 0)
    joined = at > 0 and replaced[at - 1] == Piece(PieceKind.TEXT, "/")
    where = location(replaced[at:] if joined else replaced, project)
    return normal(where.path, project) == goal


def _alembic(project: Path, reference: Reference, goal: Path, inner: str) -> str:
    folder = (project / reference.file).parent
    relative = relative_text(goal, folder).replace("%", "%%")
    if inner.startswith("/"):
        return f"/{relative}{locate('sqlite://' + inner).suffix}"
    where = locate(inner)
    if not where.is_url or where.is_file_uri:
        raise CannotEdit("it is no SQLAlchemy URL")
    return f"{where.prefix}%(here)s/{relative}{where.suffix}"


def _same_folder(project: Path, reference: Reference, goal: Path) -> str:
    where = locate(reference.text)
    if where.is_file_uri:
        raise CannotEdit("it is a file: URI")
    if where.path.startswith("/"):
        return _absolute(goal)
    meant = {os.path.realpath(path) for path in reference.resolves_to}
    bases = {
        folder
        for folder in reference.working_directories
        if os.path.realpath(normal(where.path, folder)) in meant
    }
    if len(bases) != 1:
        raise CannotEdit("it depends on the folder that the program is started in")
    dot = "./" if where.path.startswith("./") else ""
    relative = relative_text(goal, bases.pop())
    return relative if relative.startswith("../") else dot + relative


def _absolute(goal: Path) -> str:
    text = PurePosixPath(os.path.abspath(goal)).as_posix()  # noqa: PTH100 - links stay
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CannotEdit("the target's name is not UTF-8") from error
    return text


def same_but(form: Form, before: bytes, after: bytes, count: int) -> bool:
    """Whether a configuration file, read as what it is, differs in at most `count` values only."""
    old, new = _load(form, before), _load(form, after)
    if old is None or new is None or old.keys() != new.keys():
        return False
    changed = [key for key in old if old[key] != new[key]]
    return len(changed) <= count


def _load(form: Form, data: bytes) -> dict[str, Any] | None:
    text = data.decode("utf-8-sig")
    try:
        if form is Form.DOTENV:
            return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))
        if form is Form.TOML:
            return _flat(tomllib.loads(text.replace("\r\n", "\n")))
        if form is Form.YAML:
            return _flat(list(YAML(typ="safe", pure=True).load_all(text)))
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
    except (ValueError, configparser.Error):
        return None
    return _flat({name: dict(parser[name]) for name in parser})


def _flat(value: object, at: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(f"{at}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{at}[{key}]", item) for key, item in enumerate(value)]
    else:
        return {at: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(item, key)
    return found
