from __future__ import annotations

import pytest

from consolidator_tui.domain.discovery import FileKind, FoundFile, Role, TableSummary
from consolidator_tui.services.discover.roles import classify, settle

USERS = (TableSummary("users", 3), TableSummary("orders", 4))


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("app.db", Role.APPLICATION),
        ("backend/data/prompts.db", Role.APPLICATION),
        ("latest.db", Role.APPLICATION),
        ("contest/goldmine.db", Role.APPLICATION),
        ("instance/instance/app", Role.APPLICATION),
        ("sales_2024-01-15.db", Role.APPLICATION),
        ("test.db", Role.TEST),
        ("backend/test_models.db", Role.TEST),
        ("shop_test.sqlite3", Role.TEST),
        ("shop-test.sqlite3", Role.TEST),
        ("tests/data/app.db", Role.TEST),
        ("pytest-of-ann/pytest-3/app.db", Role.TEST),
        ("backup/app.db", Role.BACKUP_COPY),
        ("db_backup_2024-01-15/app.db", Role.BACKUP_COPY),
        ("old/app.db", Role.BACKUP_COPY),
        ("app.db.bak", Role.BACKUP_COPY),
        ("app.bak", Role.BACKUP_COPY),
        ("app_old.db", Role.BACKUP_COPY),
        ("app copy.db", Role.BACKUP_COPY),
        ("app (1).db", Role.BACKUP_COPY),
        ("appBackup.db", Role.BACKUP_COPY),
        ("app.db~", Role.BACKUP_COPY),
    ],
)
def test_the_path_is_evidence(path: str, role: Role) -> None:
    found, reason = classify(path, FileKind.DATABASE, USERS)
    assert found is role, reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("path", "tables", "role"),
    [
        ("vectors/chroma.sqlite3", "embeddings collections segments tenants", Role.OTHER_PROGRAM),
        ("vectors/data.bin", "embeddings collections segments tenants", Role.OTHER_PROGRAM),
        (".coverage", "coverage_schema meta file line_bits arc context", Role.OTHER_PROGRAM),
        ("profile/Cookies", "cookies meta", Role.OTHER_PROGRAM),
        ("profile/places.sqlite", "moz_places moz_historyvisits", Role.OTHER_PROGRAM),
        ("history.sqlite", "history sessions output_history", Role.OTHER_PROGRAM),
        ("cache.db", "files2", Role.OTHER_PROGRAM),
        ("bakery.db", "cookies meta", Role.APPLICATION),
        ("ai.db", "embeddings collections users", Role.APPLICATION),
        ("shop.db", "files users", Role.APPLICATION),
    ],
)
def test_the_tables_are_evidence(path: str, tables: str, role: Role) -> None:
    summaries = [TableSummary(name, 1) for name in tables.split()]
    assert classify(path, FileKind.DATABASE, summaries)[0] is role


def test_without_tables_or_bytes_it_is_empty() -> None:
    assert classify("app.db", FileKind.DATABASE, ())[0] is Role.EMPTY
    assert classify("tests/app.db", FileKind.EMPTY, None)[0] is Role.EMPTY


def test_a_locked_file_is_judged_by_its_path() -> None:
    assert classify("app.db", FileKind.DATABASE, None)[0] is Role.APPLICATION
    assert classify("chroma.sqlite3", FileKind.DATABASE, None)[0] is Role.OTHER_PROGRAM
    assert classify("Cookies", FileKind.DATABASE, None)[0] is Role.APPLICATION


def test_the_reason_says_what_is_in_it() -> None:
    assert classify("a.db", FileKind.DATABASE, USERS)[1] == (
        "It holds 7 rows in the tables users, orders."
    )


def found(path: str, tables: tuple[TableSummary, ...] = USERS) -> FoundFile:
    role, reason = classify(path, FileKind.DATABASE, tables)
    return FoundFile(path, 1, 1, 1, 1, FileKind.DATABASE, role, reason, True, tables=tables)


@pytest.mark.parametrize(
    "dated", ["app_2024-01-15.db", "app-20240115-0930.db", "app.db.20240115", "2024-01-15/app.db"]
)
def test_a_date_beside_the_same_name_without_it_is_a_backup(dated: str) -> None:
    copy, original = settle([found(dated), found("data/app.db")])
    assert original.role is Role.APPLICATION
    assert copy.role is Role.BACKUP_COPY
    assert not copy.preselected
    assert "data/app.db" in copy.reason


def test_a_date_alone_is_no_proof() -> None:
    files = [found("sales_2024-01-15.db"), found("sales_2024-01-16.db"), found("shop.db")]
    assert settle(files) == files
    other = [found("app_2024-01-15.db", (TableSummary("else", 1),)), found("app.db")]
    assert settle(other) == other
