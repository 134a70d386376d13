"""Databases that programs keep for themselves, known by their tables, else by their name."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from consolidator_tui.domain.words import verb


@dataclass(frozen=True, slots=True)
class Program:
    """A program's own database.

    `tables` are tables that it always has, enough to know it by. With `needs_name` they are too
    common to prove it alone, or an application may keep them among its own, so the file's name
    must match as well.
    """

    title: str
    tables: frozenset[str]
    name: re.Pattern[str]
    needs_name: bool = False


def _program(title: str, tables: str, name: str, *, needs_name: bool = False) -> Program:
    pattern = re.compile(name, re.IGNORECASE)
    return Program(title, frozenset(tables.split()), pattern, needs_name)


PROGRAMS = (
    _program("coverage.py", "coverage_schema line_bits file", r"\.coverage(\..*)?"),
    _program("Chroma (a vector store)", "embeddings collections segments", r"chroma\.sqlite3"),
    _program("Chroma (a vector store)", "embeddings_queue collection_metadata", r"chroma\.sqlite3"),
    _program("Jupyter", "nbsignatures", r"nbsignatures\.db"),
    _program("Jupyter", "Files", r"file_id_manager\.db", needs_name=True),
    _program("IPython (its history)", "history sessions output_history", r"history\.sqlite"),
    _program("mypy (its cache)", "files2", r"cache(\..*)?\.db"),
    _program("mypy (its cache)", "files", r"cache\.db", needs_name=True),
    _program("Firefox", "moz_places moz_historyvisits", r"places\.sqlite"),
    _program("Firefox", "moz_cookies", r"cookies\.sqlite"),
    _program("Firefox", "moz_formhistory", r"formhistory\.sqlite"),
    _program("Firefox", "moz_icons", r"favicons\.sqlite"),
    _program("Chrome or Chromium", "cookies meta", r"cookies", needs_name=True),
    _program("Chrome or Chromium", "urls visits visit_source", r"history"),
    _program("Chrome or Chromium", "logins meta", r"login data.*", needs_name=True),
    _program("Chrome or Chromium", "autofill meta", r"web data", needs_name=True),
    _program("Chrome or Chromium", "favicons favicon_bitmaps", r"favicons"),
    _program("VS Code", "ItemTable", r"state\.vscdb(\.backup)?"),
    _program("Celery (its schedule)", "Dict", r"celerybeat-schedule.*", needs_name=True),
    _program("diskcache", "Cache Settings", r"cache\.db", needs_name=True),
    _program("requests-cache", "responses redirects", r".*cache.*", needs_name=True),
    _program("LangChain (its cache)", "full_llm_cache", r"\.?langchain.*\.db", needs_name=True),
    _program("MLflow", "experiments runs latest_metrics", r"mlflow\.db", needs_name=True),
    _program("Optuna", "studies trials trial_params", r"optuna.*", needs_name=True),
    _program("Apache Airflow", "dag dag_run task_instance", r"airflow\.db", needs_name=True),
    _program("pytest-testmon", "test_execution file_fp", r"\.testmondata.*"),
    _program("Subversion", "WCROOT NODES PRISTINE", r"wc\.db"),
)


def program_of(name: str, tables: AbstractSet[str]) -> tuple[str, str] | None:
    """The program that owns a file of this name with these tables, and the evidence in words.

    With no tables known (a locked file) the name alone decides.
    """
    for program in PROGRAMS:
        named = program.name.pattern != ".*" and program.name.fullmatch(name) is not None
        if not tables:
            if named and not program.needs_name:
                return program.title, "its name says so"
        elif program.tables <= tables and (named or not program.needs_name):
            first = ", ".join(sorted(program.tables))
            noun = verb(len(program.tables), "table", "tables")
            return program.title, f"it has the {noun} {first}"
    return None
