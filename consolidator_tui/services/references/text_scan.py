"""References in files that are only reported: JavaScript, Prisma, shell, Docker, CI, Markdown."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from consolidator_tui.domain.reference import FileScan, Form, Piece, PieceKind, Pieces
from consolidator_tui.services.references.config_scan import (
    Collector,
    decode,
    scan_dotenv,
    scan_ini,
    scan_toml,
    scan_yaml,
)
from consolidator_tui.services.references.paths import locate, tokens

_JAVASCRIPT = {".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".mts", ".cts", ".vue", ".svelte"}
_SHELL = {".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".service", ".mk", ".just"}
_TEXT = {
    ".md", ".rst", ".txt", ".adoc", ".markdown", ".ipynb", ".html", ".sql", ".go", ".rs", ".rb",
    ".php", ".java", ".kt", ".cs", ".properties", ".xml", ".j2", ".env_example",
}  # fmt: skip
_INI = {".ini", ".cfg", ".conf"}
_NAMES = {
    "makefile": Form.SHELL, "justfile": Form.SHELL, "procfile": Form.SHELL,
    ".gitignore": Form.TEXT, ".dockerignore": Form.TEXT, "jenkinsfile": Form.CI,
}  # fmt: skip
_ENVS = (".envrc", ".flaskenv")
_SKIPPED = {
    "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock",
    "composer.lock", "cargo.lock",
}  # fmt: skip
_DIRNAME = re.compile(
    r"path\.(?:join|resolve)\(\s*(?:__dirname|import\.meta\.dirname)"
    r"(?P<parts>(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"|`[^`$]*`))*)\s*,\s*['\"`]\Z"
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")
_MODULE_TALK = re.compile(r"\b(?:import|from|require\()\s")

_PACKED = 3_000
"""Characters; JavaScript with longer lines was not written by a person."""

MOST_BYTES = 2_000_000
"""Larger files that are no Python are data, not configuration."""


def form_of(file: str) -> Form | None:
    """How a file that is not Python is read; None: not at all."""
    path = PurePosixPath(file)
    name, suffix = path.name.lower(), path.suffix.lower()
    if name in _SKIPPED:
        return None
    if (
        name == ".env"
        or name.startswith((".env.", ".env-", ".env_"))
        or suffix == ".env"
        or name in _ENVS
    ):
        return Form.DOTENV
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith("dockerfile") or suffix == ".dockerfile":
        return Form.DOCKERFILE
    if suffix in (".yml", ".yaml"):
        return _yaml_form(path)
    by_suffix = {
        ".toml": Form.TOML,
        ".json": Form.JSON,
        ".jsonc": Form.JSON,
        ".prisma": Form.PRISMA,
    }
    if suffix in by_suffix:
        return by_suffix[suffix]
    for suffixes, form in ((_JAVASCRIPT, Form.JAVASCRIPT), (_SHELL, Form.SHELL), (_INI, Form.INI)):
        if suffix in suffixes:
            return form
    return Form.TEXT if suffix in _TEXT else None


def _yaml_form(path: PurePosixPath) -> Form:
    name = path.name.lower()
    if "compose" in name:
        return Form.COMPOSE
    parts = {part.lower() for part in path.parts}
    ci = {".github", ".circleci", ".gitlab", ".buildkite"} & parts or name.startswith(
        (
            ".gitlab-ci",
            "azure-pipelines",
            "bitbucket-pipelines",
            ".travis",
            "appveyor",
            "render.y",
            "fly.y",
            "cloudbuild",
            ".pre-commit",
            "mkdocs",
        )
    )
    kubernetes = {"k8s", "kubernetes", "helm", "charts", "deploy", "templates"} & parts
    return Form.CI if ci or kubernetes else Form.YAML


def scan_other(file: str, data: bytes, sha256: str, known: Collection[str] = ()) -> FileScan | None:
    """Find the references in a file that is not Python; None when its kind is not read."""
    form = form_of(file)
    if form is None:
        return None
    decoded = decode(data)
    why = ""
    if decoded is None:
        decoded, why = (data.decode("latin-1"), 0), "the file is not edited: it is not UTF-8"
        # One character per byte would shift offsets if it were encoded again.
        return _by_line(_Latin(file, data, sha256, known, *decoded), form, why)
    found = Collector(file, data, sha256, known, *decoded)
    if form is Form.DOTENV and not file.endswith(".envrc"):
        return scan_dotenv(found)
    if form is Form.INI:
        return scan_ini(found)
    if form is Form.TOML:
        return scan_toml(found)
    if form in (Form.YAML, Form.COMPOSE, Form.CI):
        scanned = scan_yaml(found, form)
        if scanned is not None and (scanned.literals or form is Form.YAML):
            return scanned
        why = "it does not parse as YAML" if scanned is None else ""
    return _by_line(Collector(file, data, sha256, known, *decoded), form, why)


def _not_edited(file: str, form: Form) -> str:
    return f"{'a script of direnv' if file.endswith('.envrc') else form} is not edited"


class _Latin(Collector):
    def offset(self, characters: int) -> int:
        return characters


def _by_line(found: Collector, form: Form, why: str) -> FileScan:
    script = form is Form.JAVASCRIPT
    at = 0
    for line in found.text.splitlines(keepends=True):
        # Nobody edits what a packer wrote, and its short names look like suffixes.
        packed = (script and len(line) > _PACKED) or _is_comment(line, form)
        told = _TRAILING.match(line) if form is Form.SHELL else None
        for column, text in () if packed else tokens(line, found.known):
            if _is_module(line, column, text) or (told and column >= told.end()):
                continue
            head = line[:column]
            if "$" in text or head.endswith(("}", ")", ">", "%")):
                found.add(form, text, at + column, at + column + len(text), allowed="no",
                          why="a part of the path is filled in later",
                          before=(Piece(PieceKind.UNKNOWN),))  # fmt: skip
                continue
            before, quoted = _before(found, form, line, column, text)
            if script and not quoted:
                continue
            found.add(form, text, at + column, at + column + len(text), allowed="no",
                      why=why or _not_edited(found.file, form), before=before)  # fmt: skip
        at += len(line)
    return found.scan()


_SCRIPT_COMMENT = re.compile(r"\s*(?://|(?:/\*|\*\s)(?!.*\*/\s*\S))")
"""A line that is nothing but a comment; code may stand behind the end of one."""

_TRAILING = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\]|\s(?!#))*\s(?=#)")
"""What stands before a comment at the end of a line of a shell."""


def _is_comment(line: str, form: Form) -> bool:
    if form in (Form.JAVASCRIPT, Form.PRISMA):
        return _SCRIPT_COMMENT.match(line) is not None
    return form in (Form.SHELL, Form.DOCKERFILE, Form.CI) and line.lstrip().startswith("#")


def _is_module(line: str, column: int, text: str) -> bool:
    """`from app.db import session`, `app.db:session`: a module, no file."""
    if "/" in text or locate(text).prefix:
        return False
    before, after = line[:column], line[column + len(text) :]
    return bool(_MODULE_TALK.search(before)) or after.startswith((":", " import"))


def _before(found: Collector, form: Form, line: str, column: int, text: str) -> tuple[Pieces, bool]:
    """What the path hangs on, and whether it stands in quotes."""
    head = line[:column]
    quoted = bool(head) and head[-1] in "'\"`"
    if form is Form.PRISMA:
        prefix = locate(text).prefix
        # The text itself keeps its `file:`; Prisma reads it from the schema's folder.
        return (
            ((Piece(PieceKind.FILE, file=found.file, up=1), Piece(PieceKind.TEXT, "/")), True)
            if (prefix)
            else ((), True)
        )
    match = _DIRNAME.search(head)
    if form is not Form.JAVASCRIPT or match is None:
        return (), quoted or text.startswith(("file:", "sqlite"))
    before: list[Piece] = [Piece(PieceKind.FILE, file=found.file, up=1)]
    for groups in _QUOTED.findall(match["parts"]):
        before += [Piece(PieceKind.TEXT, "/"), Piece(PieceKind.TEXT, "".join(groups))]
    before.append(Piece(PieceKind.TEXT, "/"))
    return tuple(before), True
