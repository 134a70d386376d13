"""Databases of real frameworks and samples, merged with copies of themselves: nothing is new."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cases.engines import run_command
from tests.support.real_databases import (
    REAL_DATABASES,
    RealDatabase,
    given_other_ids,
    vacuumed,
)


def _contents(path: Path) -> dict[str, list[str]]:
    """Every row of every table that is not an index of another."""
    with closing(sqlite3.connect(path)) as con:
        assert con.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert con.execute("PRAGMA foreign_key_check").fetchall() == []
        names = con.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' "
            "AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_s%' ESCAPE '\\'"
        ).fetchall()
        return {
            name: sorted(map(repr, con.execute(f'SELECT * FROM "{name}"'))) for (name,) in names
        }


@pytest.mark.parametrize("real", REAL_DATABASES, ids=lambda real: real.name)
def test_copies_bring_nothing_new(real: RealDatabase, tmp_path: Path) -> None:
    """A byte copy, a VACUUMed copy and one with other ids each hold the same entities."""
    made = tmp_path / "made" / "real.db"
    made.parent.mkdir()
    real.make(made)
    before = _contents(made)
    assert sum(map(len, before.values())) > 30
    for copies in (("bytes", "vacuumed"), ("ids",)):
        project = tmp_path / copies[0]
        project.mkdir()
        app = project / "app.db"
        shutil.copyfile(made, app)
        sources = ["app.db", *(f"{copy}.db" for copy in copies)]
        if "ids" in copies:
            given_other_ids(made, project / "ids.db", real.undeclared)
            assert _contents(project / "ids.db") != before
        else:
            shutil.copyfile(made, project / "bytes.db")
            vacuumed(made, project / "vacuumed.db")
        chosen = [part for source in sources for part in ("--source", source)]
        run = ["run", str(project), "--target", "app.db", *chosen, "--yes", "--json"]
        done = run_command(run, "inprocess")
        told = json.loads(done.stdout.splitlines()[-1])
        assert done.status == 0, told["messages"]
        for table, counts in told["tables"].items():
            assert counts["source"] == counts["base"] + counts["duplicate"], (table, counts)
        assert _contents(app) == before
