"""Which Python calls open, test or move a database file."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from consolidator_tui.domain.reference import Form, PieceKind
from consolidator_tui.services.references.paths import locate
from consolidator_tui.services.references.python_names import each_of, keyword, text_of
from consolidator_tui.services.references.python_tree import Scope
from consolidator_tui.services.references.python_values import Evaluator


@dataclass(frozen=True, slots=True)
class Sink:
    """A call that takes a database path or URL."""

    form: Form
    position: int
    keywords: tuple[str, ...]
    url_only: bool = False
    """It is given a connection, or the URL of one: only a URL says which file is opened."""


_URL = ("url", "name_or_url", "database_url", "connection_string", "uri", "database_uri")
SINKS: dict[str, Sink] = {
    "sqlite3.connect": Sink(Form.SQLITE3, 0, ("database",)),
    "dbapi2.connect": Sink(Form.SQLITE3, 0, ("database",)),
    "pysqlite3.connect": Sink(Form.SQLITE3, 0, ("database",)),
    "aiosqlite.connect": Sink(Form.AIOSQLITE, 0, ("database",)),
    "apsw.Connection": Sink(Form.SQLITE3, 0, ("filename",)),
    "create_engine": Sink(Form.SQLALCHEMY, 0, _URL),
    "create_async_engine": Sink(Form.SQLALCHEMY, 0, _URL),
    "make_url": Sink(Form.SQLALCHEMY, 0, ("name_or_url",)),
    "SQLDatabase.from_uri": Sink(Form.SQLALCHEMY, 0, ("database_uri",)),
    "add_jobstore": Sink(Form.SQLALCHEMY, 99, ("url",)),
    "SQLAlchemyJobStore": Sink(Form.SQLALCHEMY, 0, ("url",)),
    "SqliteDatabase": Sink(Form.PEEWEE, 0, ("database",)),
    "SqliteExtDatabase": Sink(Form.PEEWEE, 0, ("database",)),
    "SqliteQueueDatabase": Sink(Form.PEEWEE, 0, ("database",)),
    "CSqliteExtDatabase": Sink(Form.PEEWEE, 0, ("database",)),
    "APSWDatabase": Sink(Form.PEEWEE, 0, ("database",)),
    "db_url.connect": Sink(Form.PEEWEE, 0, ("url",)),
    "dataset.connect": Sink(Form.DATASET, 0, ("url",)),
    "databases.Database": Sink(Form.DATABASES, 0, ("url",)),
    "sqlite_utils.Database": Sink(Form.OPENED, 0, ("filename_or_conn",)),
    "SQLiteEngine": Sink(Form.OPENED, 0, ("path",)),
    "SqliteDict": Sink(Form.OPENED, 0, ("filename",)),
    "from_conn_string": Sink(Form.OPENED, 0, ("conn_string",)),
    "optuna.create_study": Sink(Form.SQLALCHEMY, 0, ("storage",)),
    "optuna.load_study": Sink(Form.SQLALCHEMY, 99, ("storage",)),
    "RDBStorage": Sink(Form.SQLALCHEMY, 0, ("url",)),
    "mlflow.set_tracking_uri": Sink(Form.SQLALCHEMY, 0, ("uri",)),
    "dj_database_url.config": Sink(Form.DJANGO, 1, ("default",)),
    "dj_database_url.parse": Sink(Form.DJANGO, 0, ("url",)),
    "env.db": Sink(Form.DJANGO, 1, ("default",)),
    "env.db_url": Sink(Form.DJANGO, 1, ("default",)),
    "Tortoise.init": Sink(Form.TORTOISE, 99, ("db_url",)),
    "register_tortoise": Sink(Form.TORTOISE, 99, ("db_url",)),
    "pony.orm.Database": Sink(Form.PONY, 1, ("filename",)),
    "bind": Sink(Form.PONY, 1, ("filename",)),
    "read_sql": Sink(Form.SQLALCHEMY, 1, ("con",), url_only=True),
    "read_sql_query": Sink(Form.SQLALCHEMY, 1, ("con",), url_only=True),
    "read_sql_table": Sink(Form.SQLALCHEMY, 1, ("con",), url_only=True),
    "to_sql": Sink(Form.SQLALCHEMY, 1, ("con",), url_only=True),
}
"""By the end of the callee's dotted name, longest match first."""

OTHER_ENGINES = {
    "duckdb", "tinydb", "plyvel", "leveldb", "rocksdb", "lmdb", "shelve", "dbm", "pickledb",
    "unqlite", "zodb", "chromadb", "lancedb", "pickle", "joblib", "h5py", "logging",
}  # fmt: skip
"""Modules (in lower case) whose files are no SQLite databases, whatever they are called."""

_FILE_TESTS = {
    "os.path.exists", "os.path.isfile", "os.path.getsize", "os.path.getmtime", "os.stat",
    "exists", "isfile", "os.access", "os.path.lexists", "getsize",
}  # fmt: skip
TEST_METHODS = {"exists", "is_file", "stat"}
_OPERATIONS = {
    "os.remove", "os.unlink", "os.rename", "os.replace", "os.truncate", "os.link", "os.symlink",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.move", "shutil.rmtree",
    "os.chmod", "remove", "unlink", "open", "io.open", "aiofiles.open", "aiofiles.os.remove",
    "copyfile", "copy2", "zipfile.ZipFile", "FileResponse", "send_file", "os.removedirs",
}  # fmt: skip
OPERATION_METHODS = {
    "unlink", "rename", "replace", "write_bytes", "read_bytes", "touch", "write_text", "copy",
    "copy_into", "move", "symlink_to", "hardlink_to", "chmod",
}  # fmt: skip
_HARMLESS = {"open", "FileResponse", "send_file", "read_bytes", "touch", "chmod"}


def sink_of(call: cst.Call, scope: Scope, evaluator: Evaluator) -> tuple[Sink, str] | None:
    """The sink that a call is, and its qualified name."""
    name = evaluator.qualified(call.func, scope)
    if not name and isinstance(call.func, cst.Attribute):
        name = f"?.{call.func.attr.value}"
    sink, last = _sink_named(name), name.rsplit(".", 1)[-1]
    if sink is not None:
        if last == "bind" and sink.form is Form.PONY and not _is_pony(call):
            return None
        if sink.url_only and not _is_url(argument(call, sink), scope, evaluator):
            return None
        return sink, name
    if last == "Database" and _is_pony(call):
        return SINKS["pony.orm.Database"], name
    return None


def _sink_named(name: str) -> Sink | None:
    parts = name.split(".")
    ends = (".".join(parts[-length:]) for length in (3, 2, 1) if len(parts) >= length)
    return next((SINKS[end] for end in ends if end in SINKS), None)


def _is_url(given: cst.BaseExpression | None, scope: Scope, evaluator: Evaluator) -> bool:
    values = evaluator.values(given, scope) if given is not None else []
    return any(
        v[0].kind is PieceKind.ENVIRONMENT
        or (v[0].kind is PieceKind.TEXT and locate("".join(p.text for p in v)).is_url)
        for v in values
        if v
    )


def mapped(
    call: cst.Call, scope: Scope, evaluator: Evaluator
) -> tuple[Form, cst.BaseExpression] | None:
    """What opens each of several files in `map(sqlite3.connect, files)`, and the files."""
    found = each_of(call)
    if found is None:
        return None
    opener, files = found
    sink = _sink_named(evaluator.qualified(opener, scope))
    known = sink is not None and sink.position == 0
    return (sink.form, files) if sink is not None and known else None


def _is_pony(call: cst.Call) -> bool:
    provider = text_of(keyword(call, "provider")) or (
        text_of(call.args[0].value) if call.args and call.args[0].keyword is None else ""
    )
    return provider == "sqlite"


def argument(call: cst.Call, sink: Sink) -> cst.BaseExpression | None:
    """The path or URL that a call is given."""
    named = keyword(call, *sink.keywords)
    if named is not None:
        return named
    plain = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
    return plain[sink.position] if sink.position < len(plain) else None


def file_use(
    call: cst.Call, scope: Scope, evaluator: Evaluator
) -> tuple[Form, list[cst.BaseExpression], bool] | None:
    """Tests and operations on files: (form, paths it is given, whether the file is endangered)."""
    name = evaluator.qualified(call.func, scope)
    plain = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
    last = name.rsplit(".", 1)[-1]
    if name in _FILE_TESTS:
        return Form.FILE_TEST, plain[:1], False
    if name in _OPERATIONS:
        copies = last in ("copy", "copy2", "copyfile")
        harmless = last in _HARMLESS
        return Form.FILE_OPERATION, plain[1:2] if copies else plain[:2], not harmless
    if isinstance(call.func, cst.Attribute):
        method = call.func.attr.value
        if method in TEST_METHODS:
            return Form.FILE_TEST, [call.func.value], False
        if method == "replace" and len(plain) != 1:
            return None  # that of a text
        if method in OPERATION_METHODS:
            return Form.FILE_OPERATION, [call.func.value], method not in _HARMLESS
    return None
