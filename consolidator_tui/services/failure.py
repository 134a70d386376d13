"""Any exception as an error that a person understands; the traceback goes to a private file."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import traceback
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError, Failed, FileRefused
from consolidator_tui.storage.atomic import explain_os, open_private
from consolidator_tui.storage.sqlite import explain

LOG_NAME = "error.log"


def translate(error: Exception, what: str, folder: Path | None = None) -> ConsolidatorError:
    """The error about `what` (an action or a file) in plain words.

    Errors of SQLite and of the system get a sentence. What nobody expected is written with its
    traceback into `folder` (the run's; None takes the system's temporary folder), mode 0600, and
    the error names that file.
    """
    if isinstance(error, ConsolidatorError):
        return error
    if isinstance(error, ExceptionGroup):
        return translate(_first(error), what, folder)
    if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
        return explain(error, what)
    if isinstance(error, UnicodeError):
        # Python cannot send such a name to SQLite, nor read a message of SQLite that quotes one.
        return FileRefused(
            f"{what}: a name in the schema of a database is no UTF-8 text.",
            todo="The schema is damaged: recover that database first, or leave it out.",
        )
    if isinstance(error, OSError):
        name = error.filename if isinstance(error.filename, (str, bytes)) else ""
        known = not name or os.fsdecode(name).endswith(what)
        return explain_os(error, what if known else f"{what}: {os.fsdecode(name)}")
    log = _write_log(error, folder)
    return Failed(
        f"An unexpected error stopped the work ({type(error).__name__}); the details are in {log}.",
        todo="Please report it with that file.",
    )


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that says most: one of ours before any other."""
    errors: list[Exception] = []
    for error in group.exceptions:
        errors.append(_first(error) if isinstance(error, ExceptionGroup) else error)
    ours = [error for error in errors if isinstance(error, ConsolidatorError)]
    return (ours or errors)[0]


def _write_log(error: Exception, folder: Path | None) -> Path:
    text = "".join(traceback.format_exception(error))
    if folder is None:
        descriptor, name = tempfile.mkstemp(prefix="consolidator-error-", suffix=".log")
        path = Path(name)
    else:
        path = folder / LOG_NAME
        descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(text)
    return path
