"""Which files of a project are read as plain text, and which of their lines say something."""

from __future__ import annotations

import html
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

from consolidator_tui.domain.reference import Form
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.paths import SUFFIX_PATTERN
from consolidator_tui.services.references.text_scan import MOST_BYTES, form_of

NOTEBOOK = ".ipynb"
PYTHON = (".py", ".pyi", ".pyw")
_PROSE = frozenset(
    {".md", ".rst", ".txt", ".adoc", ".markdown", ".html", ".htm", ".tex", ".log", ".csv", ".tsv",
     ".diff", ".patch", ".lock", ".sum", ".jsonl", ".po", ".pot", ".map"}
)  # fmt: skip
"""Documentation, records, and what tools write for themselves."""
_NAMES = re.compile(
    r"(?:readme|changelog|changes|history|news|license|licence|copying|authors|contributors|notice|"
    r"todo|codeowners|maintainers)(?:\.\w+)?|.*ignore|\.gitattributes|"
    r"(?:package-lock|npm-shrinkwrap|composer\.lock|pnpm-lock)\.\w+",
    re.I,
)
_BINARY = re.compile(
    rf".*\.(?:{SUFFIX_PATTERN}(?:-wal|-shm|-journal)?|png|jpe?g|gif|webp|ico|bmp|tiff?|pdf|zip|gz|"
    r"tgz|bz2|xz|7z|tar|whl|egg|jar|class|so|dll|dylib|exe|bin|o|a|pyc|pyo|woff2?|ttf|otf|eot|mp[34]|"
    r"mov|avi|wav|parquet|pickle|pkl|npy|npz|h5|pt|onnx|bak|swp)",
    re.I,
)
_PLAN_KEYS = frozenset(
    {"target", "base", "sources", "on_conflict", "on_drift", "tables", "ancestor", "descendants",
     "deletions", "mapping", "references", "not_references", "decisions", "not_same"}
)  # fmt: skip
_SLASHES = frozenset(
    {".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".java", ".kt", ".cs", ".php",
     ".c", ".h", ".cpp", ".hpp", ".cc", ".swift", ".scala", ".dart", ".gradle", ".prisma", ".json",
     ".jsonc", ".vue", ".svelte", ".proto"}
)  # fmt: skip
_BLOCK = re.compile(r"^[ \t]*/\*.*?\*/|<!--.*?-->", re.S | re.M)
_HASH = re.compile(r"(?:^|\s)#.*")
_QUOTES = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")


def worth_reading(path: str) -> bool:
    """Whether a file of this name may be read by the application, or by who runs it."""
    name = PurePosixPath(path).name
    if PurePosixPath(path).suffix.lower() in _PROSE or _NAMES.fullmatch(name):
        return False
    if _BINARY.fullmatch(name) or in_tests(path):
        return False
    # Machines of continuous integration have files of their own.
    return form_of(path) is not Form.CI


def text_of(path: str, data: bytes) -> str | None:
    """The text of a file; None when it is binary, or data of this program."""
    if len(data) > MOST_BYTES or b"\0" in data[:8192]:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return None if path.endswith(".toml") and _is_plan(text) else text


def said(path: str, text: str) -> Iterator[tuple[int, str]]:
    """The lines that are more than comments, numbered from 1."""
    suffix = PurePosixPath(path).suffix.lower()
    code = _code_of_notebook(text) if suffix == NOTEBOOK else None
    plain = _BLOCK.sub(lambda m: "\n" * m[0].count("\n"), text)
    for number, line in enumerate(plain.split("\n"), 1):
        if code is None:
            yield number, _uncommented(suffix, line)
            continue
        cell = _json_text(line)
        if cell is None and '"cell_type"' in line and '"source"' in line:
            # All of it, or a whole cell, stands in one line.
            yield from ((number, _uncommented("", part)) for part in sorted(code))
        elif cell is not None and cell.rstrip("\n") in code:
            yield number, _uncommented("", cell)


def readings(line: str) -> set[str]:
    """A line as it stands, and as formats read it that write some characters in another way."""
    found = {line}
    if "\\" in line:
        plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), line)
        found.add(re.sub(r"\\([^\w\\])", r"\1", plain))
        found.add(plain.replace("\\\\", "/").replace("\\", "/"))
    if "%" in line:
        found.add(unquote(line))
    if "&" in line:
        found.add(html.unescape(line))
    if "$" in line:
        # `"$DIR"/app.db` is one word of a shell.
        found |= {re.sub(r"\"(\$\{?\w+\}?)\"", r"\1", each) for each in found}
    return {unicodedata.normalize("NFC", each) for each in found}


def _uncommented(suffix: str, line: str) -> str:
    start = line.lstrip()
    if suffix in _SLASHES:
        return "" if start.startswith(("//", "* ")) else line
    if suffix == ".sql":
        return "" if start.startswith("--") else line
    if start.startswith(("#", "//", ";", "-- ", "REM ", "rem ", "::")):
        return ""
    if "#" not in line:
        return line
    hidden = _QUOTES.sub(lambda m: "x" * len(m[0]), line)
    comment = _HASH.search(hidden)
    return line if comment is None else line[: comment.start()]


def _is_plan(text: str) -> bool:
    """Whether this is a plan of this program: it names the files by its nature."""
    try:
        keys = tomllib.loads(text).keys()
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return bool(keys) and keys <= _PLAN_KEYS and bool(keys & {"target", "base", "sources"})


def _code_of_notebook(text: str) -> set[str] | None:
    """The lines of code of a notebook: neither its prose nor what came out. None: it is none."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = ["".join(part) if isinstance(part, list) else str(part) for part in sources]
    return {line for source in whole for line in source.split("\n")}


def _json_text(line: str) -> str | None:
    try:
        value = json.loads(line.strip().rstrip(","))
    except ValueError:
        return None
    return value if isinstance(value, str) else None
