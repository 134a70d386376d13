"""The rows of each file of the sample, the same ones every time.

Each function gives table -> rows in the order of their ids. References are right within each
file: an owner exists there, and existed before what is owned.
"""

from __future__ import annotations

import hashlib

from consolidator_tui.sample import accounts, people
from consolidator_tui.sample.accounts import Row, at, iso
from consolidator_tui.sample.people import FIRST, SITE, number

Tables = dict[str, list[Row]]

_FORMATS = (("pdf", "application/pdf"), ("txt", "text/plain"), ("csv", "text/csv"))
_DOCUMENTS = (
    *("style-guide", "invoice", "meeting-notes", "survey", "contract", "budget", "syllabus"),
    *("interview", "minutes", "price-list", "manual", "inventory"),
)
_SHARED = {3: FIRST[1], 8: FIRST[4], 14: FIRST[9], 20: SITE[0], 25: FIRST[21]}
"""Uploads of the main file that the upload agent received too, and who sent them."""


def main_tables() -> Tables:
    """backend/app.db."""
    users = accounts.main_users()
    prompts = _first_prompts()
    _edit(prompts[3], " Answer in English.", at(33))
    _edit(prompts[8], " Name your sources.", at(105))
    own = [*people.titles()[26:40]]
    own[8:8] = [people.titles()[50]]
    own[13:13] = [people.titles()[51]]
    days = [180 - 10 * position for position in range(16)]
    prompts += _late_prompts("main", own, days, users, prompts)
    _same_title(prompts[26 + 8], users, FIRST[4], " Keep it to one page.", at(70))
    _same_title(prompts[26 + 13], users, people.TWICE[0], " Three paragraphs.", at(50))
    transactions = _first_transactions(prompts)
    days = [197 - 6 * position for position in range(30)]
    transactions += _transactions("main", 25, days, users, prompts)
    return {
        "users": users,
        "prompts": prompts,
        "transactions": transactions,
        "uploads": _main_uploads(users, prompts),
    }


def old_tables() -> Tables:
    """backend/prompts.db."""
    users = accounts.old_users()
    prompts = _first_prompts()
    _edit(prompts[3], " In English, please.", at(110))
    _edit(prompts[8], " Cite two sources.", at(25))
    own = [*people.titles()[40:50]]
    own[5:5] = [people.titles()[50]]
    own[11:11] = [people.titles()[51]]
    days = [170 - 12 * position for position in range(12)]
    prompts += _late_prompts("old", own, days, users, prompts)
    _same_title(prompts[26 + 5], users, FIRST[4], " One page at most.", at(70))
    _same_title(prompts[26 + 11], users, people.TWICE[0], " Two paragraphs.", at(38))
    prompts[28]["forked_from"] = 33
    transactions = _first_transactions(prompts)
    days = [190 - 12 * position for position in range(14)]
    transactions += _transactions("old", 25, days, users, prompts)
    transactions[27]["user_id"] = "17"
    reviewed = [prompt for prompt in prompts if int(prompt["id"] or 0) % 5 or prompt["id"] == 5]
    return {
        "users": users,
        "prompts": prompts,
        "transactions": transactions,
        "prompt_reviews": [_review(i, row) for i, row in enumerate(reviewed[:30], start=1)],
    }


def data_tables() -> tuple[Tables, Tables]:
    """backend/data/app.db: what its last checkpoint left in the file, and what only the WAL has."""
    users = accounts.data_users()
    uploads = _data_uploads(users)
    runs: list[Row] = [
        {
            "id": position,
            "upload_id": str(position if position < 20 else position - 18),
            "status": "failed" if position in {2, 4} else "done",
            "detail": "timed out" if position in {2, 4} else f"{1 + position % 7} pages",
            "started_at": iso(117 - 5 * position),
            "finished_at": iso(117 - 5 * position - 0.001),
        }
        for position in range(1, 23)
    ]
    runs += [
        {
            "id": position,
            "upload_id": "23",
            "status": status,
            "detail": detail,
            "started_at": iso(days),
            "finished_at": iso(days),
        }
        for position, status, detail, days in (
            (23, "failed", "timed out", 0.2),
            (24, "done", "3 pages", 0.15),
        )
    ]
    whole = {"users": users, "uploads": uploads, "agent_runs": runs}
    last = {"users": 1, "uploads": 2, "agent_runs": 2}
    return (
        {table: rows[: -last[table]] for table, rows in whole.items()},
        {table: rows[-last[table] :] for table, rows in whole.items()},
    )


def backup_tables(tables: Tables, before: str) -> Tables:
    """What a file held on an earlier day: the rows made before it, as they were made."""
    earlier: Tables = {}
    for table, rows in tables.items():
        kept = [dict(row) for row in rows if str(row["created_at"]) < before]
        for row in kept:
            if "updated_at" in row:
                row["updated_at"] = row["created_at"]
        earlier[table] = kept
    return earlier


def test_users() -> list[Row]:
    """What test runs leave behind."""
    return [
        {
            "id": position,
            "email": f"{name}@test.example",
            "username": name,
            "full_name": f"{name.title()} Test",
            "password_hash": "!",
            "created_at": at(9),
            "updated_at": at(9),
        }
        for position, name in enumerate(("alice", "bob"), start=1)
    ]


def _first_prompts() -> list[Row]:
    prompts: list[Row] = []
    for position, title in enumerate(people.titles()[:26], start=1):
        owner = 1 + number(title[0] + "owner", 24)
        prompts.append(_prompt(position, 1 if owner == 17 else owner, title, 227 - position))
        if position % 6 == 0:
            prompts[-1]["forked_from"] = position // 2
    return prompts


def _late_prompts(
    file: str, titles: list[tuple[str, str]], days: list[int], users: list[Row], first: list[Row]
) -> list[Row]:
    prompts = []
    for position, (title, day) in enumerate(zip(titles, days, strict=True)):
        owner = _somebody(users, at(day), file + title[0])
        row = _prompt(27 + position, int(owner["id"] or 0), title, day)
        if position % 5 == 1:
            row["forked_from"] = first[number(title[0] + "fork", len(first))]["id"]
        prompts.append(row)
    return prompts


def _prompt(position: int, owner: int, title: tuple[str, str], days: float) -> Row:
    name, category = title
    created = at(days - number(name + "minute", 480) / 1440)
    return {
        "id": position,
        "user_id": owner,
        "slug": people.slug(name),
        "title": name,
        "body": people.body(name, category),
        "category": category,
        "forked_from": None,
        "created_at": created,
        "updated_at": created,
    }


def _edit(row: Row, text: str, updated_at: str) -> None:
    row["body"] = f"{row['body']}{text}"
    row["updated_at"] = updated_at


def _same_title(
    row: Row, users: list[Row], owner: people.Person, text: str, updated_at: str
) -> None:
    _edit(row, text, updated_at)
    row["user_id"] = accounts.ids(users)[owner.email]
    row["forked_from"] = None


def _first_transactions(prompts: list[Row]) -> list[Row]:
    days = [223 - position for position in range(24)]
    users = [row for row in accounts.old_users()[:24] if row["id"] != 17]
    return _transactions("first", 1, days, users, prompts[:26])


def _transactions(
    file: str, first_id: int, days: list[int], users: list[Row], prompts: list[Row]
) -> list[Row]:
    rows: list[Row] = []
    for position, day in enumerate(days, start=first_id):
        key = f"{file} transaction {position}"
        moment = day - number(key, 1200) / 1440
        spent = number(key + "kind", 3) > 0
        prompt = _somebody(prompts, at(moment), key) if spent else None
        cents = -(10 + number(key + "cents", 90)) if spent else 500 * (1 + number(key, 8))
        rows.append(
            {
                "id": position,
                "user_id": str(_somebody(users, at(moment), key + "user")["id"]),
                "prompt_id": None if prompt is None else prompt["id"],
                "kind": "spend" if spent else "purchase",
                "amount_cents": cents,
                "currency": ("EUR", "EUR", "GBP", "USD")[number(key + "currency", 4)],
                "note": None if spent else f"receipt {1000 + number(key + 'note', 9000)}",
                "created_at": at(moment),
            }
        )
    return rows


def _main_uploads(users: list[Row], prompts: list[Row]) -> list[Row]:
    by_email = accounts.ids(users)
    rows: list[Row] = []
    for position in range(1, 31):
        day = 186 - 6 * position
        sender = _SHARED.get(position)
        if sender is None:
            owner = _somebody(users, at(day), f"upload {position}")["id"]
        else:
            owner = by_email[sender.email]
        key = f"main {position}"
        row = _upload(position, key, owner, at(day - number(key + "minute", 480) / 1440))
        prompt = _somebody(prompts, at(day), f"upload prompt {position}")
        rows.append(row | {"prompt_id": prompt["id"] if position % 2 else None})
    for position, days in ((14, 10), (20, 60), (25, 20)):
        rows[position - 1]["updated_at"] = at(days)
    return rows


def _data_uploads(users: list[Row]) -> list[Row]:
    by_email = accounts.ids(users)
    places = dict(zip((3, 7, 10, 14, 18), _SHARED, strict=True))
    theirs = {
        int(row["id"] or 0): row
        for row in _main_uploads(accounts.main_users(), _first_prompts())
        if row["id"] in _SHARED
    }
    rows: list[Row] = []
    for position in range(1, 25):
        shared = places.get(position)
        if shared is not None:
            row = {key: value for key, value in theirs[shared].items() if key != "prompt_id"}
            rows.append(row | {"id": position, "user_id": str(by_email[_SHARED[shared].email])})
            continue
        days = {23: 0.5, 24: 0.3}.get(position, 118 - 5 * position)
        key = f"data {position}"
        owner = _somebody(users, iso(days), key)["id"]
        minutes = number(key + "minute", 200)
        rows.append(_upload(position, key, owner, iso(days - minutes / 1440)))
    for position, suffix, days in ((10, " (1)", 95), (14, "-final", 15), (18, "-copy", 20)):
        stem, _, ending = str(rows[position - 1]["filename"]).rpartition(".")
        rows[position - 1] |= {"filename": f"{stem}{suffix}.{ending}", "updated_at": iso(days)}
    rows[-1]["status"] = "pending"
    return rows


def _upload(position: int, key: str, owner: str | int | None, created_at: str) -> Row:
    ending, mime = _FORMATS[number(key + "format", len(_FORMATS))]
    name = _DOCUMENTS[number(key + "name", len(_DOCUMENTS))]
    return {
        "id": position,
        "user_id": str(owner),
        "content_hash": hashlib.sha256(f"content of {key}".encode()).hexdigest(),
        "filename": f"{name}-{100 + number(key, 900)}.{ending}",
        "mime_type": mime,
        "size_bytes": 900 + number(key + "size", 240_000),
        "status": "processed",
        "created_at": created_at,
        "updated_at": created_at,
    }


def _review(position: int, prompt: Row) -> Row:
    score = 2 + number(f"score {prompt['slug']}", 4)
    comments = {
        2: "Too short to say what is wanted.",
        3: "Has no placeholder, so it cannot be reused.",
        4: "Good, could be shorter.",
        5: "Clear and reusable.",
    }
    return {
        "id": position,
        "prompt_id": prompt["id"],
        "user_id": str(prompt["user_id"]),
        "score": score,
        "comment": comments[score],
        "created_at": at(36 - position / 24),
    }


def _somebody(rows: list[Row], before: str, key: str) -> Row:
    there = [row for row in rows if str(row["created_at"]) < before]
    return there[number(key, len(there))]
