"""Writes the sample project: a small backend whose data lies in several SQLite files.

The sources are under `files/`, copied as they are; the databases are made here, with the same
rows each time. How it came about, told by the files (paths relative to the project):

`backend/app.db`
    The web application's database (`DATABASE_URL` in `backend/.env`, started in `backend/`), once
    called prompts.db. 39 users with 13 columns, 42 prompts, 54 transactions, 30 uploads.
`backend/prompts.db`
    The old name. The copy lives on because `PromptAgent` has the default `db_path="prompts.db"`,
    and because a server was started with the old file for months. 35 users with the 7 columns of
    then, 38 prompts, 38 transactions, and the agent's 30 prompt_reviews.
    Rows 1 to 24 (users, transactions) and 1 to 26 (prompts) are from before the rename and the
    same in both files, but for the edits below; what came later has colliding ids. User 17 closed
    the account: gone from app.db, still here, with a transaction.
`backend/data/app.db`
    Made by `UploadAgent`, whose default is `data/app.db`. 26 users with 7 columns, of which 14 are
    known in the other files under other ids, 24 uploads without prompt_id, 24 agent_runs. In WAL
    mode; the last transaction (1 user, 2 uploads, 2 runs, the newest version of Priya) is only in
    the `-wal`. This agent writes times as `2026-02-18T09:00:00+00:00`, the site without `T`.
`app.db`
    Zero bytes: `create_admin.py` was started in the project's root.
`backend/test.db`, `backend/test_models.db`
    Left by tests.
`backup_2025-12-20/`
    app.db and prompts.db as they were when somebody tried to join them by hand.
`backend/vector_store/chroma.sqlite3`
    Belongs to another program.

References: prompts.user_id, prompts.forked_from and uploads.prompt_id are declared; the others
(transactions.user_id and .prompt_id, uploads.user_id, prompt_reviews.prompt_id and .user_id,
agent_runs.upload_id) are not, and hold ids as text where they point to users or uploads. All of
them resolve within their file.

A right merge into `backend/app.db` holds 60 users, 52 prompts, 68 transactions, 49 uploads, 30
prompt_reviews and 24 agent_runs. Users are the same person by e-mail, prompts the same by slug,
uploads by content hash.

- users: 100 rows, 31 of them exact duplicates. `newest` decides six: Grace Obi (app.db), Emily
  Stone (prompts.db), Priya Raman (three versions, data/app.db), Rosa Delgado and Ben Carter
  (registered twice, under two ids), Isabel Costa (data/app.db). Phones are only in app.db and
  stay. Open: Marcus Lee (both changed in the same second), Hana Kim (no updated_at at all), and
  two accounts `admin` with different e-mails: two people, one of whom needs another username.
- prompts: 80 rows, 24 exact duplicates; `newest` decides three, one has the same time twice.
- transactions: 92 rows without a key of their own, 24 exact duplicates.
- uploads: 54 rows; five contents are in two files under two ids: two rows are exact duplicates,
  `newest` decides two, one has the same moment twice, written in two formats.

`SAMPLE_TRUTH` has these numbers, `SAMPLE_DECISIONS` settles what is open.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from consolidator_tui.domain.errors import DiskFull, UsageError
from consolidator_tui.sample import accounts, rows, schema, vectors
from consolidator_tui.sample.rows import Tables
from consolidator_tui.sample.truth import DATA, MAIN, OLD, SAMPLE_DECISIONS, SAMPLE_TRUTH

__all__ = ["SAMPLE_DECISIONS", "SAMPLE_TRUTH", "write_sample"]

_BACKUP_DAY = "2025-12-20"
_AGES_IN_DAYS = {
    MAIN: 0.1,
    OLD: 1.5,
    DATA: 0.4,
    DATA + "-wal": 0.3,
    "app.db": 41,
    "backend/test.db": 9,
    "backend/test_models.db": 9,
    f"backup_{_BACKUP_DAY}/app.db": 72,
    f"backup_{_BACKUP_DAY}/prompts.db": 72,
    "backend/vector_store/chroma.sqlite3": 43,
}


def _now() -> datetime:
    return datetime.now(UTC)


def write_sample(folder: Path, *, clock: Callable[[], datetime] = _now) -> None:
    """Write the sample project into `folder`, which is made if it is missing.

    The contents are the same each time (but for the random salts inside the `-wal`); `clock` only
    sets the files' times of last change. Blocks for some tenths of a second. When it fails, what
    was written is removed again.

    Raises:
        UsageError: `folder` is not an empty folder, or cannot be written to.
        DiskFull: there is no room left.
    """
    existed = _require_empty(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _copy_sources(folder)
        _write_databases(folder)
        _set_ages(folder, clock())
    except BaseException as error:
        _remove_contents(folder, keep_folder=existed)
        if _is_full(error):
            raise DiskFull(
                f"There is no room for the sample project in {folder}.",
                todo="Free some space, or choose another folder.",
            ) from error
        if isinstance(error, OSError | sqlite3.OperationalError):
            raise UsageError(
                f"The sample project cannot be written to {folder}: {_reason(error)}.",
                todo="Choose another folder.",
            ) from error
        raise


def _require_empty(folder: Path) -> bool:
    """True when the folder exists and is empty, False when it does not exist."""
    try:
        empty = not any(folder.iterdir())
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise UsageError(
            f"{folder} is not a folder.", todo="Name a folder that is new or empty."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {_reason(error)}.", todo="Choose another folder."
        ) from error
    if not empty:
        raise UsageError(
            f"{folder} is not empty, and the sample project would mix with what is there.",
            todo="Name a folder that is new or empty. If it is the sample of an earlier start, "
            f"go on with `consolidator-tui {shlex.quote(str(folder))}`.",
        )
    return True


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _remove_contents(folder: Path, *, keep_folder: bool) -> None:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if not keep_folder:
        folder.rmdir()


def _copy_sources(folder: Path) -> None:
    with as_file(files("consolidator_tui.sample") / "files") as template:
        shutil.copytree(
            template,
            folder,
            dirs_exist_ok=True,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "*.pyc"),
        )


def _write_databases(folder: Path) -> None:
    main, old = rows.main_tables(), rows.old_tables()
    _make(folder / MAIN, schema.MAIN, main)
    _make(folder / OLD, schema.OLD, old)
    _make_with_wal(folder / DATA)
    (folder / "app.db").touch()
    backup = folder / f"backup_{_BACKUP_DAY}"
    _make(backup / "app.db", schema.MAIN, rows.backup_tables(main, _BACKUP_DAY))
    _make(backup / "prompts.db", schema.OLD, rows.backup_tables(old, _BACKUP_DAY))
    _make(folder / "backend/test.db", schema.WEB, {"users": rows.test_users()})
    _make(folder / "backend/test_models.db", schema.WEB, {"users": rows.test_users()[:1]})
    with _new_database(folder / "backend/vector_store/chroma.sqlite3") as connection:
        vectors.fill_vector_store(connection)


@contextmanager
def _new_database(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


def _make(path: Path, ddl: str, tables: Tables) -> None:
    with _new_database(path) as connection:
        connection.executescript(ddl)
        _insert(connection, tables)


def _insert(connection: sqlite3.Connection, tables: Tables) -> None:
    for table, table_rows in tables.items():
        for row in table_rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            connection.execute(
                f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(row.values())
            )


def _make_with_wal(path: Path) -> None:
    """Make the upload agent's file so that its last transaction stays in the `-wal`.

    The last connection to close would move the WAL into the database, so both files are copied
    while it is open. Nobody else knows the folder they are in, and nothing writes meanwhile.
    """
    checkpointed, last = rows.data_tables()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sample-") as scratch:
        draft = Path(scratch) / path.name
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(schema.DATA)
            _insert(connection, checkpointed)
            connection.commit()
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            _insert(connection, last)
            connection.execute(
                "UPDATE users SET full_name = :full_name, updated_at = :updated_at"
                " WHERE email = :email",
                accounts.newest_of_priya(),
            )
            connection.commit()
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{draft}{suffix}", f"{path}{suffix}")


def _set_ages(folder: Path, now: datetime) -> None:
    for name, days in _AGES_IN_DAYS.items():
        moment = (now - timedelta(days=days)).timestamp()
        os.utime(folder / name, (moment, moment))
