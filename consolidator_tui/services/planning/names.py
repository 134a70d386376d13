"""What a column's name says about the table that it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BOUNDARY = re.compile(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])")
_SUFFIXES = {"id", "fk", "ref", "key", "pk"}
_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman"}
_NO_IDS = {"aid", "bid", "did", "hid", "kid", "lid", "mid", "oid", "rid"}
"""Short names that are words, too."""
_ROLES = {
    "owner", "author", "creator", "manager", "parent", "assignee", "sender", "recipient",
    "approver", "reviewer", "editor", "supervisor", "by", "to", "from", "who", "whom",
    "account", "actor", "admin", "agent", "beneficiary", "boss", "buyer", "candidate", "client",
    "coach", "contact", "contributor", "customer", "debtor", "deputy", "doctor", "driver",
    "employee", "employer", "follower", "followee", "friend", "guest", "guardian", "handler",
    "head", "holder", "host", "instructor", "invitee", "landlord", "lead", "leader", "member",
    "mentor", "moderator", "opponent", "organizer", "participant", "partner", "patient", "payee",
    "payer", "performer", "person", "player", "predecessor", "provider", "receiver", "referrer",
    "replied", "reporter", "requester", "requestor", "responsible", "seller", "shipper", "speaker",
    "student", "submitter", "subscriber", "successor", "supplier", "teacher", "tenant", "trainer",
    "tutor", "uploader", "usr", "vendor", "voter", "winner", "worker", "writer",
}  # fmt: skip

_WRAPPINGS = {"json", "jsonb", "csv", "list", "array", "set", "arr", "str", "text", "data"}


def words(name: str) -> list[str]:
    """The lower-case words of an identifier in snake or camel case."""
    return [part.lower() for part in _BOUNDARY.split(name) if part]


def singular(word: str) -> str:
    """A plain English singular, good enough to compare two names."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stem(column: str) -> list[str]:
    """The words of a column without its id suffix, singular: `billing_userId` -> billing, user."""
    parts = words(column)
    if len(parts) > 1 and parts[-1] in _SUFFIXES:
        parts = parts[:-1]
    elif len(parts) > 1 and parts[0] == "id":
        parts = parts[1:]
    elif runs_together(column):
        parts = [parts[0][:-2] if parts[0].endswith("id") else parts[0][2:]]
    return [singular(part) for part in parts]


def is_id_like(column: str) -> bool:
    """Whether the name has an id suffix or prefix, or is a short one like `uid`."""
    parts = words(column)
    if len(parts) == 1:
        return len(parts[0]) == 3 and parts[0].endswith("id") and parts[0] not in _NO_IDS
    return len(parts) > 1 and (parts[-1] in _SUFFIXES or parts[0] == "id")


def may_be_short(column: str, table: str) -> bool:
    """Whether a word may be short for the table's id all the same: `did` of `decks`."""
    parts = words(column)
    return len(parts) == 1 and parts[0] in _NO_IDS and "".join(words(table))[:1] == parts[0][0]


def runs_together(column: str) -> bool:
    """Whether the name may be a table's and `id` without a boundary, as in `userid`."""
    parts = words(column)
    if len(parts) != 1 or len(parts[0]) <= 4:
        return False
    return parts[0].endswith("id") or parts[0].startswith("id")


def is_role(column: str) -> bool:
    """Whether the name is one under which people keep ids of others (`created_by`)."""
    parts = words(column)
    return bool(parts) and parts[-1] in _ROLES


def without_wrapping(name: str) -> str:
    """A name without the words that say how several values are kept, singular:
    `tag_ids_json` -> `tag_id`, `userIds` -> `user_id`, `members` -> `member`."""
    parts = words(name)
    kept = [part for part in parts if part not in _WRAPPINGS] or parts
    return "_".join([*kept[:-1], singular(kept[-1])]) if kept else ""


def says(column: str, parent: str) -> bool:
    """Whether the column's name names the parent table: `billing_user_id` -> `app_users`."""
    own = stem(column)
    table = [singular(part) for part in words(parent)]
    if not own or not table:
        return False
    shorter = min(len(own), len(table))
    is_id = is_id_like(column) or runs_together(column)
    if not is_id and words(column)[-1] != own[-1]:
        # A plural without an id suffix counts things (`posts`); it refers to none of them.
        return False
    joined = "".join(own) == "".join(table)
    return joined or own[-shorter:] == table[-shorter:]


class TableNames:
    """Finds the tables that a column's name names, among many."""

    def __init__(self, tables: Iterable[str]) -> None:
        self._by_last: dict[str, list[str]] = {}
        self._joined: dict[str, list[str]] = {}
        for table in tables:
            parts = [singular(part) for part in words(table)]
            if parts:
                self._by_last.setdefault(parts[-1], []).append(table)
                self._joined.setdefault("".join(parts), []).append(table)

    def named_by(self, column: str) -> list[str]:
        """The tables for which `says` holds."""
        own = stem(column)
        if not own:
            return []
        near = [*self._by_last.get(own[-1], ()), *self._joined.get("".join(own), ())]
        return [table for table in dict.fromkeys(near) if says(column, table)]


def says_self(column: str) -> bool:
    """Whether the name speaks of a parent row in the same table."""
    return is_id_like(column) and "parent" in stem(column)
