"""The users of each file of the sample."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from consolidator_tui.sample import people
from consolidator_tui.sample.people import FIRST, OLD_SITE, SENDERS, SITE, Person, number

Row = dict[str, str | int | None]

_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CLOSED = 17
_ROSA, _BEN, _HANA = people.TWICE
_MIRRORED = (
    *(FIRST[number_ - 1] for number_ in (2, 5, 6, 10, 12, 14, 20, 22)),
    *(OLD_SITE[1], OLD_SITE[4]),
    *(SITE[0], SITE[3], SITE[5], SITE[6]),
)


def at(days: float) -> str:
    """A moment that many days before the story's end, as SQLAlchemy writes it."""
    return f"{_NOW - timedelta(minutes=round(days * 1440)):%Y-%m-%d %H:%M:%S.%f}"


def iso(days: float) -> str:
    """The same moment as the upload agent writes it: ISO 8601 with a zone."""
    return (_NOW - timedelta(minutes=round(days * 1440))).isoformat(timespec="seconds")


def main_users() -> list[Row]:
    """13 columns; ids 1 to 24 without 17, then 25 to 40."""
    rows = [_with_details(row) for row in _first_users() if row["id"] != _CLOSED]
    _change(rows, FIRST[2], full_name="Grace Obi-Martens", updated_at=at(30))
    _change(rows, FIRST[7], updated_at=at(140))
    _change(rows, FIRST[11], updated_at=at(160))
    _change(rows, FIRST[14], updated_at=at(120))
    late = (
        *(SITE[0], people.ADMIN, SITE[1], SITE[2], _BEN, SITE[3], SITE[4], SITE[5], SITE[6]),
        *(_HANA, SITE[7], SITE[8], SITE[9], _ROSA, SITE[10], SITE[11]),
    )
    for position, person in enumerate(late):
        row = _account(person, 190 - 10 * position, file=_second_password(person, "main"))
        rows.append(_with_details({"id": 25 + position, **row}))
    _change(rows, people.ADMIN, role="admin")
    _change(rows, _ROSA, full_name="Rosa Delgado Ruiz")
    _change(rows, _HANA, updated_at=None)
    return rows


def old_users() -> list[Row]:
    """7 columns; ids 1 to 24, then 25 to 35, which are other people than in the main file."""
    rows = _first_users()
    _change(rows, FIRST[2], full_name="Grace A. Obi", updated_at=at(150))
    _change(rows, FIRST[7], full_name="Emily Stone-Baker", updated_at=at(20))
    _change(rows, FIRST[11], full_name="P. Raman", updated_at=at(90))
    _change(rows, FIRST[14], full_name="Marcus T. Lee", updated_at=at(120))
    late = (
        *(OLD_SITE[0], OLD_SITE[1], OLD_SITE[2], people.OTHER_ADMIN, _ROSA, OLD_SITE[3]),
        *(OLD_SITE[4], _HANA, OLD_SITE[5], _BEN, OLD_SITE[6]),
    )
    for position, person in enumerate(late):
        row = _account(person, 185 - 14 * position, file=_second_password(person, "old"))
        rows.append({"id": 25 + position, **row})
    _change(rows, _BEN, full_name="Benjamin Carter")
    _change(rows, _HANA, full_name="Hana Kim-Park", updated_at=None)
    return rows


def data_users() -> list[Row]:
    """7 columns; ids 1 to 26: senders of mail among accounts copied from the other two files."""
    known = {row["email"]: _plain(row) for row in [*old_users(), *main_users()]}
    mirrored = iter(_MIRRORED)
    rows: list[Row] = []
    for position, sender in enumerate(SENDERS[:-1]):
        rows.append(_sender(sender, 126 - 9 * position))
        rows.extend(known[person.email] for person in _take(mirrored, 2 if position < 3 else 1))
    rows.append(_sender(SENDERS[-1], 0.6))
    for position, row in enumerate(rows, start=1):
        row["id"] = position
    _change(rows, FIRST[11], full_name="Priya R.", updated_at=iso(100))
    _change(rows, SITE[5], full_name="Isabel Costa Lima", updated_at=iso(12))
    return rows


def newest_of_priya() -> Row:
    """What the last transaction of the upload agent changed in the user of three files."""
    return {
        "email": FIRST[11].email,
        "full_name": "Priya Raman-Iyer",
        "updated_at": iso(0.4),
    }


def ids(rows: Iterable[Row]) -> dict[str, int]:
    """The id of each person in one file, by e-mail."""
    return {str(row["email"]): int(row["id"] or 0) for row in rows}


def _first_users() -> list[Row]:
    return [
        {"id": position, **_account(person, 420 - 8 * position)}
        for position, person in enumerate(FIRST, start=1)
    ]


def _account(person: Person, days: float, *, file: str = "") -> Row:
    created = at(days - number(person.username, 600) / 1440)
    return {
        "email": person.email,
        "username": person.username,
        "full_name": person.full_name,
        "password_hash": people.password_hash(person.email, file=file),
        "created_at": created,
        "updated_at": created,
    }


def _sender(person: Person, days: float) -> Row:
    return {
        "id": 0,
        "email": person.email,
        "username": person.username,
        "full_name": person.full_name,
        "password_hash": "!",
        "created_at": iso(days),
        "updated_at": iso(days),
    }


def _with_details(row: Row) -> Row:
    name = str(row["username"])
    companies = (None, "Northlight Studio", "Ferry & Sons", None, "Open Ledger", "Campus Press")
    has_phone = number(name + "phone?", 3) > 0
    return row | {
        "role": "editor" if number(name + "role", 6) == 0 else "member",
        "is_active": 1,
        "phone": f"+44 20 7946 0{number(name + 'phone', 1000):03}" if has_phone else None,
        "company": companies[number(name + "company", len(companies))],
        "locale": ("en", "en", "de", "fr", "es")[number(name + "locale", 5)],
        "last_login_at": at(number(name + "login", 40) + 0.25),
    }


def _plain(row: Row) -> Row:
    kept = ("email", "username", "full_name", "password_hash", "created_at", "updated_at")
    return {"id": 0, **{column: row[column] for column in kept}}


def _second_password(person: Person, file: str) -> str:
    return file if person in people.TWICE else ""


def _take(people_left: Iterable[Person], count: int) -> list[Person]:
    return [person for _, person in zip(range(count), people_left, strict=False)]


def _change(rows: list[Row], person: Person, **values: str | int | None) -> None:
    next(row for row in rows if row["email"] == person.email).update(values)
