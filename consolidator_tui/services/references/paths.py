"""Which texts name an SQLite file, and how URLs are taken apart."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass

SUFFIXES = ("db", "db3", "sqlite", "sqlite2", "sqlite3", "sqlitedb", "s3db", "sl3", "sdb")
SUFFIX_PATTERN = r"(?:sqlitedb|sqlite[23]?|s3db|sl3|sdb|db3|db)"

# `db+` and `sqla+`: Celery's way to give SQLAlchemy a URL.
_URL = re.compile(
    r"(?P<scheme>(?:(?:db|sqla)\+)?sqlite3?(?:\+\w+)?|sqlcipher(?:\+\w+)?)://(?P<rest>.*)",
    re.S | re.I,
)
_SUFFIX = re.compile(rf"[^/\\]\.{SUFFIX_PATTERN}\Z", re.I)
_IDENTIFIERS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_NOT_PATH = re.compile(r"[\n\r\t*<>|\"`;,(){}\[\]=]|://")
_MEMORY = re.compile(r":memory:|mode=memory|:sharedmemory:", re.I)
_OTHER_URL = re.compile(r"(?!(?:(?:db|sqla)\+)?sqlite|sqlcipher|file:)[a-z][\w+.-]*://", re.I)
_THUMBS = "thumbs.db"

DATABASE_WORD = re.compile(
    r"(?:^|_|-|\b)(?:db|dbs|database|databases|sqlite3?|sqlalchemy|dsn|datafile|db(?:path|file|name|url|uri))"
    r"(?:$|_|-|\b|\d)",
    re.I,
)
"""A name that speaks of a database: db_path, DATABASE_URL, sqlite_file."""

OTHER_WORD = re.compile(
    r"(?:^|_|-)(?:old|legacy|previous|prev|backup|backups|bak|archive|archived|src|source|from|dst|"
    r"dest|destination|import|export|dump|restore|copy|merge|merged|migrate|migration|convert|"
    r"delete|remove|drop|clean|cleanup|purge|wipe|reset|snapshot|tmp|temp|template|example|sample|"
    r"compare|diff|ignore|ignored|exclude|excluded|skip|pattern|glob|extra)(?:$|_|-)",
    re.I,
)
"""A name that speaks of another copy, or of doing something other than working in the database."""


@dataclass(frozen=True, slots=True)
class Location:
    """A database text, taken apart: `prefix + path + suffix` is the text again."""

    prefix: str
    """`sqlite:///`, `file:`, or nothing."""
    path: str
    suffix: str
    """The query with its question mark, or nothing."""

    @property
    def is_url(self) -> bool:
        """Whether it is an SQLAlchemy-like URL."""
        return "://" in self.prefix

    @property
    def is_file_uri(self) -> bool:
        """Whether SQLite itself reads it as a `file:` URI."""
        return self.prefix.lower().endswith("file:")


def is_other_url(text: str) -> bool:
    """Whether the text begins as the URL of something that is no SQLite file."""
    return _OTHER_URL.match(text) is not None


def is_memory(text: str) -> bool:
    """Whether the text names a database without a file."""
    if _MEMORY.search(text):
        return True
    match = _URL.match(text)
    return match is not None and match.group("rest").split("?")[0] in ("", "/")


def locate(text: str, *, two_slashes: bool = False) -> Location:
    """Take a URL, a `file:` URI or a path apart.

    Three slashes introduce a relative path, four an absolute one (SQLAlchemy, databases, dataset,
    peewee's db_url). `two_slashes`: Tortoise, which takes everything after `://` as the path.
    """
    match = _URL.match(text)
    prefix, rest = "", text
    if match:
        prefix, rest = text[: match.start("rest")], match["rest"]
        if rest.startswith("/") and not two_slashes:
            prefix, rest = prefix + "/", rest[1:]
    if rest.lower().startswith("file:"):
        prefix, rest = prefix + rest[:5], rest[5:]
    suffix = ""
    if prefix and "?" in rest:
        at = rest.index("?")
        rest, suffix = rest[:at], rest[at:]
    return Location(prefix, rest, suffix)


def names_database(text: str, known: Collection[str] = ()) -> bool:
    """Whether a whole literal reads as the path or URL of an SQLite file.

    `known`: names of database files of this project, which count whatever their suffix.
    Not: `Thumbs.db`, a bare suffix, globs, sentences, dotted names such as `app.errors.db`.
    """
    if not 3 < len(text) < 1000 or is_memory(text):
        return False
    where = locate(text)
    if where.is_url:
        return bool(where.path.strip("./")) and "\n" not in text
    path = where.path.replace("\\", "/")
    name = posixpath.basename(path)
    if _NOT_PATH.search(path) or name.lower() == _THUMBS or path.startswith("-"):
        return False
    if name in known:
        return True
    if not _SUFFIX.search(path) or " " in path:
        return False
    if name.startswith(".") and name.count(".") == 1:
        return False
    return not ("/" not in path and path.count(".") > 1 and _IDENTIFIERS.match(path))


def is_dotted(text: str) -> bool:
    """Whether the text could as well be a module's name, such as `app.db`."""
    return bool(_IDENTIFIERS.match(text))


TOKEN = re.compile(
    rf"(?:sqlite3?(?:\+\w+)?:/{{2,4}}|\bfile:)?(?:[\w.~$@%+/-]|\$\{{\w+\}})*[\w}}-]\.{SUFFIX_PATTERN}"
    r"(?![\w(/-])(?!\.\w)",
    re.I,
)
"""A database path inside a line of text that is not Python."""


def tokens(line: str, known: Collection[str] = ()) -> list[tuple[int, str]]:
    """The database paths in a line of free text: (column from 0, text)."""
    found = []
    for match in TOKEN.finditer(line):
        text = match[0]
        if match.start() and line[match.start() - 1] in "*\\":
            continue
        if line[: match.start()].endswith("://"):
            continue
        if names_database(text, known):
            found.append((match.start(), text))
    return found


_QUICK = (b"sqlite", b".db", b".s3db", b".sl3", b".sdb", b"database_", b"databaseurl", b"db_")
_QUICK_PYTHON = (b"engine", b"jobstore", b"dataset", b"databases", b"conn_string", b"pony", b"apsw")
_CLOSER = re.compile(
    rb"sqlite|[\w}%-]\.(?:db3?|s3db|sl3|sdb)\b|database_?(?:url|path|uri|name|file)|"
    rb"\bdb_?(?:path|file|url|uri|name)",
)


_PYTHON = re.compile(
    # a text that ends like a database's name, or a URL
    rb"\.(?:sqlitedb|sqlite[23]?|s3db|sl3|sdb|db3?)['\"?{\\]|sqlite3?(?:\+\w+)?:|sqlcipher|"
    # what opens one
    rb"sqlite3|aiosqlite|apsw|dbapi2|create_(?:async_)?engine\(|make_url\(|database\.from_uri|"
    rb"add_jobstore|sqlalchemyjobstore|sqlite\w*(?:database|engine)|dataset\.connect|"
    rb"databases\.database|from databases|"
    rb"sqlite_utils|sqlitedict|"
    rb"from_conn_string|tortoise\.init|register_tortoise|tortoise_orm|pony|"
    rb"(?:bind|database|connect)\(\s*['\"]sqlite|attach\b.{0,12}'|"
    # names that carry one from file to file, and keys of the environment
    rb"(?:database|db)_?(?:path|file|url|uri)|['\"](?:database|db)_?name['\"]|"
    rb"\b(?:database|db)_?name\s*[:=]\s*[\w.(]*['\"]"
)
_NAMES = re.compile(rb"\b(?:DATABASE|DB)_?NAME\b|DATABASES(?:['\"]\])*\s*(?:=\s|\[|:)")


_NAMED = re.compile(
    rb"\.(?:sqlitedb|sqlite[23]?|s3db|sl3|sdb|db3?)['\"?{\\]|sqlite3?(?:\+\w+)?:|sqlcipher|"
    rb"attach\b.{0,12}'"
)
"""A text that names a database, in lower case."""
_OPENED = re.compile(
    rb"create_(?:async_)?engine\(|make_url\(|from_uri\(|jobstore|sqlite\w*(?:database|engine|dict)|"
    rb"apswdatabase|\bdatabase\(|sqlite_utils|from_conn_string|tortoise|pony|"
    rb"sqlalchemy_database_uri|sqlalchemy_binds|bind\(|"
    rb"(?:(?:import|\.)\s*connect\b|\bconnect\(|\bconnection\()"
)
"""A call that may open one, or a setting that is opened."""
_CARRIED = re.compile(
    rb"^[^\n]*(?:database|db|sqlite)_?(?:path|file|url|uri|name|dir)[^\n]*$", re.M
)
_JOINED = re.compile(
    rb"/|\+|join|%|[({]\w*['\"]|environ|getenv|env|config|exists|isfile|is_file|remove|unlink|rename|"
    rb"replace|move|copy|open|stat|write_|touch"
)
"""What is done with such a name that matters to other files."""


class Mentions:
    """A quick look: whether it is worth reading a file's bytes more closely.

    `known`: the names of the project's own databases.
    """

    def __init__(self, known: Collection[str]) -> None:
        self.names = tuple(
            name.lower().encode("utf-8", "surrogateescape") for name in known if len(name) > 3
        )

    def __call__(self, data: bytes, *, python: bool = False) -> bool:
        """Whether the bytes mention a database; of Python source, whether they do so in a way
        that can be a reference or a use: parsing it is what takes the time."""
        # Plain searches of lower-cased bytes are many times faster than one (?i) expression.
        small = data.lower()
        if any(name in small for name in self.names):
            return True
        if python and any(word in small for word in (*_QUICK, *_QUICK_PYTHON)):
            return _PYTHON.search(small) is not None or _NAMES.search(data) is not None
        return self._any(small)

    def worth_parsing(self, data: bytes) -> bool:
        """Of Python source without its documentation: whether there can be a reference in it, a
        use of one, or a name that matters to the references of other files."""
        small = data.lower()
        if any(name in small for name in self.names) or b"DATABASES" in data:
            return True
        if _NAMED.search(small) or _OPENED.search(small):
            return True
        return any(_JOINED.search(match[0]) for match in _CARRIED.finditer(small))

    def _any(self, small: bytes) -> bool:
        return any(word in small for word in _QUICK) and _CLOSER.search(small) is not None
