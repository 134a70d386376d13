"""References in configuration files: .env, INI, TOML, YAML, with the byte span of each value."""

from __future__ import annotations

import codecs
import io
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from dotenv.parser import parse_stream
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from consolidator_tui.domain.reference import (
    FileScan,
    Form,
    Literal,
    Piece,
    PieceKind,
    Pieces,
    UnreadableFile,
)
from consolidator_tui.services.references.in_tests import named_for_tests
from consolidator_tui.services.references.paths import OTHER_WORD, locate, names_database
from consolidator_tui.services.references.python_carriers import snake, speaks_of_database
from consolidator_tui.services.references.python_tree import place_of

_DOTENV_VALUE = re.compile(
    r"""\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*=[^\S\r\n]*"""
    r"""(?P<value>'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^\r\n]*?)(?=[^\S\r\n]+\#|[^\S\r\n]*(?:[\r\n]|\Z))"""
)
_TEMPLATE = re.compile(r"example|sample|template|dist|default|\.tpl|\.tmpl", re.I)
_ELSEWHERE = re.compile(r"prod|staging|docker|deploy|stage|ci\b", re.I)
_INI_LINE = re.compile(
    r"(?P<key>[^\s=:#;\[][^=:\r\n]*?)[^\S\r\n]*[=:][^\S\r\n]*(?P<value>[^\r\n]*)"
)
_TOML_LINE = re.compile(
    r"""(?P<key>["']?[\w.-]+["']?)\s*=\s*(?P<value>"[^"\\\r\n]*"|'[^'\r\n]*')\s*(?:\#[^\r\n]*)?\r?\Z"""
)


def decode(data: bytes) -> tuple[str, int] | None:
    """The text and the length of its byte order mark; None when it is not UTF-8."""
    bom = 3 if data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data[bom:].decode("utf-8"), bom
    except UnicodeDecodeError:
        return None


class Collector:
    """Gathers the literals of one text file."""

    def __init__(
        self, file: str, data: bytes, sha256: str, known: Collection[str], text: str, bom: int
    ) -> None:
        self.file = file
        self.data = data
        self.sha256 = sha256
        self.known = known
        self.text = text
        self.bom = bom
        self.literals: list[Literal] = []

    def offset(self, characters: int) -> int:
        """Byte offset of a character offset."""
        return self.bom + len(self.text[:characters].encode("utf-8"))

    def add(
        self,
        form: Form,
        text: str,
        start: int,
        end: int,
        *,
        allowed: str,
        why: str = "",
        key: str | None = None,
        before: Pieces = (),
        shown: str | None = None,
    ) -> None:
        """Note a literal at character offsets; `before` is what its path hangs on."""
        a, b = self.offset(start), self.offset(end)
        piece = Piece(PieceKind.TEXT, text, self.file, a, b)
        if any(known.start == a for known in self.literals):
            return  # a YAML alias: the same text once more
        self.literals.append(
            Literal(
                a,
                b,
                *place_of(self.data, a),
                form,
                shown if shown is not None else text,
                allowed,
                why,
                key,
                ((*before, piece),),
            )
        )

    def scan(self, unreadable: UnreadableFile | None = None) -> FileScan:
        """The result."""
        return FileScan(self.file, self.sha256, tuple(self.literals), (), unreadable)


def scan_dotenv(found: Collector) -> FileScan:
    """Values of a .env file, as python-dotenv reads them."""
    name = PurePosixPath(found.file).name
    at = 0
    for binding in parse_stream(io.StringIO(found.text, newline="")):
        original = binding.original.string
        match = _DOTENV_VALUE.match(original)
        value, key = binding.value, binding.key
        if key and value and match and not binding.error and names_database(value, found.known):
            allowed = "yes" if speaks_of_database(key) else "if_opened"
            why = ""
            if "${" in value:
                allowed, why = "no", "the value is built from other variables"
            elif _TEMPLATE.search(name):
                allowed, why = "no", "it is a template that is copied to other machines"
            elif _ELSEWHERE.search(name):
                allowed, why = "no", "it is for another machine"
            start = at + match.start("value")
            found.add(Form.DOTENV, value, start, at + match.end("value"), allowed=allowed, why=why,
                      key=key)  # fmt: skip
        at += len(original)
    return found.scan()


def scan_ini(found: Collector) -> FileScan:
    """`key = value` lines; `%(here)s` is the folder of the file in alembic.ini."""
    alembic = PurePosixPath(found.file).name == "alembic.ini" or "\n[alembic]" in "\n" + found.text
    section = name = ""
    for at, line in _lines(found.text):
        if line.startswith("["):
            section = line.partition("]")[0].strip("[ ")
        match = _INI_LINE.match(line)
        inner = line.startswith((" ", "\t"))
        if match is not None and not inner:
            name = match["key"].strip().lower()
        if name in _SETS and _variable(found, at, line):
            continue
        if match is None or inner:
            continue
        key, value = match["key"].strip(), match["value"].rstrip()
        here = value.find("%(here)s")
        text = value.replace("%%", "%")
        tail = text if here < 0 else text[here + len("%(here)s") :]
        plain = text.replace("%(here)s", "/here") if here >= 0 else text
        if "%(" in tail or not names_database(plain, found.known):
            continue
        form = Form.ALEMBIC_INI if alembic and key == "sqlalchemy.url" else Form.INI
        told = f"{section}_{key}" if key.lower() in _GENERIC else key
        why = _why_not(told, text, section, known=form is Form.ALEMBIC_INI)
        why = why if section else _NO_SECTION
        start = at + match.start("value")
        before: Pieces = ()
        if here >= 0:
            before = (
                Piece(PieceKind.TEXT, text[:here]),
                Piece(PieceKind.FILE, file=found.file, up=1),
            )
            start += here + len("%(here)s")
        found.add(form, tail, start, at + match.start("value") + len(value),
                  allowed="no" if why else "yes", why=why, before=before,
                  shown=value)  # fmt: skip
    return found.scan()


_SETS = ("env", "setenv", "set_env")
"""Options of pytest-env and tox whose lines set environment variables."""
_SET = re.compile(
    r"(?:(?:env|setenv|set_env)\s*=|\s)\s*(?:[DRU]:)*(?P<key>\w+)\s*=\s*(?P<value>\S[^\r\n]*)"
)
_NO_SECTION = "it stands in no section, and it is not seen how the file is read"


def _variable(found: Collector, at: int, line: str) -> bool:
    """Note the database that a line of such an option sets a variable to."""
    match = _SET.match(line)
    value = match["value"].rstrip() if match else ""
    if match is None or not names_database(value, found.known):
        return False
    start = at + match.start("value")
    found.add(Form.INI, value, start, start + len(value), allowed="no",
              why="the variable is set for tests", key=match["key"])  # fmt: skip
    return True


def scan_toml(found: Collector) -> FileScan:
    """`key = "value"` lines of a TOML file that parses."""
    try:
        tomllib.loads(found.text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        return found.scan(UnreadableFile(found.file, 1, f"it is not TOML ({error})"))
    section = table = ""
    for at, line in _lines(found.text):
        if line.lstrip().startswith("["):
            section = line.partition("]")[0].strip("[ \t")
            table = section.rsplit(".", 1)[-1]
        indent = len(line) - len(line.lstrip())
        match = _TOML_LINE.match(line.lstrip())
        if match is None:
            continue
        value = match["value"][1:-1]
        if not names_database(value, found.known):
            continue
        key = match["key"].strip("\"'")
        why = _why_not(f"{table}_{key}" if key.lower() in _GENERIC else key, value, section)
        start = at + indent + match.start("value")
        found.add(Form.TOML, value, start, start + len(match["value"]),
                  allowed="no" if why else "yes", why=why)  # fmt: skip
    return found.scan()


def scan_yaml(found: Collector, form: Form = Form.YAML) -> FileScan | None:
    """Scalars of a YAML file; None when it does not parse (a template)."""
    try:
        nodes = list(YAML(typ="safe", pure=True).compose_all(found.text))
    except (YAMLError, ValueError):
        return None
    for node in nodes:
        for section, key, scalar in _scalars(node, "", ""):
            _scalar(found, form, section, key, scalar)
    return found.scan()


_VOLUME = re.compile(r"[.~/\w][^:]*:/[^:]*(?::\w+)?\Z")


def _why_not(key: str, value: str, section: str, *, known: bool = False) -> str:
    """Why a value is not one for the database in use, else an empty text; a whole URL says so
    itself.

    `section`: the names of what is around the key. `known`: the key needs no look.
    """
    around = [snake(name.strip("\"' ")) for name in section.split(".")]
    if any(named_for_tests(name) for name in around):
        return f"the section {section} speaks of tests"
    if any(OTHER_WORD.search(name) for name in around):
        return f"the section {section} speaks of another copy"
    if known or speaks_of_database(key):
        return ""
    if locate(value).is_url and not OTHER_WORD.search(snake(key)):
        return ""
    return "the key does not speak of a database"


_DEFAULT = re.compile(r"\$\{\w+:?-(?P<default>[^${}]*)\}")
"""`${DB_PATH:-app.db}`: what stands when nobody sets it."""


def _scalar(found: Collector, form: Form, section: str, key: str, scalar: ScalarNode) -> None:
    value = scalar.value
    start, end = scalar.start_mark.index, scalar.end_mark.index
    whole = value
    if "=" in value and not names_database(value, found.known):
        key, _, whole = value.partition("=")
    if form is Form.COMPOSE and "://" not in whole and _VOLUME.match(whole):
        # The folder or file of this machine; behind the colon is the container's.
        whole = whole.partition(":")[0]
    default = _DEFAULT.fullmatch(whole)
    if form is not Form.YAML and default is not None:
        whole = default["default"]
    if not isinstance(value, str) or not names_database(whole, found.known):
        return
    allowed, why = "yes", ""
    raw = found.text[start:end].strip("'\"")
    if form is not Form.YAML:
        allowed, why = "no", "the path is one inside the container or on the CI machine"
    elif whole is not value or raw != value or "\n" in value:
        allowed, why = "no", "the value is not written in one plain piece"
    elif reason := _why_not(key, whole, section):
        allowed, why = "no", reason
    found.add(
        form, whole, start, end, allowed=allowed, why=why, key=key if whole != value else None
    )


def _scalars(node: Node | None, section: str, key: str) -> Iterator[tuple[str, str, ScalarNode]]:
    """The scalars, each with the names of what is around its key, and the key."""
    if isinstance(node, ScalarNode):
        yield section, key, node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(item, section, key)
    elif isinstance(node, MappingNode):
        around = f"{section}.{key}" if section else key
        for name, value in node.value:
            inner = str(name.value) if isinstance(name, ScalarNode) else ""
            if key and not speaks_of_database(inner) and inner.lower() in _GENERIC:
                inner = f"{key}_{inner}"
            yield from _scalars(value, around, inner)


_GENERIC = {"path", "file", "url", "uri", "name", "filename", "location"}


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, line.rstrip("\r\n")
        at += len(line)
