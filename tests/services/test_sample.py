"""The sample project holds what its documentation says, counted from the files themselves."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.errors import DiskFull, UsageError
from consolidator_tui.sample import writer
from consolidator_tui.sample.truth import DATA, MAIN, OLD
from consolidator_tui.sample.writer import SAMPLE_DECISIONS, SAMPLE_TRUTH, write_sample
from consolidator_tui.services.discover.service import discover
from consolidator_tui.services.plan_document.file import loads

Row = dict[str, Any]
Tables = dict[str, list[Row]]
MOMENT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
KEYS = {"users": "email", "prompts": "slug", "uploads": "content_hash"}
REFERENCES = {
    ("prompts", "user_id"): "users",
    ("prompts", "forked_from"): "prompts",
    ("uploads", "prompt_id"): "prompts",
    **{(table, column): parent for table, column, parent in SAMPLE_TRUTH.references},
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "demo"
    write_sample(folder, clock=lambda: MOMENT)
    return folder


@pytest.fixture(scope="module")
def data(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tables]:
    """The rows of every source, read from a copy: reading would checkpoint the WAL."""
    copy = tmp_path_factory.mktemp("read") / "demo"
    shutil.copytree(sample, copy)
    return {source: read(copy / source) for source in SAMPLE_TRUTH.sources}


def read(path: Path) -> Tables:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.row_factory = sqlite3.Row
        names = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]
            for (name,) in names
        }


def counts(tables: Tables) -> dict[str, int]:
    return {table: len(rows) for table, rows in tables.items()}


def test_counts(data: dict[str, Tables]) -> None:
    assert {source: counts(tables) for source, tables in data.items()} == SAMPLE_TRUTH.rows


def test_users_have_13_and_7_columns(data: dict[str, Tables]) -> None:
    widths = {source: len(tables["users"][0]) for source, tables in data.items()}
    assert widths == {MAIN: 13, OLD: 7, DATA: 7}


def test_the_last_transaction_is_only_in_the_wal(
    sample: Path, tmp_path: Path, data: dict[str, Tables]
) -> None:
    shutil.copyfile(sample / SAMPLE_TRUTH.wal_file, tmp_path / "without.db")
    without = read(tmp_path / "without.db")
    whole = data[SAMPLE_TRUTH.wal_file]
    missing = {table: len(rows) - len(without[table]) for table, rows in whole.items()}
    assert missing == SAMPLE_TRUTH.wal_rows
    changed = [row for row in without["users"] if row not in whole["users"]]
    assert [row["email"] for row in changed] == ["priya.raman@example.com"]


def test_every_reference_resolves_in_its_file(data: dict[str, Tables]) -> None:
    for source, tables in data.items():
        for (table, column), parent in REFERENCES.items():
            if column not in next(iter(tables.get(table, [])), {}):
                continue
            ids = {str(row["id"]) for row in tables[parent]}
            values = {str(row[column]) for row in tables[table] if row[column] is not None}
            assert values, (source, table, column)
            assert values <= ids, (source, table, column)


def test_soft_links_hold_text(data: dict[str, Tables]) -> None:
    assert {type(row["user_id"]) for row in data[MAIN]["transactions"]} == {str}
    assert {type(row["user_id"]) for row in data[DATA]["uploads"]} == {str}


def test_colliding_ids_and_people_under_different_ids(data: dict[str, Tables]) -> None:
    emails = {source: {row["id"]: row["email"] for row in t["users"]} for source, t in data.items()}
    same_id = emails[MAIN].keys() & emails[OLD].keys()
    assert sum(emails[MAIN][i] != emails[OLD][i] for i in same_id) == 11
    assert 17 in emails[OLD]
    assert 17 not in emails[MAIN]
    ids = defaultdict(set)
    for users in emails.values():
        for number, email in users.items():
            ids[email].add(number)
    assert sum(len(numbers) > 1 for numbers in ids.values()) >= 15


def test_usernames_belong_to_one_person_but_for_the_admins(data: dict[str, Tables]) -> None:
    emails = defaultdict(set)
    for tables in data.values():
        for row in tables["users"]:
            emails[row["username"]].add(row["email"])
    several = {name: found for name, found in emails.items() if len(found) > 1}
    assert several == {"admin": set(SAMPLE_TRUTH.admins)}
    admins = [
        (source, row["id"])
        for source, tables in data.items()
        for row in tables["users"]
        if row["username"] == "admin"
    ]
    assert admins == [(MAIN, 26), (OLD, 28)]


def entities(data: dict[str, Tables]) -> dict[tuple[str, str, Any], Any]:
    """(source, table, id) -> what the row is about, told without any id."""
    known: dict[tuple[str, str, Any], Any] = {}
    for source, tables in data.items():
        for table, key in KEYS.items():
            for row in tables.get(table, []):
                known[source, table, str(row["id"])] = row[key]
    return known


def resolved(data: dict[str, Tables], table: str) -> Iterator[tuple[str, Row]]:
    """The rows of a table with entities in place of references, without their ids."""
    known = entities(data)
    for source, tables in data.items():
        for row in tables.get(table, []):
            plain = {name: value for name, value in row.items() if name != "id"}
            for name, value in plain.items():
                parent = REFERENCES.get((table, name))
                if parent is not None and value is not None:
                    plain[name] = known[source, parent, str(value)]
            yield source, plain


def moment(text: str | None) -> datetime:
    if text is None:
        return datetime.min.replace(tzinfo=UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@pytest.mark.parametrize("table", ["users", "prompts", "uploads"])
def test_duplicates_and_conflicts(data: dict[str, Tables], table: str) -> None:
    groups = defaultdict(list)
    for source, row in resolved(data, table):
        groups[row[KEYS[table]]].append((source, row))
    tally = Counter[str]()
    for versions in groups.values():
        shared = set.intersection(*(set(row) for _, row in versions))
        if len({tuple(row[name] for name in sorted(shared)) for _, row in versions}) == 1:
            tally["exact"] += len(versions) - 1
            continue
        times = sorted(moment(row["updated_at"]) for _, row in versions)
        tally["undecided" if times[-1] == times[-2] else "decided"] += 1
    if table == "users":
        tally["undecided"] += 1  # the two admins: one username, two people
    assert len(groups) == SAMPLE_TRUTH.merged[table]
    assert tally == {
        "exact": SAMPLE_TRUTH.exact_duplicates[table],
        "decided": SAMPLE_TRUTH.decided[table],
        "undecided": SAMPLE_TRUTH.undecided[table],
    }


def test_transactions_repeat_only_across_files(data: dict[str, Tables]) -> None:
    per_file: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for source, row in resolved(data, "transactions"):
        per_file[source][tuple(row.values())] += 1
    assert {count for found in per_file.values() for count in found.values()} == {1}
    union = Counter[tuple[Any, ...]]()
    for found in per_file.values():
        union |= found
    rows = sum(len(found) for found in per_file.values())
    assert union.total() == SAMPLE_TRUTH.merged["transactions"]
    assert rows - union.total() == SAMPLE_TRUTH.exact_duplicates["transactions"]


def test_survivors_are_the_newest_or_the_decided(data: dict[str, Tables]) -> None:
    kept = {
        part["entity"]["email"]: part["keep"]
        for part in tomllib.loads(SAMPLE_DECISIONS)["decisions"]
        if "email" in part["entity"]
    }
    found = {}
    for email in SAMPLE_TRUTH.survivors:
        versions = [
            (source, row) for source, row in resolved(data, "users") if row["email"] == email
        ]
        phone = next(row["phone"] for source, row in versions if source == MAIN)
        if email in kept:
            winner = next(row for source, row in versions if source == kept[email])
        else:
            winner = max((row for _, row in versions), key=lambda row: moment(row["updated_at"]))
        found[email] = (winner["full_name"], phone)
    assert found == SAMPLE_TRUTH.survivors


def test_decisions_name_every_open_conflict(data: dict[str, Tables]) -> None:
    decisions = tomllib.loads(SAMPLE_DECISIONS)["decisions"]
    assert Counter(part["table"] for part in decisions) == SAMPLE_TRUTH.undecided
    for part in decisions:
        assert part["keep"] in {*SAMPLE_TRUTH.sources, "both"}
        (column, value), *_ = part["entity"].items()
        holders = [
            source
            for source, tables in data.items()
            if any(row[column] == value for row in tables.get(part["table"], []))
        ]
        assert len(holders) == 2
        assert part["keep"] in {*holders, "both"}


def test_decisions_are_a_plan() -> None:
    plan = loads(SAMPLE_DECISIONS)
    assert len(plan.decisions) == sum(SAMPLE_TRUTH.undecided.values())


async def test_discover_preselects_the_sources(sample: Path) -> None:
    before = hashes(sample)
    found = await discover(sample, lambda event: None)
    assert {file.path for file in found.files if file.preselected} == set(SAMPLE_TRUTH.sources)
    assert hashes(sample) == before
    assert (sample / f"{SAMPLE_TRUTH.wal_file}-wal").stat().st_size > 0


def test_other_files(sample: Path) -> None:
    for name in SAMPLE_TRUTH.empty:
        assert (sample / name).stat().st_size == 0
    assert "embeddings" in read(sample / SAMPLE_TRUTH.foreign[0])
    for name in (*SAMPLE_TRUTH.tests, *SAMPLE_TRUTH.backups):
        assert read(sample / name)["users"]
    databases = {
        path.relative_to(sample).as_posix()
        for path in sample.rglob("*")
        if path.suffix in {".db", ".sqlite3"}
    }
    truth = SAMPLE_TRUTH
    listed = [truth.sources, truth.tests, truth.backups, truth.foreign, truth.empty]
    assert databases == {name for names in listed for name in names}


def test_the_same_bytes_each_time(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, clock=lambda: MOMENT)
    assert hashes(tmp_path) == hashes(sample)
    assert (tmp_path / MAIN).stat().st_mtime == (sample / MAIN).stat().st_mtime


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".db-wal" and "__pycache__" not in path.parts
    }


def test_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty") as caught:
        write_sample(tmp_path)
    assert f"`consolidator-tui {tmp_path}`" in caught.value.todo
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError):
            write_sample(place)


def disk_full() -> sqlite3.Error:
    """SQLite's own error for a file that may not grow."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        try:
            connection.execute("CREATE TABLE t (x)")
        except sqlite3.OperationalError as error:
            return error
    raise AssertionError("the file grew")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (lambda: OSError(28, "No space left on device"), DiskFull),
        (disk_full, DiskFull),
        (lambda: OSError(30, "Read-only file system"), UsageError),
        (KeyboardInterrupt, KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], BaseException],
    expected: type[BaseException],
) -> None:
    def fail(*_: object) -> None:
        raise error()

    monkeypatch.setattr(writer, "_set_ages", fail)
    with pytest.raises(expected):
        write_sample(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(expected):
        write_sample(tmp_path)
    assert list(tmp_path.iterdir()) == []
